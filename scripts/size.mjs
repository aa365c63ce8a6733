// `npm run size`: prints a Markdown table of the size of each entry of package.json and of the main uses in a bundle.
// `--parts` adds the largest source files of each row; `--limits` prints the limits for tests/packaging/size.test.ts instead.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What programs import most often, each measured alone, from the first entry that exports it. */
const uses = [
  ["client", "RemoteWriteClient"],
  ["one push", "pushOnce"],
  ["output", "RemoteWriteOutput"],
  ["receiver", "createReceiver"],
  ["forwarder", "RemoteWriteForwarder"],
  ["aggregator", "RemoteWriteAggregator"],
];

/** Returns the entries of the package with their source files, such as `["./cli", "./src/cli/main.ts"]`. */
export function packageEntries() {
  const { exports } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  return Object.entries(exports).map(([entry, conditions]) => [
    entry,
    conditions.default.replace(/^\.\/dist\/(.*)\.js$/, "./$1.ts"),
  ]);
}

/** Bundles and minifies. `parts` gives the bytes of each source file, `names` what the bundle exports. */
async function bundle(input, conditions) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    ...input,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions,
    external: ["*.wasm?module"],
    logLevel: "error",
  });
  const [{ inputs, exports }] = Object.values(metafile.outputs);
  const parts = Object.entries(inputs).map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }));
  return { code: outputFiles[0].contents, parts: parts.sort((a, b) => b.bytes - a.bytes), names: exports };
}

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
const wasm = gzipped(readFileSync(`${root}/gen/snappy/snappy_bg.wasm`));

async function measure(name, use, input, withInline) {
  const edge = await bundle(input, ["workerd", "worker"]);
  const inline = withInline ? gzipped((await bundle(input, ["browser"])).code) : undefined;
  const script = gzipped(edge.code);
  const compresses = edge.parts.some(({ path }) => path.startsWith("gen/snappy/"));
  return {
    name,
    use,
    script,
    edge: script + (compresses ? wasm : 0),
    inline,
    parts: edge.parts,
    names: edge.names,
  };
}

/**
 * Measures all rows, in gzipped bytes: `script` alone, `edge` with the WebAssembly that is deployed as a module of its own, and
 * `inline`, on demand because it takes half of the time, with the WebAssembly inside the script.
 */
export async function measureSizes({ withInline = false } = {}) {
  const entries = packageEntries();
  const rows = [];
  for (const [entry, source] of entries) {
    rows.push(await measure(entry, `\`${entry}\`, everything`, { entryPoints: [source] }, withInline));
  }
  const used = [];
  for (const [use, name] of uses) {
    const entry = rows.find(({ names }) => names.includes(name))?.name;
    if (entry === undefined) throw new Error(`Cannot measure ${name}: no entry of package.json exports it`);
    const source = new Map(entries).get(entry);
    const stdin = { contents: `export { ${name} } from "${source}";`, resolveDir: root };
    used.push(await measure(name, `${use}: \`${name}\` of \`${entry}\``, { stdin }, withInline));
  }
  return [...used, ...rows];
}

/** Returns kilobytes of 1000 bytes, with one decimal. */
const kB = (bytes) => (bytes / 1000).toFixed(1);

function formatSizes(rows) {
  const lines = rows.map(({ use, edge, inline, script }) => `| ${use} | ${kB(script)} | ${kB(edge)} | ${kB(inline)} |`);
  return [
    "| minified and gzipped, in kB | script alone | edge, with its WebAssembly | elsewhere, WebAssembly inside |",
    "| --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await measureSizes({ withInline: true });
  if (process.argv.includes("--limits")) {
    // 3 % above the measured size.
    for (const { name, script } of rows) console.log(`  "${name}": ${Math.ceil(script * 0.0103) * 100},`);
  } else console.log(formatSizes(rows));
  if (process.argv.includes("--parts")) {
    for (const { use, parts } of rows) {
      console.log(`\n${use}\n${parts.slice(0, 25).map(({ path, bytes }) => `${bytes}\t${path}`).join("\n")}`);
    }
  }
}
