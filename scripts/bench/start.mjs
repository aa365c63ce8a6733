// How long a fresh process takes from the import of the bundle to the first byte handed to fetch: `start.mjs BUNDLE`.
import process from "node:process";
import { pathToFileURL } from "node:url";

const bundle = pathToFileURL(process.argv[2]).href;
const started = performance.now();
const { RemoteWriteOutput } = await import(bundle);
let sent = NaN;
const output = new RemoteWriteOutput({
  protocol: "1.0",
  fetch: () => {
    sent = performance.now();
    return Promise.resolve(new Response(null, { status: 204 }));
  },
});
const metric = { name: "http_reqs", type: "counter", contains: "default" };
output.add({ metric, time: Date.now(), value: 1, tags: { method: "GET" } });
await output.flush();
console.log(JSON.stringify({ ms: sent - started }));
process.exit(0);
