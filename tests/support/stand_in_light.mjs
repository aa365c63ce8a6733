// Stands in for a k6 whose own output sends remote write: sends recorded requests to the address in the variables, as k6 does. The
// variable STAND_IN_LIGHT says how it behaves: see stand_in_light.ts.
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";

const { report, requests, code = 0, ending = "end", paceMs = 0 } = JSON.parse(process.env.STAND_IN_LIGHT);
const [, , ...args] = process.argv;
const url = process.env.K6_PROMETHEUS_RW_SERVER_URL;

let signals = 0;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    signals++;
    console.log(`k6 got ${signal} (${signals})`);
    if (signals === 2) process.exit(105);
  });
}
const variables = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(K6|AWS)_/.test(name)));
appendFileSync(report, `${JSON.stringify({ args, pid: process.pid, variables })}\n`);

/** Sends a request once: k6 does not repeat it, and gives it up after 5 s. */
async function send(name) {
  const { headers } = JSON.parse(readFileSync(`${requests}/${name.replace(".bin", ".json")}`, "utf8"));
  const { host: _host, "content-length": _length, "accept-encoding": _accepted, ...kept } = headers;
  const body = readFileSync(`${requests}/${name}`);
  const init = { method: "POST", headers: kept, body, signal: AbortSignal.timeout(5000) };
  try {
    const { status } = await fetch(url, init);
    if (status !== 204) console.error(`level=error msg="got status code: ${status}"`);
  } catch (error) {
    console.error(`level=error msg="Failed to send the time series data to the endpoint" error="${error}"`);
  }
}

const names = ending === "silent" ? [] : readdirSync(requests).filter((name) => name.endsWith(".bin")).sort();
for (const [at, name] of names.entries()) {
  if (at === Math.floor(names.length / 2)) {
    if (ending === "killed") process.kill(process.pid, "SIGKILL");
    while (ending === "waits" && signals === 0) {
      console.log("waiting");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await send(name);
  await new Promise((resolve) => setTimeout(resolve, paceMs));
}
console.log("k6's summary");
process.exit(signals > 0 ? 105 : code);
