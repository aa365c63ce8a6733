import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openJsonChannel } from "../../src/cli/json_channel.ts";
import { ConfigurationError } from "../../src/model/errors.ts";
import { runCli, startCli } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { withK6 } from "../support/with_k6.ts";

test("a later run removes the folder of a run that was killed before k6 wrote, but no folder that may be in use", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], options({ ending: "opens nothing" }));
    await running.printed("waiting 0");
    running.signal("SIGKILL");
    process.kill(k6.report().pid, "SIGKILL");
    await running.ended;
    const [left = ""] = k6.leftovers();
    const parent = join(k6.folder, "tmp");
    const openAndRemove = (): void => {
      const channel = openJsonChannel(parent);
      channel.end();
      channel.remove();
    };
    const long = new Date(Date.now() - 7_200_000);
    const others = [`k6-remote-write-run-${process.pid}-abc`, "k6-remote-write-run-abc"];
    for (const name of others) mkdirSync(join(parent, name));
    for (const name of others) utimesSync(join(parent, name), long, long);
    openAndRemove();
    assert.deepEqual(readdirSync(parent).sort(), [left, ...others].sort());
    utimesSync(join(parent, left), long, long);
    openAndRemove();
    assert.deepEqual(readdirSync(parent).sort(), others.sort());
    for (const name of others) rmdirSync(join(parent, name));
  }));

test("the clean-up follows no link, and touches only folders of this user", () =>
  withFolder((folder) => {
    const { pid } = spawnSync("true");
    const long = new Date(Date.now() - 7_200_000);
    const parent = join(folder, "tmp");
    const victim = join(folder, "victim");
    for (const path of [parent, victim]) mkdirSync(path);
    writeFileSync(join(victim, "k6.json"), "results");
    const link = join(parent, `k6-remote-write-run-${pid}-link`);
    symlinkSync(victim, link);
    lutimesSync(link, long, long);
    utimesSync(victim, long, long);
    const file = join(parent, `k6-remote-write-run-${pid}-file`);
    writeFileSync(file, "");
    utimesSync(file, long, long);
    // Only root can make a folder of another user.
    const isRoot = process.getuid?.() === 0;
    const foreign = join(parent, `k6-remote-write-run-${pid}-foreign`);
    if (isRoot) {
      mkdirSync(foreign);
      writeFileSync(join(foreign, "k6.json"), "");
      chownSync(foreign, 12_345, 12_345);
      utimesSync(foreign, long, long);
    }
    const channel = openJsonChannel(parent);
    channel.end();
    channel.remove();
    assert.ok(existsSync(join(victim, "k6.json")));
    assert.ok(existsSync(link) && existsSync(file));
    assert.equal(existsSync(join(foreign, "k6.json")), isRoot);
  }));

test("if nothing temporary can be made, one line says so, and nothing is left", () =>
  withK6(async ({ k6, options }) => {
    assert.throws(
      () => openJsonChannel("/nowhere"),
      (error) =>
        error instanceof ConfigurationError &&
        /^Cannot make a temporary folder in "\/nowhere": .*TMPDIR sets it$/.test(error.message),
    );
    chmodSync(k6.write("bin/mkfifo", "#!/bin/sh\n"), 0o755);
    const { code, stderr } = await runCli(["run", "script.js"], options());
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /^-> http:.*\nerror: Cannot open ".*k6\.json": .*, expected a file system that can hold a FIFO; TMPDIR .*\n$/,
    );
    assert.throws(() => k6.report());
  }));
