// A Cloudflare Worker that counts its requests. The aggregator adds up the counts of all isolates.
import { push } from "k6-remote-write/push";

interface Env {
  /** The Worker that runs the aggregator. */
  readonly COUNTERS: { fetch(request: Request): Promise<Response> };
  readonly TOKEN: string;
}
interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** What this isolate has counted since it began, by status. */
const counts = new Map<number, number>();
let instance = "";
let lastMs = 0;
let dueMs = 0;

async function flush(env: Env): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // Requests from now on need another flush.
    dueMs = 0;
    // The aggregator ignores a sample that is not later than the last one of this isolate.
    lastMs = Math.max(Date.now(), lastMs + 1);
    const series = [...counts].map(([status, value]) => ({
      name: "worker_requests_total",
      labels: { instance: instance ||= crypto.randomUUID(), status: `${status}` },
      value,
      timestamp: lastMs,
    }));
    const { delivered, samples } = await push(series, {
      url: "https://counters/api/v1/write",
      bearerToken: env.TOKEN,
      fetch: (url, init) => env.COUNTERS.fetch(new Request(url, init)),
    });
    if (delivered === samples) return;
  }
}

export default {
  fetch(request: Request, env: Env, context: Context): Response {
    const status = new URL(request.url).pathname === "/" ? 200 : 404;
    counts.set(status, (counts.get(status) ?? 0) + 1);
    // The first request of a second flushes a second later, with the counts of all requests until then.
    if (Date.now() >= dueMs) {
      dueMs = Date.now() + 1000;
      context.waitUntil(flush(env));
    }
    return new Response(status === 200 ? "Hello\n" : "Not found\n", { status });
  },
};
