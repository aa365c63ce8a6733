// A Cloudflare Worker that pushes its count with each request: simpler, for few requests.
import { push } from "k6-remote-write/push";

interface Env {
  readonly COUNTERS: { fetch(request: Request): Promise<Response> };
  readonly TOKEN: string;
}

let count = 0;
let instance = "";
let lastMs = 0;

export default {
  fetch(_: Request, env: Env, context: { waitUntil(promise: Promise<unknown>): void }): Response {
    lastMs = Math.max(Date.now(), lastMs + 1);
    const labels = { instance: instance ||= crypto.randomUUID() };
    context.waitUntil(push({ name: "worker_requests_total", labels, value: ++count, timestamp: lastMs }, {
      url: "https://counters/api/v1/write",
      bearerToken: env.TOKEN,
      fetch: (url, init) => env.COUNTERS.fetch(new Request(url, init)),
    }));
    return new Response("Hello\n");
  },
};
