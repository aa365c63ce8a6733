// Runs on the newest Node, too: reading of pipes without blocking.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openPipe, type PipeReader } from "../../src/cli/pipe_reader.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** Calls a function with the path of a FIFO. */
function withFifo(use: (path: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const path = join(folder, "fifo");
    execFileSync("mkfifo", [path]);
    await use(path);
  });
}

/** Returns the lengths of all chunks. */
async function lengthsOf({ chunks }: PipeReader): Promise<number[]> {
  const lengths: number[] = [];
  for await (const { length } of chunks) lengths.push(length);
  return lengths;
}

const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);

test("a writer of small pieces costs few reads, and other work proceeds meanwhile", () =>
  withFifo(async (path) => {
    const pipe = openPipe(path, { endsWithWriter: true });
    const reading = lengthsOf(pipe);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const pieces = 4000;
    const writer = spawn("dd", ["if=/dev/zero", `of=${path}`, "bs=4096", `count=${pieces}`], { stdio: "ignore" });
    await new Promise((resolve) => writer.on("exit", resolve));
    const lengths = await reading;
    clearInterval(timer);
    assert.equal(sum(lengths), pieces * 4096);
    assert.ok(lengths.length < pieces / 2, `${lengths.length} reads`);
    assert.ok(turns > 5, `${turns} turns`);
  }));

test("a pipe that ends with its writer waits for the first one, and ends with the last", () =>
  withFifo(async (path) => {
    const reading = lengthsOf(openPipe(path, { endsWithWriter: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const first = openSync(path, "w");
    const second = openSync(path, "w");
    writeSync(first, "12");
    closeSync(first);
    await new Promise((resolve) => setTimeout(resolve, 50));
    writeSync(second, "345");
    closeSync(second);
    assert.equal(sum(await reading), 5);
  }));

test("another pipe ends when it is told to, after what it holds, although a process keeps it open", () =>
  withFifo(async (path) => {
    const pipe = openPipe(path, { endsWithWriter: false });
    closeSync(openSync(path, "r+"));
    const reading = lengthsOf(pipe);
    const descriptor = openSync(path, "r+");
    for (let at = 0; at < 15; at++) writeSync(descriptor, new Uint8Array(4096));
    pipe.end();
    assert.equal(sum(await reading), 15 * 4096);
    closeSync(descriptor);
  }));

test("one warning says that the writer had to wait, if the pipe was full at each read for some seconds", () =>
  withFifo(async (path) => {
    let now = 0;
    let warnings = 0;
    const pipe = openPipe(path, { endsWithWriter: false, onSlow: () => warnings++, now: () => now });
    const descriptor = openSync(path, "r+");
    const warningsAfter: number[] = [];
    let reads = 0;
    // Each read finds as much as the largest one before.
    const full = new Uint8Array(32_768);
    writeSync(descriptor, full);
    for await (const { length } of pipe.chunks) {
      assert.equal(length, full.length);
      warningsAfter.push(warnings);
      if (++reads === 10) pipe.end();
      // After a read that does not fill the pipe, the time begins again.
      else writeSync(descriptor, full);
      now += 500;
    }
    assert.deepEqual(warningsAfter, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    closeSync(descriptor);
  }));
