// Deno uses the sources as docs/deno.md says: from a clone and from the npm tarball, without `npm install`.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { type ChildResult, runChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { programs } from "../support/programs.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { lastValues, type ReceiverServer, startReceiver } from "../support/receiver_server.ts";
import { isDeep } from "../support/runs.ts";

const page = readFileSync("docs/deno.md", "utf8");

/** Returns the blocks of a language in the page. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, code = ""]) => code);
}

const [program = ""] = blocks("ts");
const [importMap = "", links = ""] = blocks("json");
const [, install = ""] = blocks("sh");
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const dependencies: readonly (readonly [string, string])[] = Object.entries<string>(manifest.dependencies);

let folder: string;
let installed: InstalledPackage;
let registry: Server;
let env: Readonly<Record<string, string>>;

/** Starts a registry that has only the dependencies: what it has is in node_modules. */
async function startRegistry(): Promise<Server> {
  const packages = dependencies.map(([name]) => `./node_modules/${name}`);
  const pack = ["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder, ...packages];
  const { status, stdout, output } = await runChild(pack);
  assert.equal(status, 0, output);
  const tarballs = new Map<string, { readonly filename: string; readonly integrity: string }>(
    JSON.parse(stdout).map((each: { name: string }) => [each.name, each]),
  );
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice(1);
    const [name = "", version = ""] = dependencies.find(([name]) => name === path) ?? [];
    const dist = { tarball: `http://${request.headers.host}/${tarballs.get(name)?.filename}`, ...tarballs.get(name) };
    if (path.endsWith(".tgz")) response.end(readFileSync(`${folder}/${path}`));
    else if (name === "") response.writeHead(404).end("{}");
    else {
      const about = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
      const versions = { [version]: { ...about, dist: { tarball: dist.tarball, integrity: dist.integrity } } };
      response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

before(async () => {
  folder = mkdtempSync(`${tmpdir()}/k6-remote-write-`);
  installed = await installPackage();
  registry = await startRegistry();
  const address = registry.address();
  assert.ok(typeof address === "object" && address !== null);
  env = {
    NPM_CONFIG_REGISTRY: `http://127.0.0.1:${address.port}/`,
    JSR_URL: "http://127.0.0.1:1/",
    DENO_DIR: `${folder}/cache`,
    DENO_INSTALL_ROOT: `${folder}/installed`,
    DENO_NO_UPDATE_CHECK: "1",
    PATH: `${dirname(programs.deno)}:${process.env.PATH}`,
  };
  // What both ways of getting the sources contain.
  const clone = `${folder}/clone/k6-remote-write`;
  for (const path of ["mod.ts", "src", "gen", "deno.json", "package.json"]) {
    cpSync(path, `${clone}/${path}`, { recursive: true });
  }
  mkdirSync(`${folder}/tarball`);
  const [unpack, move] = [["tar", "-xzf", installed.tarball], ["mv", "package", "k6-remote-write"]] as const;
  for (const command of [unpack, move]) {
    const { status, output } = await runChild(command, { cwd: `${folder}/tarball` });
    assert.equal(status, 0, output);
  }
});

after(() => {
  registry.close();
  registry.closeAllConnections();
  installed.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function withReceiver(use: (receiver: ReceiverServer) => Promise<void>): Promise<void> {
  const receiver = await startReceiver();
  try {
    await use(receiver);
  } finally {
    await receiver.close();
  }
}

/** Makes a project next to the sources, and runs the page's program in it. */
async function runProgram(from: string, configuration: string, receiver: ReceiverServer): Promise<ChildResult> {
  const cwd = mkdtempSync(`${folder}/${from}/project-`);
  writeFileSync(`${cwd}/deno.json`, configuration);
  // A body that is large enough to be compressed by the WebAssembly.
  const large = program.replace('"berlin"', '"berlin".repeat(100)');
  const other = `import { push } from "k6-remote-write/push";\nif (push.name !== "push") throw new Error("no push");\n`;
  writeFileSync(`${cwd}/main.ts`, other + large.replace("http://localhost:9090/api/v1/write", receiver.url));
  // A check takes seconds, and the sources are the same each time. .ci/run checks all of them.
  const check = isDeep && from === "clone" && configuration === links ? "--check" : "--no-check";
  return await runChild([programs.deno, "run", "--no-prompt", check, "--allow-net", "main.ts"], { cwd, env });
}

for (const from of ["clone", "tarball"]) {
  for (const [way, configuration] of [["an import map", importMap], ["links", links]] as const) {
    test(`a program on Deno uses the sources of a ${from} through ${way}`, async () => {
      await withReceiver(async (receiver) => {
        const { status, stdout, output } = await runProgram(from, configuration, receiver);
        assert.equal(status, 0, output);
        assert.equal(stdout, "1 of 1 samples delivered\n");
        assert.deepEqual(receiver.samples.map(({ value }) => value), [7]);
      });
    });
  }

  test(`deno install --global installs the command from a ${from}, and it sends a recording`, async () => {
    const [command = "", version = ""] = install.trim().split("\n");
    const [name = "", ...args] = command.split(" ");
    const cwd = `${folder}/${from}`;
    const done = await runChild([name, ...args, "--force"], { cwd, env });
    assert.equal(done.status, 0, done.output);
    const bin = `${folder}/installed/bin`;
    const withBin = { env: { ...env, PATH: `${bin}:${env.PATH}` } };
    const said = await runChild(version.split(" "), withBin);
    assert.deepEqual([said.status, said.stdout], [0, `k6-remote-write ${manifest.version}\n`]);
    await withReceiver(async (receiver) => {
      const recording = `${process.cwd()}/${recordingPaths.basic}`;
      const sent = await runChild(["k6-remote-write", "send", recording, "--url", receiver.url], withBin);
      assert.equal(sent.status, 0, sent.output);
      assert.ok([...lastValues(receiver.writes).keys()].some((series) => series.startsWith("k6_http_reqs_total{")));
    });
  });
}

test("deno.json names the dependencies of package.json with the same versions", () => {
  const { imports } = JSON.parse(readFileSync("deno.json", "utf8"));
  const { "#snappy-wasm": snappy, ...others } = imports;
  assert.deepEqual(others, Object.fromEntries(dependencies.map(([name, version]) => [name, `npm:${name}@${version}`])));
  assert.equal(snappy, manifest.imports["#snappy-wasm"].default);
});

test("the import map of the page names entries as deno.json does", () => {
  const { exports } = JSON.parse(readFileSync("deno.json", "utf8"));
  for (const [name, path] of Object.entries<string>(JSON.parse(importMap).imports)) {
    assert.equal(path, `../k6-remote-write/${exports[name.replace("k6-remote-write", ".")].slice(2)}`);
  }
});
