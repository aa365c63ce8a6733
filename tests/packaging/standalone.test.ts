// The command without an installed package: as one file, as a program with Bun inside, and in an image.
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { runChild } from "../support/child.ts";
import { programs } from "../support/programs.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { lastValues, startReceiver } from "../support/receiver_server.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "k6-remote-write-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a form of the command; returns its path and what was printed. */
async function make(
  recipe: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly path: string; readonly output: string }> {
  const command = [process.execPath, "scripts/binaries.mjs", recipe, "--out", folder];
  const { status, stdout, output } = await runChild(command, { env });
  assert.equal(status, 0, output);
  return { path: /^(\S+) \d+\.\d MB$/m.exec(stdout)?.[1] ?? "", output };
}

/** Starts the command in a folder of its own: its help, its version, and a recording that it sends. */
async function works(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const cwd = mkdtempSync(`${folder}/empty-`);
  // What Bun reads by default.
  writeFileSync(`${cwd}/.env`, "K6_PROMETHEUS_MAPPING=nonsense\n");
  const help = await runChild([...command, "--help"], { cwd, env });
  assert.equal(help.status, 0, help.output);
  assert.match(help.stdout, /^Usage: k6-remote-write/m);
  const printed = await runChild([...command, "--version"], { cwd, env });
  assert.equal(printed.stdout, `k6-remote-write ${version}\n`);
  const receiver = await startReceiver();
  try {
    const sent = await runChild([...command, "send", resolve(recordingPaths.basic), "--url", receiver.url], {
      cwd,
      env,
    });
    assert.equal(sent.status, 0, sent.output);
    const totals = [...lastValues(receiver.writes)].filter(([name]) => name.startsWith("k6_http_reqs_total{"));
    // The number of HTTP requests of the recording.
    assert.equal(totals.reduce((sum, [, value]) => sum + value, 0), 373);
  } finally {
    await receiver.close();
  }
}

test("the command as one file runs on Node and Deno without any package, and is smaller than 1.5 MB", async () => {
  const { path } = await make("script");
  assert.ok(statSync(path).size < 1_500_000);
  await works([path]);
  await works([programs.deno, "run", "--allow-all", path]);
});

test("the recipe for Deno embeds the one file alone, with a stand-in for the part that Deno downloads", async () => {
  const { output } = await make("deno", { DENORT_BIN: programs.deno });
  assert.match(output, /^Files: \d+\.\d+(?:KB|MB)$/m);
  const [, files = ""] = /Embedded Files\n\n([\s\S]*?)\n\n/.exec(output) ?? [];
  assert.match(files, /^k6-remote-write-deno\n└── k6-remote-write\.mjs \(\S+\)$/);
});

test("the command as a program with Bun inside needs no runtime, and reads no .env of the working directory", async () => {
  const { path } = await make("bun");
  await works([path], { PATH: "/nonexistent" });
});

test("an unknown recipe is an error that lists the recipes", async () => {
  const { status, output } = await runChild([process.execPath, "scripts/binaries.mjs", "exe"]);
  assert.deepEqual([status, output], [
    1,
    'Cannot make a binary: the recipe is "exe", expected one of script, bun, deno\n',
  ]);
});

interface Instruction {
  readonly name: string;
  readonly words: readonly string[];
}

/** Reads the instructions of the Dockerfile, by stage. */
function readStages(): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const line of readFileSync("Dockerfile", "utf8").split("\n")) {
    const [name = "", ...words] = line.split(" ");
    if (!/^[A-Z]+$/.test(name)) continue;
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push({ name, words });
  }
  return stages;
}

test("the Dockerfile copies files that exist and are not ignored, and its image does not run as root", () => {
  const [building = [], image = []] = readStages();
  const allowed = readFileSync(".dockerignore", "utf8").split("\n").filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const copied = building.filter(({ name }) => name === "COPY").flatMap(({ words }) => words.slice(0, -1));
  assert.ok(copied.length > 5);
  assert.deepEqual(copied.filter((path) => !existsSync(path)), []);
  assert.deepEqual([...copied].sort(), allowed.sort());
  for (const stage of [building, image]) assert.match(stage[0]?.words[0] ?? "", /^node:\d+-[a-z-]+$/);
  assert.deepEqual(image.filter(({ name }) => name === "USER").map(({ words }) => words), [["node"]]);
});

test("the steps of the Dockerfile, in a folder with what it copies, make a command that works", async () => {
  const [building = [], image = []] = readStages();
  const root = `${folder}/image`;
  const inRoot = (path: string): string => path.startsWith("/") ? `${root}${path}` : `${root}/build/${path}`;
  for (const { name, words } of building) {
    if (name === "COPY") {
      const to = words.at(-1) ?? "";
      for (const path of words.slice(0, -1)) {
        cpSync(path, to === "./" ? inRoot(path) : inRoot(to), { recursive: true });
      }
    } else if (name === "RUN" && words.join(" ") === "npm ci --ignore-scripts") {
      symlinkSync(resolve("node_modules"), inRoot("node_modules"));
    } else if (name === "RUN") {
      const command = words.map((word) => word.startsWith("/") ? inRoot(word) : word);
      const { status, output } = await runChild(command, { cwd: inRoot("") });
      assert.equal(status, 0, output);
    }
  }
  const [, from = "", to = ""] = image.find(({ name }) => name === "COPY")?.words ?? [];
  const [program, path] = JSON.parse(image.find(({ name }) => name === "ENTRYPOINT")?.words.join(" ") ?? "[]");
  mkdirSync(`${root}/image`);
  cpSync(inRoot(from), `${root}/image/command.mjs`);
  assert.deepEqual([program, path], ["node", to]);
  await works([process.execPath, `${root}/image/command.mjs`]);
});
