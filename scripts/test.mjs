// Runs the one suite on every runtime: `npm test [-- PATTERN]`. A runtime that is missing is said so; under CI=true that is
// a failure, and a runtime that ran no test is one always.
import { readdirSync, rmSync } from "node:fs";
import { build, install, root } from "./setup.mjs";

install();
rmSync(`${root}/build`, { recursive: true, force: true });
build({ tests: true });

// Only now, as some need what was just installed.
const { bun } = await import("./test/bun.mjs");
const { chromium } = await import("./test/chromium.mjs");
const { deno } = await import("./test/deno.mjs");
const { newestNode, node } = await import("./test/node.mjs");
const { workerd } = await import("./test/workerd.mjs");

const pattern = process.argv[2] ?? "";
const tests = readdirSync(`${root}/tests`, { recursive: true })
  .map((path) => `tests/${path.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".test.ts") && path.includes(pattern))
  .sort();
// Given no file, a runner would look for tests itself.
if (tests.length === 0) {
  console.error(`Cannot test "${pattern}": no path of a test file contains it, expected such as "wire/"`);
  process.exit(1);
}
// Those of the packages and of the examples start the runtimes themselves: once is enough.
const everywhere = tests.filter((path) => !path.startsWith("tests/packaging/"));

let passed = 0;
let failed = 0;
const lines = [];
for (const runtime of [deno, bun, node, newestNode, workerd, chromium]) {
  const program = runtime.find();
  if (program === undefined) {
    lines.push(`${runtime.name}: not found, skipped`);
    if (process.env.CI === "true") failed++;
    continue;
  }
  const files = runtime === node ? tests : everywhere;
  if (files.length === 0) {
    lines.push(`${runtime.name}: none of these tests`);
    continue;
  }
  console.log(`\n== ${runtime.name}`);
  const started = Date.now();
  const result = await runtime.run(program, files);
  // A runner that fails, or that ran nothing, counts as a failure even if it counted none itself; that of a few tests asked for
  // none runs there, does not.
  const noneRan = result.passed === 0 && (pattern === "" || !result.noneFits);
  if ((result.status !== 0 || noneRan) && result.failed === 0) result.failed = 1;
  passed += result.passed;
  failed += result.failed;
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  lines.push(`${runtime.name}: ${result.passed} passed, ${result.failed} failed in ${seconds} s${result.note ?? ""}`);
}
console.log(`\n${lines.join("\n")}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
