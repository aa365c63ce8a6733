// Runs the one suite on Deno, Bun and Node: `npm test [-- PATTERN]`. A runtime that is missing is said so; under CI=true
// that is a failure, and so is a runtime that ran no test.
import { readdirSync, rmSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { build, install, programs, root, runTee } from "./setup.mjs";

install();
rmSync(`${root}/build`, { recursive: true, force: true });
build({ tests: true });

const pattern = process.argv[2] ?? "";
const tests = readdirSync(`${root}/tests`, { recursive: true })
  .filter((path) => path.endsWith(".test.ts") && path.includes(pattern))
  .map((path) => `tests/${path.replaceAll("\\", "/")}`)
  .sort();

const last = (output, expression) => Number([...output.matchAll(expression)].at(-1)?.[1] ?? 0);
const plain = (output) => stripVTControlCharacters(output);

const runtimes = [
  {
    name: "Deno",
    program: programs.deno,
    args: ["test", "-A", "--no-check", "--parallel", ...tests],
    passed: (output) => last(output, /(\d+) passed/g),
    failed: (output) => last(output, /(\d+) failed/g),
  },
  {
    name: "Bun",
    program: programs.bun,
    args: ["test", "--timeout", "60000", ...tests.map((path) => `./${path}`)],
    passed: (output) => last(output, /^\s*(\d+) pass$/gm),
    failed: (output) => last(output, /^\s*(\d+) fail$/gm),
  },
  {
    name: `Node ${process.versions.node}`,
    program: programs.node,
    args: ["--test", "--test-reporter=spec", ...tests.map((path) => `build/${path.replace(/\.ts$/, ".js")}`)],
    passed: (output) => last(output, /^ℹ pass (\d+)$/gm),
    failed: (output) => last(output, /^ℹ fail (\d+)$/gm),
  },
];

let passed = 0;
let failed = 0;
const lines = [];
for (const runtime of runtimes) {
  if (runtime.program === undefined) {
    lines.push(`${runtime.name}: not found, skipped`);
    if (process.env.CI === "true") failed++;
    continue;
  }
  console.log(`\n== ${runtime.name}`);
  const started = Date.now();
  const { status, output } = await runTee(runtime.program, runtime.args);
  const counts = { passed: runtime.passed(plain(output)), failed: runtime.failed(plain(output)) };
  // A runner that fails, or that ran nothing, counts as a failure even if it counted none itself.
  if ((status !== 0 || counts.passed === 0) && counts.failed === 0) counts.failed = 1;
  passed += counts.passed;
  failed += counts.failed;
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  lines.push(`${runtime.name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
}
console.log(`\n${lines.join("\n")}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
