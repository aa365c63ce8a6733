// A route on Vercel (app/api/hello/route.ts of Next.js) that counts its requests, in the edge runtime or on Node.
import { waitUntil } from "@vercel/functions";
import { push } from "k6-remote-write/push";

export const runtime = "edge";

let count = 0;
let instance = "";
let lastMs = 0;
let dueMs = 0;

async function flush(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  dueMs = 0;
  // The aggregator ignores a sample that is not later than the last one of this instance.
  lastMs = Math.max(Date.now(), lastMs + 1);
  const labels = { instance: instance ||= crypto.randomUUID() };
  await push({ name: "route_requests_total", labels, value: count, timestamp: lastMs }, {
    url: process.env.COUNTERS_URL ?? "",
    bearerToken: process.env.TOKEN,
  });
}

export function GET(): Response {
  count++;
  // The first request of a second flushes a second later, with the count of all requests until then.
  if (Date.now() >= dueMs) {
    dueMs = Date.now() + 1000;
    waitUntil(flush());
  }
  return new Response("Hello\n");
}
