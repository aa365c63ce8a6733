// How long a fresh process takes from the import of the bundle to the first byte handed to fetch, in milliseconds, and until the
// runtime's own fetch has taken it, which loads its HTTP client first: `start.mjs BUNDLE`. The clock on the wall or the processor's time of all threads, whichever is less: the one is longer where
// others use the same cores, the other where several threads work at once.
import process from "node:process";
import { pathToFileURL } from "node:url";

const bundle = pathToFileURL(process.argv[2]).href;
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const startedAt = performance.now();
const started = processorTime();
const { RemoteWriteOutput } = await import(bundle);
const elapsed = () => Math.min(performance.now() - startedAt, processorTime() - started);
let handed;
let taken;
const output = new RemoteWriteOutput({
  protocol: "1.0",
  fetch: (_url, init) => {
    // The first request; that of the metadata follows it.
    if (handed === undefined) {
      handed = elapsed();
      // Nobody listens at this port.
      fetch("http://127.0.0.1:9/", init).catch(() => {});
      taken = elapsed();
    }
    return Promise.resolve(new Response(null, { status: 204 }));
  },
});
const metric = { name: "http_reqs", type: "counter", contains: "default" };
output.add({ metric, time: Date.now(), value: 1, tags: { method: "GET" } });
await output.flush();
console.log(JSON.stringify({ handed, taken }));
process.exit(0);
