// A route of Next.js in the edge runtime (app/api/hello/route.ts). It pushes how long each request took.
import { pushOnce } from "k6-remote-write";

export const runtime = "edge";

// Each isolate is one instance. The times of its samples must rise.
let instance = "";
let lastAt = 0;

export async function GET(request: Request): Promise<Response> {
  const startedAt = Date.now();
  const response = new Response(`Hello ${new URL(request.url).searchParams.get("name") ?? "world"}\n`);
  const value = (Date.now() - startedAt) / 1000;
  lastAt = Math.max(Date.now(), lastAt + 1);
  const labels = [
    { name: "__name__", value: "route_duration_seconds" },
    { name: "instance", value: instance ||= crypto.randomUUID() },
    { name: "route", value: "/api/hello" },
  ];
  const url = process.env.REMOTE_WRITE_URL;
  await pushOnce([{ labels, samples: [{ value, timestamp: lastAt }] }], { url, retryDeadlineMs: 2000 });
  return response;
}
