import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, startCli } from "../support/cli.ts";
import { withK6 } from "../support/with_k6.ts";

test("what is left by a run that was killed before k6 wrote is removed by a later one, but nothing that may be in use", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], options({ ending: "opens nothing" }));
    await running.printed("waiting 0");
    running.signal("SIGKILL");
    process.kill(k6.report().pid, "SIGKILL");
    await running.ended;
    const [left = ""] = k6.leftovers();
    const temporary = join(k6.folder, "tmp");
    const long = new Date(Date.now() - 7_200_000);
    const others = [`k6-remote-write-run-${process.pid}-abc`, "k6-remote-write-run-abc"];
    for (const name of others) mkdirSync(join(temporary, name));
    for (const name of others) utimesSync(join(temporary, name), long, long);
    await runCli(["run", "script.js"], options());
    assert.deepEqual(k6.leftovers().sort(), [left, ...others].sort());
    utimesSync(join(temporary, left), long, long);
    await runCli(["run", "script.js"], options());
    assert.deepEqual(k6.leftovers().sort(), others.sort());
    for (const name of others) rmdirSync(join(temporary, name));
  }));

test("where nothing temporary can be made, one line says so, and nothing is left", () =>
  withK6(async ({ k6, options }) => {
    const nowhere = await runCli(["run", "script.js"], options({}, { TMPDIR: "/nowhere" }));
    assert.equal(nowhere.code, 2, nowhere.stderr);
    assert.match(nowhere.stderr, /^error: Cannot make a temporary folder in "\/nowhere": .*TMPDIR\)\n$/);
    chmodSync(k6.write("bin/mkfifo", "#!/bin/sh\n"), 0o755);
    const unmade = await runCli(["run", "script.js"], options());
    assert.equal(unmade.code, 2, unmade.stderr);
    assert.match(unmade.stderr, /^error: Cannot open ".*k6\.json": .*, expected a folder that can hold a FIFO\n$/);
    assert.throws(() => k6.report());
  }));
