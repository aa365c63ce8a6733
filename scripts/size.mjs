// `npm run size`: how large the library is in a bundle, by what is used of it, as a Markdown table.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

const uses = [
  ["client: `RemoteWriteClient`", "RemoteWriteClient"],
  ["one shot: `pushOnce`", "pushOnce"],
  ["output: `RemoteWriteOutput`", "RemoteWriteOutput"],
  ["receiver: `createReceiver`", "createReceiver"],
  ["everything", "*"],
];

/** Minified; `parts` says what each source file takes of it. */
async function bundle(name, conditions) {
  const contents = name === "*" ? `export * from "./mod.ts";` : `export { ${name} } from "./mod.ts";`;
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
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
  const [output] = Object.values(metafile.outputs);
  const parts = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }));
  return { text: outputFiles[0].contents, parts };
}

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** Sizes in bytes, gzipped: at the edge with the module that is deployed beside it, elsewhere with it inside. */
export async function measureSizes() {
  const wasm = gzipped(readFileSync(`${root}/gen/snappy/snappy_bg.wasm`));
  const rows = [];
  for (const [use, name] of uses) {
    const edge = await bundle(name, ["workerd", "worker"]);
    const inline = await bundle(name, ["browser"]);
    const parts = edge.parts.sort((a, b) => b.bytes - a.bytes);
    rows.push({
      use,
      name,
      edge: gzipped(edge.text) + wasm,
      inline: gzipped(inline.text),
      script: gzipped(edge.text),
      parts,
    });
  }
  return rows;
}

/** With one decimal, in units of 1000 bytes. */
const kB = (bytes) => (bytes / 1000).toFixed(1);

/** The table that the README shows. */
export function formatSizes(rows) {
  const lines = rows.map(({ use, edge, inline, script }) => `| ${use} | ${kB(script)} | ${kB(edge)} | ${kB(inline)} |`);
  return [
    "| minified and gzipped, in kB | script alone | edge, with its WebAssembly | elsewhere, WebAssembly inside |",
    "| --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await measureSizes();
  console.log(formatSizes(rows));
  if (process.argv.includes("--parts")) {
    for (const { use, parts } of rows) {
      console.log(`\n${use}\n${parts.slice(0, 25).map(({ path, bytes }) => `${bytes}\t${path}`).join("\n")}`);
    }
  }
}
