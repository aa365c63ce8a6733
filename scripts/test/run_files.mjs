// Runs test files in this process, on Node, Deno or Bun: run_files.js FILE..., where the files are bundled next to it.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { running, runTests } from "node:test";
import { setTimeout } from "node:timers";

/** A process that still waits for something after its tests does not end by itself. */
const limitMs = 20_000;

let passed = 0;
let failed = 0;
const report = (failures) => {
  failed += failures.length;
  for (const failure of failures) console.log(`not ok: ${failure}\n`);
};
// An error that no test waits for makes the test fail that runs at this moment.
for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (error) => {
    running.stray.push(error);
    if (running.name === "") report([`an error that no test waited for\n${error?.stack ?? error}`]);
  });
}
const conclude = () => console.log(`RESULT ${JSON.stringify({ passed, failed })}`);
let ended = false;
process.on("exit", () => {
  if (ended) return;
  report([`${running.name || "the file"}\nthe process ended, although the test waits for something`]);
  conclude();
});

/** Returns the seconds of CPU of the programs that this process started and that have ended. Only Linux tells. */
function secondsOfChildren() {
  if (!existsSync("/proc/self/stat")) return 0;
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

for (const file of process.argv.slice(2)) {
  const started = process.cpuUsage();
  const startedChildren = secondsOfChildren();
  const startedAt = Date.now();
  try {
    await import(new URL(`../../${file.replace(/\.ts$/, ".js")}`, import.meta.url).href);
  } catch (error) {
    report([`${file}\n${error?.stack ?? error}`]);
  }
  const result = await runTests();
  passed += result.passed;
  report(result.failures);
  const { user, system } = process.cpuUsage(started);
  const wall = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  const own = `${((user + system) / 1e6).toFixed(1)} s of CPU`;
  const seconds = `${wall}, ${own} of its own, ${(secondsOfChildren() - startedChildren).toFixed(1)} s of its children`;
  console.log(`${file}: ${result.passed} passed, ${result.failures.length} failed in ${seconds}`);
  for (const slow of result.slow) console.log(`slow: ${slow}`);
  for (const skipped of result.skipped) console.log(`skipped: ${skipped}`);
}
ended = true;
conclude();
process.exitCode = failed === 0 ? 0 : 1;
setTimeout(() => {
  console.log(`The process did not end within ${limitMs} ms after its tests: they left a timer, a socket or a child.`);
  process.exit(1);
}, limitMs).unref();
