// Runs on the newest Node, too: process groups, terminals and FIFOs.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { cliCommand, runCli, startCli } from "../support/cli.ts";
import { refusing } from "../support/scripted_receiver.ts";
import { firstElsewhere } from "../support/runs.ts";
import { isRunning, lastLine, total, untagged, withK6 } from "../support/with_k6.ts";

/** Runs the command in its own terminal. Calls back at each change of the screen while k6 waits. */
async function runInTerminal(
  env: Readonly<Record<string, string>>,
  onScreen: (screen: string, press: (keys: string) => void) => void,
): Promise<{ code: unknown; screen: string }> {
  // Replace the shell: it would get the Ctrl-C, too, and some shells then do not return the command's exit code.
  const command = `exec ${[...cliCommand, "run", "script.js"].map((word) => `'${word}'`).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: { ...process.env, NO_COLOR: "1", ...env, TERM: "xterm", SHELL: "/bin/sh" },
  });
  let screen = "";
  child.stdout.on("data", (chunk) => {
    screen += chunk;
    if (screen.includes("waiting 0")) onScreen(screen, (keys) => child.stdin.write(keys));
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, screen };
}

/** Returns the numbers of a group's processes; the first is that of the group. */
function groupOf(group: number | undefined): number[] {
  const found = execFileSync("ps", ["-A", "-o", "pgid=,pid="], { encoding: "utf8" }).trim().split("\n")
    .map((row) => row.trim().split(/\s+/).map(Number));
  return found.filter(([pgid]) => pgid === group).map(([, pid = NaN]) => pid).sort((a, b) => a - b);
}

test("a signal after the end of k6 ends the reading; if something was not read, the run is no success", () =>
  withK6(async ({ k6, options }) => {
    const json = k6.write("untagged", untagged);
    const args = ["--overflow", "block", "--capacity", "1", "--flush-period", "10ms", "--close-timeout", "100ms"];
    const running = startCli(["run", "script.js", ...args], options({ json, paceMs: 20 }));
    await running.printed("k6's summary");
    const { pid } = k6.report();
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
    running.signal("SIGTERM");
    const result = await running.ended;
    assert.equal(result.code, 1, result.stderr);
    assert.match(
      result.stderr,
      /warn: SIGTERM: sending the rest of the results\. A second signal ends the command at once\./,
    );
    assert.match(lastLine(result), /^error: k6 ended with 0; /);
  }, { script: refusing(503) }));

test("a second signal while the rest is sent ends the command at once", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js", "--close-timeout", "10m"], options());
    await running.printed("k6's summary");
    const { pid } = k6.report();
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
    const result = await running.insist("SIGINT");
    assert.equal(result.code, 130, result.stderr);
    assert.match(result.stderr, /warn: SIGINT: sending the rest of the results/);
  }, { script: refusing(503) }));

// Deno tells of a signal from another thread, some time after it arrived. The run may have started k6 then, and stops it gracefully.
const toldLater = "Deno" in globalThis ? "Deno tells of signals later" : false;
test(
  "a signal before k6 is started ends the run without it, and leaves nothing",
  { skip: toldLater },
  () =>
    withK6(async ({ k6, options }) => {
      chmodSync(k6.write("bin/mkfifo", '#!/bin/sh\nkill -TERM $PPID\nPATH=/usr/bin:/bin exec mkfifo "$@"\n'), 0o755);
      const { code, stderr } = await runCli(["run", "script.js"], options());
      assert.equal(code, 143, stderr);
      assert.match(stderr, /^-> http:.*\nwarn: SIGTERM: k6 is not started\. /);
      assert.throws(() => k6.report());
    }),
);

test("SIGQUIT ends k6 and the command at once, and leaves nothing", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], options({ ending: "opens nothing" }));
    await running.printed("waiting 0");
    running.signal("SIGQUIT");
    const result = await running.ended;
    assert.equal(result.code, 131, result.stderr);
    assert.equal(isRunning(k6.report().pid), false);
  }));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} without a terminal is forwarded to k6 once; k6 stops in its own way, and the rest of its results is delivered`, () =>
    withK6(async ({ k6, receiver, options }) => {
      const running = startCli(["run", "script.js"], { ...options({ ending: "waits" }), detached: true });
      await running.printed("waiting 0");
      running.signal(signal);
      running.signal(signal);
      const result = await running.ended;
      assert.equal(result.code, 105, result.stderr);
      assert.match(result.stdout, new RegExp(`k6 got ${signal} \\(1\\)\n[^]*running, 720 of 800\nk6's summary\n$`));
      assert.match(result.stderr, new RegExp(`warn: ${signal}: k6 stops, and the rest of its results is sent`));
      assert.match(lastLine(result), /^k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples/);
      assert.equal(k6.report().signals, 1);
      assert.equal(total(receiver, "k6_http_reqs_total"), 57);
    }));
}

for (const [signal, code] of firstElsewhere([["SIGINT", 130], ["SIGTERM", 143]] as const)) {
  test(`a second ${signal} ends k6 and the command, and leaves nothing`, () =>
    withK6(async ({ k6, options }) => {
      const running = startCli(["run", "script.js"], options({ ending: "deaf" }));
      await running.printed("waiting 0");
      running.signal(signal);
      // A second signal would end a slow k6 before it notices the first one.
      await running.printed("k6 got SIG");
      const result = await running.insist(signal);
      assert.equal(result.code, code, result.stderr);
      assert.equal(isRunning(k6.report().pid), false);
    }));
}

test("in a terminal, k6 gets Ctrl-C once, and its screen stays whole", () =>
  withK6(async ({ k6, receiver, options }) => {
    let pressed = false;
    const { code, screen } = await runInTerminal(options({ ending: "waits" }).env, (_, press) => {
      if (!pressed) press("\x03");
      pressed = true;
    });
    assert.equal(code, 105, screen);
    const { terminal, signals } = k6.report();
    assert.deepEqual([terminal, signals], [true, 1]);
    assert.equal(total(receiver, "k6_http_reqs_total"), 57);
    // Each message erases the progress bars below the cursor first.
    assert.ok(screen.includes("\r\x1b[Jwarn: SIGINT: k6 stops"), screen);
    assert.match(screen, /k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples; testid basic\r\n$/);
  }));

test("in a terminal, k6 also gets a SIGINT for the command alone, once (on one runtime)", () =>
  withK6(async ({ k6, options }) => {
    let told = false;
    const { code, screen } = await runInTerminal(options({ ending: "waits" }).env, () => {
      if (!told) process.kill(k6.report().ppid, "SIGINT");
      told = true;
    });
    assert.equal(code, 105, screen);
    assert.equal(k6.report().signals, 1);
  }));

const groups: readonly (readonly [title: string, send: (pids: readonly number[], signal: NodeJS.Signals) => void])[] = [
  ["to the group of the command", ([command = NaN], signal) => process.kill(-command, signal)],
  ["to each process of a service, one after the other", (pids, signal) => {
    for (const pid of pids) process.kill(pid, signal);
  }],
];
for (const [title, send] of groups) {
  for (const signal of firstElsewhere(["SIGINT", "SIGTERM"] as const)) {
    test(`without a terminal, k6 gets a ${signal} that is sent ${title} once, and stops in its own way`, () =>
      withK6(async ({ k6, receiver, options }) => {
        const running = startCli(["run", "script.js"], { ...options({ ending: "waits" }), detached: true });
        await running.printed("waiting 0");
        send(groupOf(running.child.pid), signal);
        const result = await running.ended;
        assert.equal(result.code, 105, result.stderr);
        assert.match(lastLine(result), /^k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples/);
        assert.equal(k6.report().signals, 1);
        assert.equal(total(receiver, "k6_http_reqs_total"), 57);
      }));
  }
}

test("without a terminal, a second signal to the group ends k6 and the command", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], { ...options({ ending: "deaf" }), detached: true });
    await running.printed("waiting 0");
    const { pid = NaN } = running.child;
    process.kill(-pid, "SIGTERM");
    await running.printed("warn: SIGTERM");
    process.kill(-pid, "SIGINT");
    const { code, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    assert.equal(isRunning(k6.report().pid), false);
  }));
