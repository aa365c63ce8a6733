// Runs on the newest Node, too: files, links and locks.
/** A checkpoint on a machine that others use, too: links, other processes, and numbers that cannot be right. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Checkpoint } from "../../src/cli/checkpoint.ts";
import { point, runCli, startCli, usageErrorOf } from "../support/cli.ts";
import { withReceiver } from "../support/receiver_server.ts";
import { slowCases } from "../support/runs.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** Calls a function with a folder that holds run.json: ten samples, one in each window of 1 ms. */
function withRecording(use: (scene: Scene) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = join(folder, "run.json");
    writeFileSync(file, Array.from({ length: 10 }, (_, at) => point(at)).join(""));
    const state = join(folder, "state");
    const open = (path = state): Promise<Checkpoint> =>
      Checkpoint.open(path, { files: [file], raw: {}, shiftToNow: false, metrics: [] });
    await use({ folder, file, state, lock: `${state}.lock`, open, command: [file, "--flush-period", "1ms"] });
  });
}

interface Scene {
  readonly folder: string;
  readonly file: string;
  readonly state: string;
  readonly lock: string;
  readonly open: (path?: string) => Promise<Checkpoint>;
  readonly command: readonly string[];
}

/** Returns the number of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

const isPosix = process.platform !== "win32";

test(
  "what is not a file is refused at once",
  { skip: !isPosix && "no devices" },
  () =>
    withRecording(async ({ folder, command, state }) => {
      const fifo = join(folder, "fifo");
      spawnSync("mkfifo", [fifo]);
      symlinkSync("/dev/full", join(folder, "link"));
      for (const path of slowCases(["/dev/full", "/dev/null", fifo, join(folder, "link")])) {
        const { code, stderr, stdout } = await runCli([...command, "--checkpoint", path]);
        assert.equal(code, 2, stderr);
        assert.equal(
          stderr,
          `error: Cannot use the checkpoint "${path}": it is not a regular file, expected a file\n`,
        );
        assert.equal(stdout, "");
      }
      writeFileSync(state, Buffer.alloc(17_000_000));
      assert.match(await usageErrorOf([...command, "--checkpoint", state]), /: it is too large for a checkpoint/);
      assert.deepEqual(readdirSync(folder).sort(), ["fifo", "link", "run.json", "state"]);
    }),
);

const numbers: readonly (readonly [change: object, message: RegExp])[] = [
  [
    { windows: 1.5 },
    /: windows is 1\.5, expected a whole number from 0\. To send everything again, delete the file\.$/,
  ],
  [{ windows: -1 }, /: windows is -1, expected a whole number from 0/],
  [{ windows: 1e300 }, /: windows is 1e\+300, expected a whole number from 0/],
  [{ windows: null }, /: it is not a checkpoint/],
  [{ windows: "3" }, /: it is not a checkpoint/],
  [{ shiftMs: 1 }, /: shiftMs is 1, expected 0/],
  [{ shiftMs: 0.5 }, /: shiftMs is 0\.5, expected whole milliseconds/],
  [{ shiftMs: -1e17 }, /: shiftMs is -100000000000000000, expected whole milliseconds/],
  [{ windows: 11 }, /: it says that 11 windows were sent, but the recording has only 10\. To send/],
  [{ windows: 1_000_000 }, /: it says that 1000000 windows were sent, but the recording has only 10\. /],
];

test("a number that cannot be right is an error, and nothing is sent (on one runtime)", () =>
  withRecording(({ command, state, open }) =>
    withReceiver(async ({ url, requests }) => {
      const checkpoint = await open();
      const args = [...command, "--url", url, "--checkpoint", state];
      checkpoint.close();
      assert.equal((await runCli(args)).code, 0);
      const sent = requests.length;
      const content = JSON.parse(readFileSync(state, "utf8"));
      assert.equal(content.windows, 10);
      for (const [change, message] of slowCases(numbers)) {
        writeFileSync(state, JSON.stringify({ ...content, ...change }));
        const { code, stderr } = await runCli(args);
        assert.equal(code, 2, stderr);
        assert.match(stderr.trimEnd(), message);
        assert.doesNotMatch(stderr, /delivered/);
        assert.equal(requests.length, sent);
      }
    })
  ));

test("a second process ends with 2 and names the first one; afterwards, the lock is gone", () =>
  withRecording(({ folder, command, state, lock }) => {
    const holds: (() => void)[] = [];
    return withReceiver(async ({ url }) => {
      const args = [...command, "--url", url, "--checkpoint", state];
      const first = startCli(args);
      while (holds.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      const second = await runCli(args);
      assert.equal(second.code, 2);
      assert.equal(
        second.stderr,
        `error: Cannot use the checkpoint "${state}": process ${first.child.pid} uses it\n`,
      );
      for (const release of holds) release();
      const { code, stderr } = await first.ended;
      assert.equal(code, 0, stderr);
      assert.ok(!existsSync(lock));
      assert.deepEqual(readdirSync(folder).sort(), ["run.json", "state"]);
    }, {
      around: async (serve) => {
        if (holds.length === 0) await new Promise<void>((resolve) => holds.push(resolve));
        await serve();
      },
    });
  }));

test("the lock of a process that has ended is taken over, also if another process has its number now", () =>
  withRecording(async ({ lock, open, folder }) => {
    const host = hostname();
    // The parent of this process exists, and began at another time.
    const abandoned = [
      { pid: endedProcess(), host, began: "" },
      ...existsSync("/proc/self/stat") ? [{ pid: process.ppid, host, began: "1" }] : [],
    ];
    for (const holder of abandoned) {
      writeFileSync(lock, JSON.stringify(holder));
      const checkpoint = await open();
      assert.equal(JSON.parse(readFileSync(lock, "utf8")).pid, process.pid);
      checkpoint.close();
    }
    assert.deepEqual(readdirSync(folder), ["run.json"]);
  }));

test("the lock of another machine, and one that names no process, is taken over a minute after its last use", () =>
  withRecording(async ({ lock, open }) => {
    const contents: readonly (readonly [string, RegExp])[] = [
      [JSON.stringify({ pid: 7, host: "other", began: "" }), /process 7 of the machine "other" uses it, or used it/],
      ["", /another process uses it, or used it within the last minute/],
      [JSON.stringify({ pid: -1, host: hostname(), began: "" }), /another process uses it/],
      ["x".repeat(5000), /another process uses it/],
    ];
    for (const [content, message] of contents) {
      writeFileSync(lock, content);
      await assert.rejects(open(), message);
      const before = new Date(Date.now() - 61_000);
      utimesSync(lock, before, before);
      (await open()).close();
    }
  }));

test("a process that has lost its lock writes nothing more", () =>
  withRecording(async ({ lock, open, state }) => {
    const checkpoint = await open();
    await checkpoint.begin(0);
    const content = readFileSync(state, "utf8");
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, host: hostname(), began: "" }));
    await assert.rejects(checkpoint.record(1), /Cannot write the checkpoint ".*": another process uses it now/);
    assert.equal(readFileSync(state, "utf8"), content);
    checkpoint.close();
    assert.ok(existsSync(lock), "the lock of the other process stays");
  }));

test("links are not followed: neither a lock nor a temporary file can lead to another file", () =>
  withRecording(async ({ lock, open, folder, state }) => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "untouched");
    symlinkSync(victim, lock);
    await assert.rejects(open(), /Cannot use the checkpoint ".*": ".*state\.lock" is not a file/);
    symlinkSync(victim, `${state}.tmp`);
    symlinkSync(victim, `${state}.0123456789abcdef.tmp`);
    const other = join(folder, "other");
    symlinkSync(victim, `${other}.0123456789abcdef.tmp`);
    writeFileSync(`${other}.fedcba9876543210.tmp`, "forgotten");
    mkdirSync(`${other}.00000000000000ff.tmp`);
    const checkpoint = await open(other);
    await checkpoint.begin(0);
    await checkpoint.record(1);
    checkpoint.close();
    assert.equal(readFileSync(victim, "utf8"), "untouched");
    assert.ok(lstatSync(`${other}.0123456789abcdef.tmp`).isSymbolicLink());
    assert.ok(!existsSync(`${other}.fedcba9876543210.tmp`));
    assert.ok(existsSync(`${other}.00000000000000ff.tmp`));
  }));

test(
  "a checkpoint that is a link is written where the link leads",
  { skip: !isPosix && "no links" },
  () =>
    withRecording(async ({ open, folder, state }) => {
      const link = join(folder, "link");
      const first = await open();
      await first.begin(0);
      first.close();
      symlinkSync(state, link);
      const checkpoint = await open(link);
      await checkpoint.record(1);
      checkpoint.close();
      assert.ok(lstatSync(link).isSymbolicLink());
      assert.equal(JSON.parse(readFileSync(state, "utf8")).windows, 1);
    }),
);
