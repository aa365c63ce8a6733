import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { version } from "../../src/model/version.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { onlyV1 } from "../support/scripted_receiver.ts";
import { point, runCli, usageErrorOf } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";

const commands: readonly (readonly [string[], string, Record<string, unknown>, string[]])[] = [
  [[], "send", {}, []],
  [["-"], "send", {}, ["-"]],
  [["send", "a", "--live"], "send", { live: true }, ["a"]],
  // Flags may come before the command, and the value of a flag is not a command.
  [["--port", "0", "--json", "receive"], "receive", { port: 0, json: true }, []],
  [["--testid", "receive", "-"], "send", { testid: "receive" }, ["-"]],
  [["run", "--vus", "1", "s.js", "--testid", "a"], "run", { testid: "a" }, ["--vus", "1", "s.js"]],
];
for (const [args, name, values, operands] of commands) {
  test(`the command line ${JSON.stringify(args)} runs ${name}`, () => {
    const { command, given } = readCommandLine(args);
    assert.equal(command?.name, name);
    assert.deepEqual([Object.fromEntries(given?.values ?? []), given?.operands], [values, operands]);
  });
}

const wrong: readonly (readonly [string[], RegExp])[] = [
  [["receive", "18511"], /^Cannot read the command line: receive takes no argument "18511", expected only flags$/],
  [["--url", "http://127.0.0.1:1/", "receive", "--port", "0"], /there is no flag --url/],
  [["sned", "x"], /there is no command or file sned; did you mean send\?$/],
  [["--url", "http://127.0.0.1:1/", "sent"], /there is no command or file sent; did you mean send\?$/],
  [["--ulr", "x"], /there is no flag --ulr; did you mean --url\?$/],
  [["--log-level", "loud"], /Cannot read --log-level: it is "loud", expected error, warn, info or debug$/],
  [["receive", "--port", "65536"], /Cannot read --port: it is "65536", expected a whole number from 0 to 65535$/],
  [["receive", "--port", "x"], /Cannot read --port: it is "x", expected a whole number from 0 to 65535$/],
];
for (const [args, message] of wrong) {
  test(`the command line ${args.join(" ")} is an error`, async () => assert.match(await usageErrorOf(args), message));
}

for (const args of [["--version"], ["send", "--version"], ["receive", "-V"], ["--quiet", "--version"]]) {
  test(`${args.join(" ")} prints the version`, () =>
    assert.equal(readCommandLine(args).print, `k6-remote-write ${version}\n`));
}

for (const args of [["version"], ["-V"]]) {
  test(`${args.join(" ")} prints the version`, () =>
    assert.equal(readCommandLine(args).print, `k6-remote-write ${version}\n`));
}

test("-u is --url, -q is --quiet and -v is --verbose; run leaves them to k6", () => {
  const { given } = readCommandLine(["-u", "http://127.0.0.1:1/", "-q", "-v", "-"]);
  assert.deepEqual([...given?.values.keys() ?? []], ["url", "quiet", "verbose"]);
  const run = readCommandLine(["run", "-u", "10", "-q", "-v", "--verbose", "script.js"]);
  assert.deepEqual([run.given?.values.size, run.given?.operands], [0, [
    "-u",
    "10",
    "-q",
    "-v",
    "--verbose",
    "script.js",
  ]]);
});

test("main.ts prints what a command line asks for, runs its command, and prints an error as one line", async () => {
  const printed = await runCli(["--version"]);
  assert.deepEqual(printed, { code: 0, stdout: `k6-remote-write ${version}\n`, stderr: "" });
  const { code, stdout, stderr } = await runCli([], { env: { K6_PROMETHEUS_FLUSH_PERIOD: "soon" }, input: "" });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^error: Cannot read K6_PROMETHEUS_FLUSH_PERIOD: it is "soon".*\n$/);
});

test("a file whose name is like a command's is sent (on one runtime)", () =>
  withFolder(async (folder) => {
    const { url, samples, close } = await startReceiver({ script: onlyV1 });
    writeFileSync(join(folder, "sent"), point(1));
    const { code, stderr } = await runCli(["sent", "--url", url], { cwd: folder }).finally(close);
    assert.equal(code, 0, stderr);
    assert.equal(samples.length, 1);
  }));
