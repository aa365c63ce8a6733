import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { runChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { programs } from "../support/programs.ts";
import { lastValues, startReceiver } from "../support/receiver_server.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { isDeep } from "../support/runs.ts";

const recording = `${process.cwd()}/${recordingPaths.basic}`;

let installed: InstalledPackage;
before(async () => {
  installed = await installPackage();
});
after(() => installed.remove());

/** A program that sends the recording; only its imports differ. */
const send = `
async function send([recording, url]) {
  const output = new RemoteWriteOutput({ url, windows: "event" });
  const lines = new Blob([gunzipSync(readFileSync(recording))]).stream();
  for await (const samples of readK6Json(lines)) output.add(samples);
  console.log(JSON.stringify(await output.close()));
}
send(process.argv.slice(2));
`;
const modules = (name: string): string =>
  `import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { gunzipSync } from "node:zlib";
import { readK6Json, RemoteWriteOutput } from "${name}";
`;
const requires = `const { readFileSync } = require("node:fs");
const { gunzipSync } = require("node:zlib");
const { readK6Json, RemoteWriteOutput } = require("k6-remote-write");
`;

/** Returns how often a metric is in the recording, and the sum of its values. */
function recorded(metric: string): { readonly count: number; readonly sum: number } {
  const lines = gunzipSync(readFileSync(recording)).toString().split("\n").filter((line) => line !== "");
  const values = lines.map((line) => JSON.parse(line))
    .filter((line) => line.type === "Point" && line.metric === metric)
    .map(({ data }) => Number(data.value));
  return { count: values.length, sum: values.reduce((sum, value) => sum + value, 0) };
}

/** Runs a program in the project that sends the recording, checks what arrived, and returns the output of the program. */
async function sendsTheRecording(command: (url: string) => readonly string[]): Promise<string> {
  const receiver = await startReceiver();
  try {
    const { status, stdout, output } = await runChild(command(receiver.url), { cwd: installed.folder });
    assert.equal(status, 0, output);
    const totals = [...lastValues(receiver.writes)].filter(([name]) => name.startsWith("k6_http_reqs_total{"));
    const { count, sum } = recorded("http_reqs");
    assert.ok(count > 0);
    assert.equal(totals.reduce((all, [, value]) => all + value, 0), sum);
    return stdout;
  } finally {
    await receiver.close();
  }
}

/** Does the same with a program that uses the library and prints its delivery report. */
async function programSends(command: readonly string[]): Promise<void> {
  const { samples, delivered } = JSON.parse(await sendsTheRecording((url) => [...command, recording, url]));
  assert.ok(samples > 100);
  assert.equal(delivered, samples);
}

test("npm install leaves package-lock.json as it is", async () => {
  const folder = mkdtempSync(`${tmpdir()}/k6-remote-write-`);
  try {
    for (const file of ["package.json", "package-lock.json"]) cpSync(file, `${folder}/${file}`);
    const flags = ["--package-lock-only", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { status, output } = await runChild(["npm", "install", ...flags], { cwd: folder });
    assert.equal(status, 0, output);
    for (const file of ["package.json", "package-lock.json"]) {
      assert.equal(readFileSync(`${folder}/${file}`, "utf8"), readFileSync(file, "utf8"), file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the tarball contains the modules, their sources, the command, the documentation, and nothing else", () => {
  const expected = [
    /^dist\/(mod|src\/[a-z0-9_/]+|gen\/(proto|page)\/[a-z0-9_/]+)\.(js|d\.ts)(\.map)?$/,
    /^dist\/k6-remote-write\.1$/,
    /^(mod|src\/[a-z0-9_/]+|gen\/(proto|page)\/[a-z0-9_/]+)\.ts$/,
    /^src\/protocol\/proto\/[a-z0-9_/]+\.proto$/,
    /^gen\/snappy\/(inline|compiled)\.(js|d\.ts)$/,
    /^gen\/snappy\/snappy_bg\.wasm$/,
    /^(docs|tests\/examples)\/[a-zA-Z0-9_/.-]+$/,
    /^(package\.json|deno\.json|LICENSE|(README|CHANGELOG|CONTRIBUTING|PERFORMANCE)\.md)$/,
  ];
  const paths = installed.files.map(({ path }) => path);
  assert.deepEqual(paths.filter((path) => !expected.some((pattern) => pattern.test(path))), []);
  for (const path of ["README.md", "LICENSE", "dist/mod.js", "dist/mod.d.ts", "gen/snappy/snappy_bg.wasm"]) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  const command = installed.files.find(({ path }) => path === "dist/src/cli/main.js");
  assert.equal((command?.mode ?? 0) & 0o111, 0o111, "the command is not executable");
});

test("the tarball contains a man page with each option that the help shows", async () => {
  const page = readFileSync(`${installed.folder}/node_modules/k6-remote-write/dist/k6-remote-write.1`, "utf8");
  const { stdout } = await runChild([`${installed.folder}/node_modules/.bin/k6-remote-write`, "send", "--help", "all"]);
  const flags = [...stdout.matchAll(/^ {2}--([a-z0-9-]+)/gm)].map(([, flag = ""]) => flag);
  assert.ok(flags.length > 70, stdout);
  const missing = flags.filter((flag) => !page.includes(`.TP\n\\fB\\-\\-${flag.replaceAll("-", "\\-")}\\fR`));
  assert.deepEqual(missing, []);
  // roff takes a line that begins with a dot or a quote as a request.
  const requests = page.split("\n").filter((line) => /^[.']/.test(line)).map((line) => line.split(" ")[0]);
  assert.deepEqual(
    requests.filter((name = "") => ![".TH", ".SH", ".SS", ".TP", ".PP", ".br", ".nf", ".fi"].includes(name)),
    [],
  );
});

test("publint reports nothing about the tarball", async () => {
  const { status, output } = await runChild(["node_modules/.bin/publint", "run", installed.tarball, "--strict"]);
  assert.equal(status, 0, output);
  assert.match(output, /All good/);
});

// The tool takes five seconds of CPU and more for its start.
const slow = { skip: !isDeep && "only npm test -- --deep runs it" };
test("the types in the tarball belong to its modules", slow, async () => {
  const command = ["node_modules/.bin/attw", installed.tarball, "--profile", "esm-only"];
  const { status, output } = await runChild(command);
  assert.equal(status, 0, output);
});

test("installed from the tarball, the command runs", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const { status, stdout } = await runChild([`${installed.folder}/node_modules/.bin/k6-remote-write`, "--version"]);
  assert.equal(status, 0);
  assert.match(stdout, new RegExp(version.replaceAll(".", "\\.")));
});

for (const runtime of ["Node", "Bun", "Deno"] as const) {
  test(`installed from the tarball, the command sends the recording on ${runtime}`, async () => {
    const command = {
      // The first line of the command starts Node.
      Node: ["node_modules/.bin/k6-remote-write"],
      Bun: [programs.bun, "node_modules/k6-remote-write/dist/src/cli/main.js"],
      Deno: [programs.deno, "run", "-A", "--node-modules-dir=manual", "npm:k6-remote-write"],
    }[runtime];
    await sendsTheRecording((url) => [...command, "send", recording, "--url", url]);
  });
}

test("an ES module on Node sends the recording", async () => {
  installed.write("send.mjs", modules("k6-remote-write") + send);
  await programSends([process.execPath, "send.mjs"]);
});

test("a CommonJS module on Node sends the recording", async () => {
  installed.write("send.cjs", requires + send);
  await programSends([process.execPath, "send.cjs"]);
});

test("Bun sends the recording", async () => {
  installed.write("send.bun.mjs", modules("k6-remote-write") + send);
  await programSends([programs.bun, "send.bun.mjs"]);
});

test("Deno sends the recording through an npm: import", async () => {
  installed.write("send.deno.mjs", modules("npm:k6-remote-write") + send);
  const permissions = ["--no-prompt", "--allow-net", "--allow-read"];
  await programSends([programs.deno, "run", "--node-modules-dir=manual", ...permissions, "send.deno.mjs"]);
});

const program = `
import { isRemoteWriteError, type Mapping, pushOnce, RemoteWriteOutput, type TimeSeries } from "k6-remote-write";
export const raw: Mapping | "raw" = "raw";
export async function push(series: readonly TimeSeries[]): Promise<number> {
  const { delivered } = await pushOnce(series, { url: new URL("http://127.0.0.1:1/"), fetch: globalThis.fetch });
  // @ts-expect-error: delivered is a number, so the types are not any.
  const wrong: string = delivered;
  return wrong.length;
}
export const output: AsyncDisposable = new RemoteWriteOutput({ mapping: raw, labels: { job: "t" } });
// An undefined option means the same as a missing one, also with exactOptionalPropertyTypes.
export const unset = new RemoteWriteOutput({ url: undefined, fetch: undefined, headers: undefined });
export const known = (error: unknown): string => isRemoteWriteError(error) ? error.message : "";
`;

const nodeTypes = { types: ["node"], typeRoots: [`${process.cwd()}/node_modules/@types`] };

for (
  const [title, file, options] of [
    ["nodenext", "nodenext.ts", { module: "nodenext" }],
    ["Node's types alone", "node.ts", { module: "nodenext", lib: ["es2022", "esnext.disposable"], ...nodeTypes }],
    ["nodenext with require", "required.cts", { module: "nodenext", esModuleInterop: true }],
    ["a bundler", "bundled.ts", { module: "esnext", moduleResolution: "bundler" }],
  ] as const
) {
  test(`TypeScript accepts the declarations, checked in full, for ${title}`, async () => {
    installed.write(file, program);
    installed.write(
      `${file}.tsconfig.json`,
      JSON.stringify({
        compilerOptions: {
          target: "es2022",
          lib: ["es2022", "esnext.disposable", "dom", "dom.iterable"],
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          // The compiler's own declarations, which take half of the time.
          skipDefaultLibCheck: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          types: [],
          ...options,
        },
        files: [file],
      }),
    );
    const { status, output } = await runChild([programs.tsc, "-p", `${file}.tsconfig.json`], { cwd: installed.folder });
    assert.equal(status, 0, output);
  });
}
