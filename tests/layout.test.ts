import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";

const sources = ["mod.ts", ...filesIn("src").filter((path) => path.endsWith(".ts"))];

/** A file may import from its own part and from those before it. */
const parts: readonly (readonly string[])[] = [
  ["metric", "sample", "time_series", "delivery_report", "errors", "reason_of", "version", "duration"],
  ["sources", "aggregate"],
  ["mapping", "own_metrics"],
  ["wire"],
  ["send"],
  [
    ...["client_options", "options", "env"],
    ...["output", "write_client", "push_once", "receive", "receiver", "forwarder"],
  ],
  ["mod"],
  ["cli"],
];

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.replaceAll("\\", "/"), entry.name))
    .sort();
}

/** What a file imports or exports from, types included. */
function specifiersOf(path: string): string[] {
  const text = readFileSync(path, "utf8");
  const statements = text.matchAll(/^(?:import|export)\b[^"';`]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"/gm);
  const dynamic = text.matchAll(/\bimport\(\s*"([^"]+)"/g);
  return [...statements, ...dynamic].map(([, from, bare]) => from ?? bare ?? "");
}

/** The files of this project that a file imports. */
function importsOf(path: string): string[] {
  return specifiersOf(path).filter((specifier) => specifier.startsWith("."))
    .map((specifier) => posix.join(posix.dirname(path), specifier));
}

function partOf(path: string): number {
  const name = path.replace(/^src\//, "").replace(/\.ts$/, "").split("/")[0] ?? "";
  return parts.findIndex((names) => names.includes(name));
}

test("there are sources, and every one belongs to a part", () => {
  assert.ok(sources.length > 50);
  assert.deepEqual(sources.filter((path) => partOf(path) < 0), []);
});

test("imports point in one direction", () => {
  const wrong = sources.flatMap((path) =>
    importsOf(path).filter((target) => !target.startsWith("gen/") && partOf(target) > partOf(path))
      .map((target) => `${path} imports ${target}`)
  );
  assert.deepEqual(wrong, []);
});

test("no import leads back to where it began", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) return void cycles.push([...above.slice(above.indexOf(path)), path].join(" -> "));
    if (done.has(path)) return;
    for (const target of importsOf(path)) if (target.endsWith(".ts")) visit(target, [...above, path]);
    done.add(path);
  };
  for (const path of sources) visit(path, []);
  assert.deepEqual(cycles, []);
});

test("only the packages that are meant to be are imported, and nothing of Node", () => {
  const allowed = ["#snappy-wasm", "snappy-wasm", "aws4fetch", "@bufbuild/protobuf"];
  const foreign = sources.flatMap((path) =>
    specifiersOf(path).filter((specifier) => !specifier.startsWith(".") && !allowed.includes(specifier))
      .map((specifier) => `${path} imports ${specifier}`)
  );
  assert.deepEqual(foreign, []);
});

test("only src/cli/runtime.ts touches Deno, Bun, process or require", () => {
  const global =
    /(?<![\w.#"'`-])(?:Deno|Bun|process|Buffer|require)(?=[.(\[])|globalThis\.(?:Deno|Bun|process|Buffer)\b/;
  const touching = sources.filter((path) => path !== "src/cli/runtime.ts" && global.test(withoutComments(path)));
  assert.deepEqual(touching, []);
});

/** A file's code; what its texts say stays. */
function withoutComments(path: string): string {
  return readFileSync(path, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$|\s\/\/\s.*$/gm, "");
}

test("no file is much longer than 300 lines, and half of them are shorter than 120", () => {
  const lengths = sources.map((path) => ({ path, lines: readFileSync(path, "utf8").split("\n").length }));
  assert.deepEqual(lengths.filter(({ lines }) => lines > 320), []);
  const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
  assert.ok((sorted[sorted.length >> 1] ?? Infinity) < 120);
});

test("gen/ holds what scripts/generate.mjs writes, and nothing else", () => {
  assert.deepEqual(filesIn("gen"), [
    "gen/proto/io/prometheus/write/v2/write_pb.ts",
    "gen/proto/prometheus/remote_pb.ts",
    "gen/snappy/compiled.d.ts",
    "gen/snappy/compiled.js",
    "gen/snappy/inline.d.ts",
    "gen/snappy/inline.js",
    "gen/snappy/snappy_bg.wasm",
  ]);
});

test("at the top there is only what is meant to be", () => {
  const meant = [
    ...["gen", "scripts", "src", "tests", ".ci", "node_modules", "dist", "build"],
    ...["mod.ts", "deno.json", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"],
    ...["buf.yaml", "buf.gen.yaml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "PERFORMANCE.md"],
    ...[".git", ".gitignore", ".npmrc"],
  ];
  assert.deepEqual(readdirSync(".").filter((name) => !meant.includes(name) && !name.endsWith(".tgz")), []);
});
