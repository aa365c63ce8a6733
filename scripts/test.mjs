// Runs the test suite on every runtime: `npm test [-- PATTERN]`, or on one: `npm test -- --quick[=NAME] [PATTERN]`, where NAME
// is a part of a runtime's name and Deno by default. `npm test -- --deep` runs all inputs of the slow tests on Deno, Bun and
// Node. A runtime that is not installed is skipped with a message; under CI=true it is a failure. A runtime that ran no test is
// always a failure.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { build, install, programs, root } from "./setup.mjs";

const args = process.argv.slice(2);
const quick = args.find((arg) => /^--quick(?:=|$)/.test(arg));
const pattern = args.find((arg) => !arg.startsWith("--")) ?? "";
const deep = args.includes("--deep");
const unknown = args.find((arg) => arg.startsWith("--") && arg !== quick && arg !== "--deep");
if (unknown !== undefined) fail(`the argument is "${unknown}", expected a PATTERN, --quick, --quick=NAME or --deep`);

install();
rmSync(`${root}/build`, { recursive: true, force: true });
build();
const { writeManPage } = await import("./man_page.mjs");
await writeManPage();

// These modules import packages that were installed just now.
const { bun } = await import("./test/bun.mjs");
const { bundleCommand, bundleSuite } = await import("./test/bundle.mjs");
const { chromium } = await import("./test/chromium.mjs");
const { deno } = await import("./test/deno.mjs");
const { newestNode, node } = await import("./test/node.mjs");
const { workerd } = await import("./test/workerd.mjs");

const all = deep ? [node, deno, bun] : [node, newestNode, deno, bun, workerd, chromium];
const wanted = (quick?.split("=")[1] ?? "deno").toLowerCase();
const chosen = quick === undefined ? all : all.filter(({ name }) => name.toLowerCase().includes(wanted)).slice(0, 1);
if (chosen.length === 0) {
  fail(`the runtime is "${wanted}", expected a part of ${all.map(({ name }) => name).join(", ")}`);
}
const tests = readdirSync(`${root}/tests`, { recursive: true })
  .map((path) => `tests/${path.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".test.ts") && path.includes(pattern) && (!deep || isSlow(path)))
  .sort();
// A runner that is given no file would search for tests by itself.
if (tests.length === 0) {
  fail(`no path of a test file contains "${pattern}", expected a part of one such as "protocol/"`);
}

function fail(reason) {
  console.error(`Cannot run the tests: ${reason}`);
  process.exit(1);
}

/** Reports whether a test has more inputs than `npm test` runs on each runtime. */
function isSlow(path) {
  return readFileSync(`${root}/${path}`, "utf8").includes("support/runs.ts");
}

// These start other processes, and wait for them most of the time.
const startsProcesses = (path) => /^tests\/(?:cli\/|receivers\/|secret)/.test(path);

// The runtimes that run the tests whose results depend on no runtime: Bun starts fastest, and Deno needs the least CPU.
const oneForProcesses = [bun, deno, node].find((runtime) => runtime.find() !== undefined);
const oneForOthers = [deno, bun, node].find((runtime) => runtime.find() !== undefined);

/** Reports whether a runtime runs the tests of a file whose results depend on no runtime. */
function isOneRuntime(runtime, path) {
  return deep || chosen.length === 1 || runtime === (startsProcesses(path) ? oneForProcesses : oneForOthers);
}

/** Reports whether a test says that nothing in it depends on the runtime. */
function runsOnce(path) {
  return readFileSync(`${root}/${path}`, "utf8").startsWith("// Runs on one runtime: ");
}

// The tests in packaging/ start all runtimes themselves, so one runtime runs them.
const isPackaging = (path) => path.startsWith("tests/packaging/");

await bundleSuite([...tests, "tests/support/installed_package.ts", "tests/support/certificates.ts"]);

/** What came of each runtime, in the order of the summary. */
const results = new Map();
const tasks = [];
for (const runtime of chosen) {
  const result = { passed: 0, failed: 0, seconds: 0, ran: false, note: "" };
  results.set(runtime, result);
  const program = runtime.find();
  if (program === undefined) {
    result.note = "not found, skipped";
    if (process.env.CI === "true") result.failed++;
    continue;
  }
  const packaging = runtime === node || (quick !== undefined && (pattern !== "" || deep))
    ? tests.filter(isPackaging)
    : [];
  const others = tests.filter((path) => !isPackaging(path) && (isOneRuntime(runtime, path) || !runsOnce(path)));
  const { files, note } = runtime.select?.(others) ?? { files: others, note: "" };
  result.note = note;
  // Each file of packaging/ installs the package and starts programs of its own.
  const batches = [
    ...packaging.map((path) => [path]),
    ...(runtime.isBundle ? split(files, runtime.batchSize) : [
      ...split(files.filter(startsProcesses), Math.min(8, runtime.batchSize)),
      ...split(files.filter((path) => !startsProcesses(path)), runtime.batchSize),
    ]),
  ];
  batches.forEach((files, index) => tasks.push({ runtime, program, files, number: index + 1, of: batches.length }));
  if (batches.length === 0) result.note = "none of these tests";
  if (batches.length === 0 && pattern === "") result.failed++;
}
// The longest tasks first, so that no core is idle at the end.
const length = ({ runtime, files }) => {
  if (isPackaging(files[0])) return 4;
  if (startsProcesses(files[0]) || runtime.isBundle) return 3;
  return isOneRuntime(runtime, files[0]) ? 2 : 1;
};
tasks.sort((a, b) => length(b) - length(a));
const shared = {
  TEST_COMMAND: await bundleCommand(),
  // The variable of npm, which tests on other runtimes read to start Node.
  npm_node_execpath: programs.node,
  ...(deep && { TEST_DEPTH: "deep" }),
};
/** Makes the certificates of the tests once. Without openssl, the tests that need them say so. */
async function makeCertificates() {
  if (!tests.some((path) => readFileSync(`${root}/${path}`, "utf8").includes("support/certificates.ts"))) return;
  const { writeCertificates } = await import("../build/suite/tests/support/certificates.js");
  const folder = mkdtempSync(`${tmpdir()}/k6-remote-write-certificates-`);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  try {
    writeCertificates(folder);
    shared.TEST_CERTIFICATES = folder;
  } catch (error) {
    console.log(error.message);
  }
}
await makeCertificates();

/** Installs the package for the tests in packaging/, while other tests run. */
async function installForTests() {
  const { installPackage } = await import("../build/suite/tests/support/installed_package.js");
  const installed = await installPackage();
  shared.TEST_PACKAGE = installed.folder;
  return installed;
}
const installing = tasks.some(({ files }) => isPackaging(files[0])) ? installForTests() : undefined;

/** Returns the files in groups of at most this size. */
function split(files, size) {
  return Array.from(
    { length: Math.ceil(files.length / size) },
    (_, index) => files.slice(index * size, (index + 1) * size),
  );
}

/** Runs one batch of a runtime in a temporary folder of its own, and shows its output when it has ended. */
async function runTask({ runtime, program, files, number, of }) {
  const started = Date.now();
  const name = `${runtime.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}_${number}`;
  const temporary = mkdtempSync(`${tmpdir()}/k6-remote-write-tests-`);
  const { status, output, passed, failed } = await runtime.run(program, files, {
    name,
    env: { ...process.env, TMPDIR: temporary, TEST_ONE_RUNTIME: String(isOneRuntime(runtime, files[0])), ...shared },
  });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  const seconds = (Date.now() - started) / 1000;
  const result = results.get(runtime);
  // A runner that fails, or that ran nothing, counts as a failure even if it reports none.
  const noneRan = passed === 0;
  const failures = (status !== 0 || noneRan) && failed === 0 ? 1 : failed;
  result.passed += passed;
  result.failed += failures;
  result.seconds += seconds;
  result.ran = true;
  console.log(`\n== ${runtime.name}, ${number} of ${of}\n${output.trimEnd()}`);
  console.log(
    `== ${runtime.name}, ${number} of ${of}: ${passed} passed, ${failures} failed in ${seconds.toFixed(0)} s`,
  );
}

// Batches of different runtimes run at the same time, and each runs its tests one after the other. Some tests wait, so there are
// two batches more than there are cores.
const startedAt = Date.now();
const lanes = Math.max(2, Math.min(4, availableParallelism())) + 2;
await Promise.all(Array.from({ length: lanes }, async () => {
  while (tasks.length > 0) {
    const ready = tasks.findIndex(({ files }) => shared.TEST_PACKAGE !== undefined || !isPackaging(files[0]));
    if (ready < 0) await installing;
    else await runTask(...tasks.splice(ready, 1));
  }
}));
(await installing)?.remove();

let passed = 0;
let failed = 0;
console.log();
for (const [{ name }, result] of results) {
  passed += result.passed;
  failed += result.failed;
  const counts = `${result.passed} passed, ${result.failed} failed in ${result.seconds.toFixed(0)} s`;
  console.log(`${name}: ${[...(result.ran ? [counts] : []), ...(result.note ? [result.note] : [])].join(", ")}`);
}
console.log(`${passed} passed, ${failed} failed in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
process.exitCode = failed === 0 ? 0 : 1;
