// What a fresh process takes from the import of the bundle to the first byte handed to fetch, in milliseconds of the
// processor's time: `start.mjs BUNDLE`.
import process from "node:process";
import { pathToFileURL } from "node:url";

const bundle = pathToFileURL(process.argv[2]).href;
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const started = processorTime();
const { RemoteWriteOutput } = await import(bundle);
let sent = NaN;
const output = new RemoteWriteOutput({
  protocol: "1.0",
  fetch: () => {
    sent = processorTime();
    return Promise.resolve(new Response(null, { status: 204 }));
  },
});
const metric = { name: "http_reqs", type: "counter", contains: "default" };
output.add({ metric, time: Date.now(), value: 1, tags: { method: "GET" } });
await output.flush();
console.log(JSON.stringify({ ms: sent - started }));
process.exit(0);
