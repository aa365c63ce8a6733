// A server on Deno that sends the number and the duration of its requests every second:
//   REMOTE_WRITE_URL=http://localhost:9090/api/v1/write deno run --allow-net --allow-env=REMOTE_WRITE_URL deno_serve.ts
import { RemoteWriteOutput } from "k6-remote-write";
import { createMetrics } from "k6-remote-write/measure";

const output = new RemoteWriteOutput({
  url: Deno.env.get("REMOTE_WRITE_URL"),
  prefix: "shop_",
  labels: { instance: crypto.randomUUID() },
});
const { counter, trend } = createMetrics(output);
const requests = counter("requests");
const duration = trend("request_duration", { contains: "time" });
output.start();

const server = Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0] ?? 8000) }, (request) => {
  const startedAt = performance.now();
  const response = new Response("Hello\n");
  const tags = { method: request.method, status: String(response.status) };
  requests.add(1, tags);
  duration.add(performance.now() - startedAt, tags);
  return response;
});

// close() sends what was measured since the last flush.
Deno.addSignalListener("SIGINT", async () => {
  await server.shutdown();
  const { delivered, samples } = await output.close();
  console.log(`${delivered} of ${samples} samples delivered`);
  Deno.exit(delivered === samples ? 0 : 1);
});
