import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";

const sources = ["mod.ts", ...filesIn("src").filter((path) => path.endsWith(".ts"))];
const scripts = filesIn("scripts").filter((path) => /\.(?:ts|mjs)$/.test(path));

/** The folders of src/, from the bottom to the top. A file may import from its own folder and from the folders before it. */
const folders: readonly string[] = [
  ...["model", "protocol", "send", "client", "receive", "gateway", "bridges"],
  // The seam: the folders before this line know nothing about k6.
  ...["k6", "config", "cli"],
];

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.replaceAll("\\", "/"), entry.name))
    .sort();
}

/** Returns the specifiers that a file imports or exports from, including those of types. */
function specifiersOf(path: string): string[] {
  const code = withoutComments(path);
  const statements = code.matchAll(/^(?:import|export)\b[^"';`]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"/gm);
  const dynamic = code.matchAll(/\bimport\(\s*"([^"]+)"/g);
  return [...statements, ...dynamic].map(([, from, bare]) => from ?? bare ?? "");
}

/** Returns the files of this project that a file imports. */
function importsOf(path: string): string[] {
  return specifiersOf(path).filter((specifier) => specifier.startsWith("."))
    .map((specifier) => posix.join(posix.dirname(path), specifier));
}

/** Returns the folder of a source file, or undefined for a file that lies next to the folders. */
function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

test("every source file is in one of the folders of the design", () => {
  assert.ok(sources.length > 50);
  const others = sources.filter((path) => path !== "mod.ts" && !folders.includes(folderOf(path) ?? ""));
  assert.deepEqual(others, []);
});

test("a folder imports only from itself and from the folders below it, so that nothing below the seam imports k6/", () => {
  const level = (path: string): number => path === "mod.ts" ? folders.length : folders.indexOf(folderOf(path) ?? "");
  const wrong = sources.flatMap((path) =>
    importsOf(path).filter((target) =>
      !target.startsWith("gen/") && !(level(target) >= 0 && level(target) <= level(path))
    )
      .map((target) => `${path} imports ${target}`)
  );
  assert.deepEqual(wrong, []);
});

test("the folders of scripts/ do not import each other", () => {
  const wrong = scripts.flatMap((path) =>
    importsOf(path).filter((target) => /^scripts\/[^/]+\//.test(target) && posix.dirname(path) !== "scripts")
      .filter((target) => !target.startsWith(path.split("/").slice(0, 2).join("/")))
      .map((target) => `${path} imports ${target}`)
  );
  assert.deepEqual(wrong, []);
});

test("there are no import cycles in src/ and in scripts/", () => {
  assert.ok(scripts.length > 10);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) return void cycles.push([...above.slice(above.indexOf(path)), path].join(" -> "));
    if (done.has(path)) return;
    for (const target of importsOf(path)) if (/\.(?:ts|mjs)$/.test(target)) visit(target, [...above, path]);
    done.add(path);
  };
  for (const path of [...sources, ...scripts]) visit(path, []);
  assert.deepEqual(cycles, []);
});

/** The packages that the sources may import, with the folder whose entries alone load them. */
const packages: Readonly<Record<string, string>> = {
  "#snappy-wasm": "src/",
  "snappy-wasm": "src/",
  "@bufbuild/protobuf": "src/",
  "aws4fetch": "src/send/auth/",
  "re2js": "src/k6/relabel/",
  // A development tool: the page is bundled when gen/ is generated.
  "uplot": "src/cli/page/",
};

test("the sources import only the known packages, each in its folder, and no module of Node", () => {
  const foreign = sources.flatMap((path) =>
    specifiersOf(path).filter((specifier) => !specifier.startsWith("."))
      .filter((specifier) => !path.startsWith(packages[specifier] ?? "none"))
      .map((specifier) => `${path} imports ${specifier}`)
  );
  assert.deepEqual(foreign, []);
});

test("only src/cli/runtime.ts uses Deno, Bun, process or require", () => {
  const global =
    /(?<![\w.#"'`-])(?:Deno|Bun|process|Buffer|require)(?=[.(\[])|globalThis\.(?:Deno|Bun|process|Buffer)\b/;
  const users = sources.filter((path) => path !== "src/cli/runtime.ts" && global.test(withoutComments(path)));
  assert.deepEqual(users, []);
});

/** Returns a file's code without its comments. */
function withoutComments(path: string): string {
  return readFileSync(path, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$|\s\/\/\s.*$/gm, "");
}

test("gen/ contains what scripts/generate.mjs writes, and nothing else", () => {
  assert.deepEqual(filesIn("gen"), [
    "gen/page/live_page.ts",
    "gen/proto/io/prometheus/write/v2/write_pb.ts",
    "gen/proto/prometheus/remote_pb.ts",
    "gen/snappy/compiled.d.ts",
    "gen/snappy/compiled.js",
    "gen/snappy/inline.d.ts",
    "gen/snappy/inline.js",
    "gen/snappy/snappy_bg.wasm",
  ]);
});
