// Stands in for k6: accepts its command line, prints similar output, and writes JSON to the first `json=` target. The variable
// STAND_IN_K6 says how it behaves: see stand_in_k6.ts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, openSync, readFileSync, statSync, write as writeTo } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";

const { report, json, code = 0, paceMs = 0, pace, ending = "end" } = JSON.parse(process.env.STAND_IN_K6);
const [, , ...args] = process.argv;
const target = args.flatMap((arg, at) => args[at - 1] === "--out" && arg.startsWith("json=") ? [arg.slice(5)] : [])[0];

let signals = 0;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    signals++;
    say(`\nk6 got ${signal} (${signals})`);
    // k6 stops at once at the second signal.
    if (signals === 2) process.exit(105);
  });
}
tell({
  args,
  pid: process.pid,
  ppid: process.ppid,
  variables: Object.keys(process.env).filter((name) => /^(K6|AWS)_/.test(name)).sort(),
  folderMode: (statSync(dirname(target)).mode & 0o7777).toString(8),
  isFifo: statSync(target).isFIFO(),
  terminal: process.stdout.isTTY === true,
});
console.error("k6's log");

function tell(facts) {
  appendFileSync(report, `${JSON.stringify(facts)}\n`);
}

/** Draws progress bars as k6 does: below the cursor, which returns to where it was. */
function say(text) {
  process.stdout.write(process.stdout.isTTY ? `\x1b[K\n${text}\x1b[K\n\r\x1b[J\x1b[2A` : `${text}\n`);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Writes in pieces of 4 KiB, and still handles signals while it waits for a reader. */
async function write(descriptor, bytes) {
  for (let at = 0; at < bytes.length;) {
    at += await new Promise((resolve, reject) =>
      writeTo(
        descriptor,
        bytes,
        at,
        Math.min(4096, bytes.length - at),
        null,
        (error, length) => error ? reject(error) : resolve(length),
      )
    );
  }
}

async function waitForEver() {
  for (let tick = 0;; tick++) {
    say(`waiting ${tick}`);
    await pause(50);
  }
}

async function waitForSignal() {
  for (let tick = 0; signals === 0; tick++) {
    say(`waiting ${tick}`);
    await pause(50);
  }
}

/** Writes each line when its time has come. */
async function writeInTime(descriptor, lines) {
  const started = performance.now();
  let first;
  for (const line of lines) {
    const time = Date.parse(/"type":"Point","data":\{"time":"([^"]+)"/.exec(line)?.[1]);
    first ??= Number.isNaN(time) ? undefined : time;
    const dueMs = (time - first) / pace - (performance.now() - started);
    if (dueMs > 1) await pause(dueMs);
    await write(descriptor, Buffer.from(line, "latin1"));
  }
}

async function run() {
  if (ending === "never opened") return code;
  if (ending === "opens nothing") await waitForEver();
  if (ending === "opens late") await waitForSignal();
  // For reading, too, so that a FIFO always has a reader: so does k6.
  const descriptor = openSync(target, "w+");
  if (ending === "held open") {
    const { pid } = spawn("sleep", ["600"], { stdio: ["ignore", descriptor, "ignore"], detached: true });
    tell({ sleeper: pid });
  }
  const bytes = json.endsWith(".gz") ? gunzipSync(readFileSync(json)) : readFileSync(json);
  const lines = bytes.toString("latin1").split(/(?<=\n)/);
  if (pace !== undefined) await writeInTime(descriptor, lines.splice(0));
  const step = Math.ceil(lines.length / 10);
  for (let from = 0; from < lines.length; from += step) {
    say(`running, ${from} of ${lines.length}`);
    await write(descriptor, Buffer.from(lines.slice(from, from + step).join(""), "latin1"));
    if (from === 5 * step && ending === "killed") {
      await write(descriptor, Buffer.from('{"metric":"vus","type":"Poi'));
      process.kill(process.pid, "SIGKILL");
      await pause(60_000);
    }
    if (from === 5 * step && ending === "waits") await waitForSignal();
    if (from === 5 * step && ending === "deaf") await waitForEver();
    await pause(paceMs);
  }
  if (ending === "written on") {
    const command = `echo on; echo >&2; exec yes ${"on ".repeat(10)}`;
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", descriptor, "pipe"], detached: true });
    tell({ sleeper: child.pid });
    await once(child.stderr, "data");
  }
  closeSync(descriptor);
  return signals > 0 ? 105 : code;
}

process.exitCode = await run();
console.log("k6's summary");
tell({ signals, code: process.exitCode });
process.exit();
