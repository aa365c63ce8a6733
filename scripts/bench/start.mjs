// Prints how many milliseconds a new process takes from the import of the bundle to the first call of fetch, until the runtime's
// own fetch has returned, which loads its HTTP client first, and the bytes of the request: `start.mjs BUNDLE SERIES`, with one
// sample of each series.
import process from "node:process";
import { pathToFileURL } from "node:url";
import { stopwatch } from "./stopwatch.mjs";

const [path, series] = process.argv.slice(2);
const bundle = pathToFileURL(path).href;
const elapsed = stopwatch();
const { RemoteWriteOutput } = await import(bundle);
let handed;
let taken;
let bytes;
const output = new RemoteWriteOutput({
  protocol: "1.0",
  fetch: (_url, init) => {
    // Only the first request: the next one carries the metadata.
    if (handed === undefined) {
      handed = elapsed();
      bytes = init.body.length;
      // No server listens on this port.
      fetch("http://127.0.0.1:9/", init).catch(() => {});
      taken = elapsed();
    }
    return Promise.resolve(new Response(null, { status: 204 }));
  },
});
const metric = { name: "http_reqs", type: "counter", contains: "default" };
for (let number = 0; number < Number(series); number++) {
  output.add({ metric, time: Date.now(), value: 1, tags: { method: "GET", url: `https://test.k6.io/${number}` } });
}
await output.flush();
console.log(JSON.stringify({ handed, taken, bytes }));
process.exit(0);
