// A Cloudflare Worker that counts its requests. Each isolate has its own label instance, because each isolate counts from zero.
import { pushOnce, type TimeSeries } from "k6-remote-write";

interface Env {
  readonly REMOTE_WRITE_URL: string;
}
interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

const requests = new Map<string, number>();
let instance = "";
let pushedAt = 0;

function timeSeries(timestamp: number): TimeSeries[] {
  return [...requests].map(([status, value]) => ({
    labels: [
      { name: "__name__", value: "worker_requests_total" },
      { name: "instance", value: instance ||= crypto.randomUUID() },
      { name: "status", value: status },
    ],
    samples: [{ value, timestamp }],
  }));
}

export default {
  fetch(request: Request, env: Env, context: Context): Response {
    const found = new URL(request.url).pathname === "/";
    const status = found ? 200 : 404;
    requests.set(`${status}`, (requests.get(`${status}`) ?? 0) + 1);
    // At most one push per second, so that a push cannot overtake an earlier push of the same series.
    if (Date.now() - pushedAt >= 1000) {
      pushedAt = Date.now();
      context.waitUntil(pushOnce(timeSeries(pushedAt), { url: env.REMOTE_WRITE_URL, maxRequests: 5 }));
    }
    return new Response(found ? "Hello\n" : "Not found\n", { status });
  },
};
