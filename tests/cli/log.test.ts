import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startReceiver } from "../support/receiver_server.ts";
import { Log, type LogLevel, type LogOptions } from "../../src/cli/log.ts";
import { refusing } from "../support/scripted_receiver.ts";
import { cliCommand, point } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";

// util-linux's script makes a terminal for a program.
const skip = spawnSync("script", ["--version"]).status !== 0;

/** Calls back with the lines of progress of a run in a terminal of this width. */
function withProgress(columns: number, use: (lines: readonly string[]) => void): Promise<void> {
  return withFolder(async (folder) => {
    const { url, close } = await startReceiver({ script: refusing(503, "busy") });
    const file = join(folder, "run.json");
    writeFileSync(file, point(3));
    // The endpoint refuses: the run tries again until it has shown its progress, and then ends.
    const command = [...cliCommand, file, "--url", url, "--retry-deadline", "2s"].join(" ");
    const child = spawn("script", ["-qec", `stty cols ${columns}; ${command}`, "/dev/null"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let shown = "";
    for await (const chunk of child.stdout) shown += chunk;
    await close();
    // deno-lint-ignore no-control-regex
    const lines = [...shown.matchAll(/(100 %, 1 sample read[^\r\n\x1b]*)[\r\n\x1b]/g)].map(([, line = ""]) => line);
    assert.ok(lines.length > 0, shown);
    use(lines);
  });
}

test(
  "the line of progress is cut to the terminal's width, so that it can be replaced",
  { skip },
  () =>
    withProgress(30, (lines) => {
      for (const line of lines) {
        assert.equal(line.length, 29, line);
        assert.ok(line.startsWith("100 %, 1 sample read, 1 serie"), line);
      }
    }),
);

test(
  "in a terminal that does not report its width, the line of progress is whole",
  { skip },
  () =>
    withProgress(0, (lines) => {
      for (const line of lines) assert.match(line, /^100 %, 1 sample read, 1 series, [\d.]+ k?B sent(, \d waiting)?$/);
    }),
);

test("a terminal that has no control sequences, as TERM=dumb says, gets none", { skip }, () =>
  withFolder((folder) => {
    const file = join(folder, "run.json");
    writeFileSync(file, point(3));
    const command = [...cliCommand, file, "--dry-run"].join(" ");
    const env = { ...process.env, TERM: "dumb", NO_COLOR: "" };
    const { stdout } = spawnSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8", env });
    assert.match(stdout, /^warn: The oldest sample/m);
    assert.ok(!stdout.includes("\x1b"), JSON.stringify(stdout));
    return Promise.resolve();
  }));

/** Returns what a log prints. */
function printedBy(
  use: (log: Log, tick: (ms: number) => void) => void,
  options: LogOptions = {},
  level: LogLevel = "info",
): string {
  let [printed, now] = ["", 0];
  const write = (text: string): Promise<void> => Promise.resolve(void (printed += text));
  use(new Log(level, { isTerminal: false, write, now: () => now, ...options }), (ms) => now += ms);
  return printed;
}

test("without a terminal, progress is a line every 10 s; with --progress never, there is none", () => {
  const show = (log: Log, tick: (ms: number) => void): void => {
    for (let second = 0; second < 25; second++) {
      tick(1000);
      log.progress(`${second + 1} s`);
    }
    log.progress("");
  };
  assert.equal(printedBy(show), "10 s\n20 s\n");
  assert.equal(printedBy(show, { isTerminal: true, progress: "plain", color: false }), "10 s\n20 s\n");
  assert.equal(printedBy(show, { isTerminal: true, progress: "never" }), "");
  assert.equal(printedBy(show, {}, "warn"), "");
  // A line that changes: each one replaces the one before.
  assert.ok(printedBy(show, { isTerminal: true, color: false }).startsWith("1 s\r\x1b[K2 s"));
});

test("--log-format json prints one object per message, with the names of k6's log", () => {
  const printed = printedBy((log) => {
    log.say("info", ["a", "b"]);
    log.say("warn", 'it is "x\u001b"');
    log.say("debug", "not shown");
  }, { format: "json", isTerminal: true });
  const lines = printed.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ time, ...rest }) => ({ ...rest, time: Number.isNaN(Date.parse(time)) })), [
    { level: "info", msg: "a\nb", source: "k6-remote-write", time: false },
    { level: "warning", msg: 'it is "x\\u001b"', source: "k6-remote-write", time: false },
  ]);
});

test("labels are coloured on a terminal, and nowhere else", () => {
  const say = (log: Log): void => {
    log.say("error", "a");
    log.say("warn", "b");
    log.say("info", "c");
  };
  assert.equal(
    printedBy(say, { isTerminal: true, color: true }),
    "\x1b[1;31merror:\x1b[0m a\n\x1b[33mwarn:\x1b[0m b\nc\n",
  );
  assert.equal(printedBy(say), "error: a\nwarn: b\nc\n");
});

const colors: readonly (readonly [string, boolean])[] = [["", true], ["NO_COLOR= ", true], ["NO_COLOR=1 ", false]];
for (const [variable, colored] of colors) {
  test(
    `on a terminal with "${variable}", an error ${colored ? "has" : "has no"} colour (on one runtime)`,
    { skip },
    () => {
      const command = cliCommand.map((word) => `'${word}'`).join(" ");
      const { stdout } = spawnSync("script", ["-qec", `${variable}${command} /dev/null`, "/dev/null"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        env: { ...process.env, NO_COLOR: undefined },
      });
      assert.match(stdout, /Cannot read \/dev\/null: it is empty/);
      assert.equal(stdout.includes("\x1b["), colored, stdout);
    },
  );
}

test("without FILE, and with a terminal as standard input, send says what it expects and ends with 2", { skip }, () => {
  const command = cliCommand.map((word) => `'${word}'`).join(" ");
  const { stdout, status } = spawnSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  assert.equal(status, 2, stdout);
  assert.match(
    stdout,
    /there is no FILE, and standard input is a terminal, expected a FILE, - for standard input, or a pipe/,
  );
});
