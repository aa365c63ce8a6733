// Which compilers, module settings and test runners can use the package. What is not supported has a test, too, so that its
// reason stays true.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { type ChildResult, runChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { programs } from "../support/programs.ts";
import { isDeep } from "../support/runs.ts";

/** Exact versions, installed once into a cache of their own: the project itself needs none of them. */
const tools: Readonly<Record<string, string>> = {
  "typescript-5.4": "npm:typescript@5.4.5",
  "typescript-5.9": "npm:typescript@5.9.3",
  "typescript-6.0": "npm:typescript@6.0.3",
  "jest": "30.5.2",
  "vitest": "4.1.12",
  "@cloudflare/workers-types": "5.20261117.1",
};
/** The lowest version of Node that `engines` allows: the first whose require() loads ES modules. */
const lowestNode = "20.19.0";

const cache = `${process.cwd()}/node_modules/.cache`;
const hash = createHash("sha256").update(JSON.stringify(tools)).digest("hex").slice(0, 12);
const toolsFolder = `${cache}/compatibility-${hash}`;
const nodeScript: { fetchNode(version: string): string | undefined } = await import(
  pathToFileURL("scripts/test/node.mjs").href
);

/** Installs the tools, unless they are in the cache. Reports whether they are there. */
async function installTools(): Promise<boolean> {
  if (existsSync(toolsFolder)) return true;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cache}/install-`);
  try {
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true, dependencies: tools }));
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    const { status } = await runChild(["npm", "install", "--prefix", folder, ...flags], { cwd: folder });
    if (status === 0 && !existsSync(toolsFolder)) renameSync(folder, toolsFolder);
    return status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let project: InstalledPackage;
let installed = false;
before(async () => {
  [project, installed] = await Promise.all([installPackage(), installTools()]);
});
after(() => project.remove());

/** Skips a test if the registry cannot be reached; in CI, that is a failure. */
function needs(present: boolean, context: TestContext): boolean {
  assert.ok(present || process.env.CI !== "true", "the tools could not be installed");
  if (!present) context.skip("the tools could not be installed");
  return present;
}

/** For a test of what is not supported: a reason can become obsolete only with a new version of a tool. */
const slow = { skip: !isDeep && "only npm test -- --deep runs it" };

const program = `
import { DeliveryError, isRemoteWriteError, pushOnce, RemoteWriteClient, RemoteWriteOutput } from "k6-remote-write";
import type { TimeSeries } from "k6-remote-write";
import { createReceiver } from "k6-remote-write/receiver";
import { RemoteWriteForwarder } from "k6-remote-write/gateway";
import { createMetrics } from "k6-remote-write/measure";
import * as auth from "k6-remote-write/auth";
import * as relabel from "k6-remote-write/relabel";
export const series: TimeSeries[] = [{ labels: [{ name: "__name__", value: "up" }], samples: [] }];
export const handler: (request: Request) => Promise<Response> = createReceiver({ onWrite: () => {} });
export async function push(): Promise<number> {
  const { delivered } = await pushOnce(series, { url: "http://127.0.0.1:1/" });
  // @ts-expect-error: delivered is a number, so the types are not any.
  const wrong: string = delivered;
  return wrong.length;
}
export const all = [
  ...[RemoteWriteClient, RemoteWriteForwarder, RemoteWriteOutput, DeliveryError, isRemoteWriteError],
  ...[createMetrics, auth, relabel],
];
`;
const messages = `
export { WriteRequestSchema } from "k6-remote-write/proto/v1";
export { RequestSchema } from "k6-remote-write/proto/v2";
`;

const compilers: Readonly<Record<string, string>> = {
  "5.4": `${toolsFolder}/node_modules/typescript-5.4/bin/tsc`,
  "5.9": `${toolsFolder}/node_modules/typescript-5.9/bin/tsc`,
  "6.0": `${toolsFolder}/node_modules/typescript-6.0/bin/tsc`,
  "7.0": programs.tsc,
};

/** Compiles the program with a version of TypeScript, and checks all declarations that it reaches. */
async function compile(version: string, extension: string, options: object): Promise<ChildResult> {
  const name = `compile_${version.replace(".", "_")}_${
    createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 8)
  }`;
  project.write(`${name}.${extension}`, version === "5.4" ? program : program + messages);
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022", "esnext.disposable", "dom", "dom.iterable"],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    // The compiler's own declarations, which take half of the time.
    skipDefaultLibCheck: true,
    types: [],
    ...options,
  };
  project.write(`${name}.json`, JSON.stringify({ compilerOptions, files: [`${name}.${extension}`] }));
  return await runChild([programs.node, compilers[version] ?? "", "-p", `${name}.json`], { cwd: project.folder });
}

const node10 = { module: "esnext", moduleResolution: "node" };
const workers = {
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["es2022", "esnext.disposable"],
  types: ["@cloudflare/workers-types"],
  typeRoots: [`${toolsFolder}/node_modules`],
};

for (
  const [title, extension, options, versions] of [
    ["module node16", "mts", { module: "node16" }, ["5.4", "5.9", "6.0", "7.0"]],
    ["moduleResolution node", "ts", node10, ["5.4", "5.9"]],
    ["moduleResolution node, which is deprecated there,", "ts", { ...node10, ignoreDeprecations: "6.0" }, ["6.0"]],
    ["a bundler", "ts", { module: "esnext", moduleResolution: "bundler" }, ["5.4", "6.0"]],
    ["require() in module nodenext", "cts", { module: "nodenext", esModuleInterop: true }, ["5.9", "6.0", "7.0"]],
    ["the types of Cloudflare Workers without the DOM", "ts", workers, ["5.4", "7.0"]],
  ] as const
) {
  // Compilers that are not native take most of the time. `npm test` runs the oldest one on the oldest settings only.
  const isQuick = (version: string): boolean => version === "7.0" || (version === "5.4" && options === node10);
  for (const version of versions.filter((version) => isDeep || isQuick(version))) {
    test(`TypeScript ${version} accepts all declarations with ${title}`, async (context) => {
      if (!needs(installed, context)) return;
      const { status, output } = await compile(version, extension, options);
      assert.equal(status, 0, output);
    });
  }
}

test(
  "not supported: the entries of protobuf messages in TypeScript before 5.7, which @bufbuild/protobuf's types need",
  slow,
  async (context) => {
    if (!needs(installed, context)) return;
    project.write("messages.mts", messages);
    const options = ["--noEmit", "--module", "node16", "--target", "es2022", "--typeRoots", "none"];
    const { output } = await runChild([programs.node, compilers["5.4"] ?? "", ...options, "messages.mts"], {
      cwd: project.folder,
    });
    assert.match(output, /protobuf\/.*error TS2315: Type 'Uint8Array' is not generic/);
    assert.doesNotMatch(output, /k6-remote-write\/.*error/);
  },
);

test(
  "not supported: require() in module node16, because TypeScript forbids it for every ES module; use nodenext and 5.8",
  slow,
  async (context) => {
    if (!needs(installed, context)) return;
    const { output } = await compile("5.9", "cts", { module: "node16", esModuleInterop: true });
    assert.match(output, /error TS1479/);
    // TS1541 is the same about types.
    assert.doesNotMatch(output, /error TS(?!1479|1541)/);
  },
);

test("not supported: moduleResolution node in TypeScript 7, which has removed it", async (context) => {
  if (!needs(installed, context)) return;
  const { output } = await compile("7.0", "ts", node10);
  assert.match(output, /moduleResolution.*node10.*removed/i);
});

test("every entry but the command can be loaded with require(), from the lowest version of Node that engines allows", async (context) => {
  const node = nodeScript.fetchNode(lowestNode);
  if (!needs(node !== undefined, context)) return;
  const { exports, engines } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.equal(engines.node, `>=${lowestNode.replace(/\.0$/, "")}`);
  const entries = Object.keys(exports).filter((entry) => entry !== "./cli");
  const names = entries.map((entry) => entry.replace(".", "k6-remote-write"));
  project.write(
    "require.cjs",
    `for (const name of ${JSON.stringify(names)}) console.log(Object.keys(require(name)).length > 0);`,
  );
  const { status, stdout, output } = await runChild([node ?? "", "require.cjs"], { cwd: project.folder });
  assert.equal(status, 0, output);
  assert.deepEqual(stdout.trim().split("\n"), names.map(() => "true"));
});

const runnerTest = `
test("pushes", async () => {
  const labels = [{ name: "__name__", value: "up" }];
  const options = { fetch: () => Promise.resolve(new Response(null, { status: 204 })) };
  const { delivered } = await pushOnce([{ labels, samples: [{ value: 1, timestamp: 1 }] }], options);
  expect(delivered).toBe(1);
});
`;
const moduleTest = `import { pushOnce } from "k6-remote-write";\n${runnerTest}`;

function runJest(file: string, nodeOptions: string): Promise<ChildResult> {
  const jest = `${toolsFolder}/node_modules/jest/bin/jest.js`;
  return runChild(
    [
      programs.node,
      jest,
      "--rootDir",
      project.folder,
      "--testMatch",
      `**/${file}`,
      "--transform",
      "{}",
      "--ci",
      "-i",
    ],
    { cwd: project.folder, env: { NODE_OPTIONS: nodeOptions } },
  );
}

test("Vitest runs a test that imports the package", async (context) => {
  if (!needs(installed, context)) return;
  project.write("vitest.test.mjs", moduleTest);
  const vitest = `${toolsFolder}/node_modules/vitest/vitest.mjs`;
  const { status, output } = await runChild(
    [programs.node, vitest, "run", "--root", project.folder, "--globals", "vitest.test.mjs"],
    { cwd: project.folder },
  );
  assert.equal(status, 0, output);
  assert.match(output, /1 passed/);
});

test("Jest runs a test that imports the package, with Node's option --experimental-vm-modules", async (context) => {
  if (!needs(installed, context)) return;
  project.write("jest.test.mjs", moduleTest);
  const { status, output } = await runJest("jest.test.mjs", "--experimental-vm-modules");
  assert.equal(status, 0, output);
  assert.match(output, /1 passed/);
});

test(
  "not supported: Jest without --experimental-vm-modules, because its own require() cannot load an ES module",
  slow,
  async (context) => {
    if (!needs(installed, context)) return;
    project.write("jest.test.cjs", `const { pushOnce } = require("k6-remote-write");\n${runnerTest}`);
    const { status, output } = await runJest("jest.test.cjs", "");
    assert.equal(status, 1, output);
    assert.match(output, /Must use import to load ES Module|SyntaxError: Unexpected token 'export'/);
  },
);
