// A server on Deno Deploy that counts its requests. The aggregator adds up the counts of all instances.
import { push } from "k6-remote-write/push";

const url = Deno.env.get("COUNTERS_URL") ?? "";
const bearerToken = Deno.env.get("TOKEN");
const instance = crypto.randomUUID();
let count = 0;
let lastMs = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

async function flush(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  // The aggregator ignores a sample that is not later than the last one of this instance.
  lastMs = Math.max(Date.now(), lastMs + 1);
  const series = { name: "server_requests_total", labels: { instance }, value: count, timestamp: lastMs };
  const { delivered } = await push(series, { url, bearerToken });
  if (delivered === 0) timer ??= setTimeout(flush, 5000);
}

Deno.serve({ hostname: Deno.env.get("HOST"), port: Number(Deno.env.get("PORT") ?? 8000) }, () => {
  count++;
  timer ??= setTimeout(flush, 1000);
  return new Response("Hello\n");
});

// The platform stops an instance that has nothing to do.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, async () => {
    await flush();
    Deno.exit();
  });
}
