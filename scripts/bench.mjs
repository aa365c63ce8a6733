// `npm run bench`: measures on Deno, Bun and Node, next to other libraries, and prints which limits are kept.
// `npm run bench -- --json` prints the results as JSON, together with the growth of the cost, for scripts/bench/charts.mjs.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { build, install, programs, root } from "./setup.mjs";

const asJson = process.argv.includes("--json");
const say = (text) => asJson ? console.error(text) : console.log(text);

// With --json, the dependencies must be installed already, because the output of npm would precede the JSON.
if (!asJson) install();
build({ tests: true });
// These modules import packages that were installed just now.
const { build: bundle } = await import("esbuild");
const { measureSizes } = await import("./size.mjs");

const folder = `${root}/build/bench`;
const lines = `${folder}/k6.json`;
const module = `${folder}/mod.js`;
const inert = `${folder}/inert.js`;
mkdirSync(folder, { recursive: true });
execFileSync(programs.node, [`${root}/build/scripts/bench/write_lines.js`, lines]);
const stdin = { contents: `export { RemoteWriteOutput } from "./mod.ts";`, resolveDir: root };
const bundled = { stdin, bundle: true, minify: true, logLevel: "error" };
await bundle({ ...bundled, outfile: module, format: "esm" });
// The same source in a function that is never called, which shows how long a runtime takes to load it.
await bundle({ ...bundled, outfile: inert, format: "iife", globalName: "it" });
writeFileSync(inert, `export const never = () => {${readFileSync(inert, "utf8")}};`);

// Node runs the compiled files, as it does for users. Its limits are twice as wide.
const source = (name) => `${root}/scripts/bench/${name}.ts`;
const compiled = (name) => `${root}/build/scripts/bench/${name}.js`;
const runtimes = [
  { name: "Deno", program: programs.deno, args: ["run", "-A", "--no-check"], script: source, factor: 1 },
  { name: "Bun", program: programs.bun, args: [], script: source, factor: 1 },
  { name: "Node", program: programs.node, args: [], script: compiled, factor: 2 },
];

/** Runs a script and returns the JSON of its last line. */
function run({ program, args }, script, ...rest) {
  const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 2 ** 26 };
  const output = execFileSync(program, [...args, script, ...rest], options);
  return JSON.parse(output.trim().split("\n").at(-1));
}

const sizes = await measureSizes();
const kBOf = (use) => sizes.find(({ name }) => name === use).edge / 1000;

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Measures the start in nine new processes each. */
function measureStart(runtime) {
  const measure = (script, ...rest) =>
    Array.from({ length: 9 }, () => run(runtime, `${root}/scripts/bench/${script}.mjs`, ...rest));
  const one = measure("start", module, "1");
  const many = measure("start", module, "200");
  // If the body were not compressed, or held one series, the row would not measure what its name says.
  if (many.some(({ bytes }) => bytes < 500 || bytes > 5000)) {
    throw new Error("The first request does not hold 200 series");
  }
  const loaded = measure("load", inert);
  return [
    { name: "import to first byte sent, one sample", value: median(one.map(({ handed }) => handed)), limit: 15 },
    { name: "the same and the runtime's own fetch", value: median(one.map(({ taken }) => taken)) },
    { name: "import to first byte sent, 200 series", value: median(many.map(({ handed }) => handed)) },
    { name: "limit: import of the same source, none of it run", value: median(loaded.map(({ loaded }) => loaded)) },
  ].map((row) => ({ ...row, unit: "ms" }));
}

function measureOnce(runtime, rows) {
  const { megabytes } = run(runtime, runtime.script("memory"));
  return [
    ...rows,
    { name: "memory, replay of 10 million lines, most", unit: "MB", value: Math.max(...megabytes), limit: 150 },
    { name: "memory, from half of the lines to all", unit: "MB more", value: megabytes.at(-1) - megabytes[5] },
    ...measureStart(runtime),
    {
      name: "bundle for an edge worker that sends k6's metrics",
      unit: "kB",
      value: kBOf("RemoteWriteOutput"),
      limit: 60,
    },
    { name: "bundle of all that mod.ts exports", unit: "kB", value: kBOf(".") },
  ].map((row) => judge(row, runtime.factor));
}

/**
 * Measures all rows. If a limit is exceeded, measures up to twice again and takes the best value of each row, because a busy
 * machine can only make a row slower.
 */
function measure(runtime) {
  const { rows: first, growth } = run(runtime, runtime.script("main"), lines, ...(asJson ? ["growth"] : []));
  let rows = measureOnce(runtime, first);
  let rounds = 1;
  for (; rounds < 3 && rows.some(({ reached }) => reached === false); rounds++) {
    const again = measureOnce(runtime, run(runtime, runtime.script("main"), lines).rows);
    rows = rows.map((row, index) => better(row, again[index]));
  }
  const version = execFileSync(runtime.program, ["--version"], { encoding: "utf8" }).split("\n")[0];
  return { runtime: runtime.name, version, rounds, rows, growth };
}

const better = (row, other) => (row.moreIsBetter ? other.value > row.value : other.value < row.value) ? other : row;

function judge({ limit, ...row }, factor) {
  if (limit === undefined) return row;
  const bar = row.moreIsBetter ? limit / factor : limit * factor;
  return { ...row, bar, reached: row.moreIsBetter ? row.value >= bar : row.value <= bar };
}

const format = (value) =>
  value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));

function show({ version, rows }) {
  const cells = rows.map(({ name, unit, value, bar, reached, moreIsBetter }) => [
    name,
    `${format(value)} ${unit}`,
    bar === undefined ? "" : `${moreIsBetter ? "at least" : "at most"} ${format(bar)}`,
    reached === undefined ? "" : reached ? "reached" : "MISSED",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column].length)));
  console.log(`\n${version}`);
  for (const row of cells) console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`);
}

const results = [];
for (const runtime of runtimes) {
  if (runtime.program === undefined) {
    say(`${runtime.name}: not found, skipped`);
    continue;
  }
  say(`Measuring on ${runtime.name} ...`);
  const result = measure(runtime);
  results.push(result);
  if (!asJson) show(result);
}
rmSync(folder, { recursive: true, force: true });

const [cpu] = os.cpus();
const machine = {
  cpu: cpu?.model.trim() ?? "unknown",
  cores: os.cpus().length,
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
};
if (asJson) console.log(JSON.stringify({ machine, results }, null, 2));
else console.log(`\n${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB`);
process.exitCode = results.every(({ rows }) => rows.every(({ reached }) => reached !== false)) ? 0 : 1;
