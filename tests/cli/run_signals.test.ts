import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { cliCommand, runCli, startCli } from "../support/cli.ts";
import { isRunning, lastLine, total, untagged, withK6 } from "../support/with_k6.ts";

/** Runs it in a terminal of its own; told of each change of the screen once k6 waits. */
async function runInTerminal(
  env: Readonly<Record<string, string>>,
  onScreen: (screen: string, press: (keys: string) => void) => void,
): Promise<{ code: unknown; screen: string }> {
  // In the shell's place: a shell that stays gets the terminal's Ctrl-C too, and some end with it, not with the command's code.
  const command = `exec ${[...cliCommand, "run", "script.js"].map((word) => `'${word}'`).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: { ...process.env, ...env, TERM: "xterm", SHELL: "/bin/sh" },
  });
  let screen = "";
  child.stdout.on("data", (chunk) => {
    screen += chunk;
    if (screen.includes("waiting 0")) onScreen(screen, (keys) => child.stdin.write(keys));
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, screen };
}

test("a signal after k6's end ends the reading, and what was not read is no success", () =>
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
    assert.match(result.stderr, /warn: SIGTERM: sending what is there; once more to end at once/);
    assert.match(lastLine(result), /^error: k6 ended with 0; /);
  }, { status: 503 }));

test("a second signal while it sends what is left ends it at once", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js", "--close-timeout", "10m"], options());
    await running.printed("k6's summary");
    const { pid } = k6.report();
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
    const result = await running.insist("SIGINT");
    assert.equal(result.code, 130, result.stderr);
    assert.match(result.stderr, /warn: SIGINT: sending what is there/);
  }, { status: 503 }));

test("a signal before k6 is started ends the run without it, and leaves nothing", () =>
  withK6(async ({ k6, options }) => {
    chmodSync(k6.write("bin/mkfifo", '#!/bin/sh\nkill -TERM $PPID\nPATH=/usr/bin:/bin exec mkfifo "$@"\n'), 0o755);
    const { code, stderr } = await runCli(["run", "script.js"], options());
    assert.equal(code, 143, stderr);
    assert.match(stderr, /^warn: SIGTERM: k6 is not started; /);
    assert.throws(() => k6.report());
  }));

test("SIGQUIT ends both at once, and leaves nothing", () =>
  withK6(async ({ k6, options }) => {
    const running = startCli(["run", "script.js"], options({ ending: "opens nothing" }));
    await running.printed("waiting 0");
    running.signal("SIGQUIT");
    const result = await running.ended;
    assert.equal(result.code, 131, result.stderr);
    assert.equal(isRunning(k6.report().pid), false);
  }));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} without a terminal is handed on once; k6 stops in its own way, and what it still writes is delivered`, () =>
    withK6(async ({ k6, receiver, options }) => {
      const running = startCli(["run", "script.js"], { ...options({ ending: "waits" }), detached: true });
      await running.printed("waiting 0");
      running.signal(signal);
      running.signal(signal);
      const result = await running.ended;
      assert.equal(result.code, 105, result.stderr);
      assert.match(result.stdout, new RegExp(`k6 got ${signal} \\(1\\)\n[^]*running, 4680 of 5200\nk6's summary\n$`));
      assert.match(result.stderr, new RegExp(`warn: ${signal}: k6 stops, and what it still writes is sent`));
      assert.match(lastLine(result), /^k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples/);
      assert.equal(k6.report().signals, 1);
      assert.equal(total(receiver, "k6_http_reqs_total"), 373);
    }));
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  test(`a second ${signal} ends both, and leaves nothing`, () =>
    withK6(async ({ k6, options }) => {
      const running = startCli(["run", "script.js"], options({ ending: "deaf" }));
      await running.printed("waiting 0");
      const result = await running.insist(signal);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stdout, /k6 got SIG/);
      assert.equal(isRunning(k6.report().pid), false);
    }));
}

test("in a terminal: k6 has it, gets Ctrl-C once, and its screen stays whole", () =>
  withK6(async ({ k6, receiver, options }) => {
    let pressed = false;
    const { code, screen } = await runInTerminal(options({ ending: "waits" }).env, (_, press) => {
      if (!pressed) press("\x03");
      pressed = true;
    });
    assert.equal(code, 105, screen);
    const { terminal, signals } = k6.report();
    assert.deepEqual([terminal, signals], [true, 1]);
    assert.equal(total(receiver, "k6_http_reqs_total"), 373);
    // Each message takes away the bars below the cursor before it.
    assert.ok(screen.includes("\r\x1b[Jwarn: SIGINT: k6 stops"), screen);
    assert.match(screen, /k6 ended with 105 \(interrupted\); delivered all [\d,]+ samples; testid basic\r\n$/);
  }));

test("a SIGINT for the command alone, at a terminal, is not handed on, as it may be the terminal's: that is said", () =>
  withK6(async ({ k6, options }) => {
    const told = new Set<number>();
    const interruptOnce = (pid: number): void => {
      if (!told.has(pid)) process.kill(pid, "SIGINT");
      told.add(pid);
    };
    const { code, screen } = await runInTerminal(options({ ending: "waits" }).env, (screen) => {
      const { pid, ppid } = k6.report();
      interruptOnce(ppid);
      if (screen.includes(`kill -INT ${pid} stops it`)) interruptOnce(pid);
    });
    assert.equal(code, 105, screen);
    assert.equal(k6.report().signals, 1);
  }));
