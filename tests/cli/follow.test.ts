// Runs on the newest Node, too: files that grow, and are replaced.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { followFile, type FollowOptions } from "../../src/cli/follow.ts";
import { type ReceiverServer, withReceiver } from "../support/receiver_server.ts";
import { point, runCli, startCli } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";

function withFile(use: (path: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => use(join(folder, "k6.json")));
}

interface Followed {
  readonly text: string;
  readonly restarts: readonly string[];
  readonly sleeps: readonly number[];
}

/** Follows a file. Runs one step each time that the reader waits; the signal fires after the last step. */
async function follow(
  path: string,
  steps: readonly (() => void)[],
  options: Partial<FollowOptions> = {},
): Promise<Followed> {
  const ended = new AbortController();
  const left = [...steps];
  const restarts: string[] = [];
  const sleeps: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    sleeps.push(ms);
    const step = left.shift();
    if (step === undefined) ended.abort();
    step?.();
    return Promise.resolve();
  };
  const decoder = new TextDecoder();
  let text = "";
  const onRestart = (reason: string): void => void restarts.push(reason);
  for await (const chunk of followFile(path, { signal: ended.signal, sleep, onRestart, ...options })) {
    text += decoder.decode(chunk, { stream: true });
  }
  return { text, restarts, sleeps };
}

test("a file that does not exist yet is waited for, and read while it grows, with incomplete lines and large chunks", () =>
  withFile(async (path) => {
    const large = "x".repeat(200_000);
    const { text, restarts } = await follow(path, [
      () => {},
      () => writeFileSync(path, "one\ntw"),
      () => {},
      () => appendFileSync(path, "o\n"),
      () => appendFileSync(path, large),
    ]);
    assert.equal(text, `one\ntwo\n${large}`);
    assert.deepEqual(restarts, []);
  }));

test("a truncated file is read from its beginning again; an incomplete line before that is ended", () =>
  withFile(async (path) => {
    writeFileSync(path, "one\nhalf of tw");
    const { text, restarts } = await follow(path, [
      () => {
        truncateSync(path);
        appendFileSync(path, "new\n");
      },
    ]);
    assert.equal(text, "one\nhalf of tw\nnew\n");
    assert.deepEqual(restarts, ["truncated"]);
  }));

test("a file that is rewritten in place, with the same length or longer, is read from its beginning again", () =>
  withFile(async (path) => {
    writeFileSync(path, "head\none\nhalf of tw");
    const { text, restarts } = await follow(path, [
      () => writeFileSync(path, "head\nthis is another one, and longer\n"),
      () => appendFileSync(path, "more\n"),
      () => writeFileSync(path, "head\nthis is another 1!!, and longer\nmore\n"),
    ]);
    assert.equal(
      text,
      "head\none\nhalf of tw\n" + "head\nthis is another one, and longer\nmore\n" +
        "head\nthis is another 1!!, and longer\nmore\n",
    );
    assert.deepEqual(restarts, ["rewritten", "rewritten"]);
  }));

test("a replaced file is read to its end, and then the new file from its beginning", () =>
  withFile(async (path) => {
    writeFileSync(path, "one\n");
    const { text, restarts } = await follow(path, [
      () => renameSync(path, `${path}.1`),
      () => appendFileSync(`${path}.1`, "two\n"),
      () => {
        appendFileSync(`${path}.1`, "three\n");
        writeFileSync(path, "a file that is longer than the one before\n");
      },
    ]);
    assert.equal(text, "one\ntwo\nthree\na file that is longer than the one before\n");
    assert.deepEqual(restarts, ["replaced"]);
  }));

test("the idle timeout counts from the last byte", () =>
  withFile(async (path) => {
    writeFileSync(path, "one\n");
    const nothing = (): void => {};
    const steps = [nothing, nothing, () => appendFileSync(path, "two\n"), ...Array.from({ length: 9 }, () => nothing)];
    const { text, sleeps } = await follow(path, steps, { idleTimeoutMs: 700 });
    assert.equal(text, "one\ntwo\n");
    assert.deepEqual(sleeps, [200, 200, 200, 200, 200, 200, 100]);
  }));

test("a file that never appears, is not a regular file or is compressed is an error", () =>
  withFile(async (path) => {
    await assert.rejects(follow(path, [], { idleTimeoutMs: 300 }), /^Error: the file has not appeared$/);
    await assert.rejects(follow(path, []), /^Error: the file has not appeared$/);
    await assert.rejects(follow(path, [() => mkdirSync(path)]), /^Error: it is not a regular file$/);
    rmdirSync(path);
    writeFileSync(path, gzipSync("one\n"));
    await assert.rejects(follow(path, []), /^Error: it is compressed, expected plain JSON$/);
  }));

function withFileAndReceiver(use: (path: string, receiver: ReceiverServer) => Promise<void>): Promise<void> {
  return withFile((path) => withReceiver((receiver) => use(path, receiver)));
}

test("send --follow sends what a file holds and what is appended, until a signal", () =>
  withFileAndReceiver(async (path, { url, samples, arrived }) => {
    const running = startCli(["send", "--follow", path, "--url", url, "--flush-period", "20ms"]);
    writeFileSync(path, point(1));
    await arrived(1);
    appendFileSync(path, point(2).slice(0, 50));
    appendFileSync(path, point(2).slice(50));
    await arrived(2);
    appendFileSync(path, point(3));
    running.signal("SIGINT");
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /3 k6 samples in 3 lines/);
    assert.equal(samples.at(-1)?.value, 3);
  }));

test("send --follow ends after --idle-timeout, warns when a file is replaced, and counts the incomplete line before", () =>
  withFileAndReceiver(async (path, { url, samples, arrived }) => {
    writeFileSync(path, `${point(1)}${point(2).slice(0, 50)}`);
    const running = startCli(["--follow", path, "--idle-timeout", "1s", "--url", url, "--flush-period", "20ms"]);
    await arrived(1);
    rmSync(path);
    writeFileSync(path, point(3));
    const { code, stderr } = await running.ended;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /warn: .*k6\.json was replaced; it is read from its beginning again/);
    assert.match(stderr, /skipped {2}1 damaged/);
    assert.equal(samples.at(-1)?.value, 3);
    const missing = await runCli(["--follow", `${path}.missing`, "--idle-timeout", "1ms", "--url", url]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /error: Cannot read all of .*missing: the file has not appeared/);
  }));
