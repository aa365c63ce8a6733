import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { createSpool } from "../../src/send/spool.ts";
import { point, runCli, type RunningCli, startCli, usageErrorOf } from "../support/cli.ts";
import { MemorySpool } from "../support/memory_spool.ts";
import { type ReceiverServer, startReceiver } from "../support/receiver_server.ts";
import { prometheus } from "../support/scripted_receiver.ts";
import { withLightK6 } from "../support/stand_in_light.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { untagged, withK6 } from "../support/with_k6.ts";

/** Calls a function with a receiver as strict as Prometheus that is down at first, and with a folder. */
async function withOutage(use: (server: ReceiverServer, folder: string) => Promise<void>): Promise<void> {
  const server = await startReceiver({ script: prometheus });
  setDown(server, true);
  try {
    await withFolder((folder) => use(server, folder));
  } finally {
    await server.close();
  }
}

function setDown({ receiver }: ReceiverServer, isDown: boolean): void {
  receiver.behave({ reply: isDown ? { status: 503, body: "" } : undefined });
}

/** Returns how many samples the files of a spool hold that are not settled. */
function samplesIn(folder: string): number {
  const store = new MemorySpool();
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".spool")) : [];
  for (const name of names) {
    // It may have been removed in the meantime.
    if (!existsSync(join(folder, name))) continue;
    store.files.set(name.slice(0, 10), new Uint8Array(readFileSync(join(folder, name))));
  }
  return createSpool(store, { maxBytes: Infinity }).contents.found;
}

/** Ends a process with SIGKILL when the spool holds this number of samples. */
async function killAt(samples: number, { running, spool }: { running: RunningCli; spool: string }): Promise<void> {
  while (samplesIn(spool) < samples) await delay(20);
  running.signal("SIGKILL");
  assert.equal((await running.ended).code, "SIGKILL");
}

const points = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => point(from + at)).join("");

test("a pipe that is killed three times in an outage stores what an undisturbed one stores, and says what is from earlier (on one runtime)", () =>
  withOutage(async (server, folder) => {
    const spool = join(folder, "of", "pipe");
    const command = ["-", "--mapping", "raw", "--flush-period", "50ms"];
    for (const life of [0, 1, 2]) {
      const running = startCli([...command, "--url", server.url, "--spool", spool], {
        input: points(10 * life, 10 * life + 10),
        keepOpen: true,
      });
      await killAt(10 * life + 10, { running, spool });
    }
    const [name = ""] = readdirSync(spool).filter((name) => name.endsWith(".spool"));
    if (process.platform !== "win32") {
      assert.deepEqual([spool, join(spool, name)].map((path) => statSync(path).mode & 0o777), [0o700, 0o600]);
    }
    appendFileSync(join(spool, name), "torn");
    setDown(server, false);
    const last = await runCli([...command, "--url", server.url, "--spool", spool], { input: points(30, 40) });
    assert.equal(last.code, 0, last.stderr);
    assert.match(last.stderr, /warn: Cut off 4 B at the end of ".*pipe": the earlier process ended before /);
    assert.match(last.stderr, /^Found 30 samples of an earlier run in ".*pipe": they are sent first\.$/m);
    assert.match(
      last.stderr,
      /delivered {2}10 of 10 samples\n {3}earlier {2}30 samples of an earlier run were delivered\n/,
    );
    assert.deepEqual(readdirSync(spool), []);

    const undisturbed = await startReceiver({ script: prometheus });
    const whole = await runCli([...command, "--url", undisturbed.url], { input: points(0, 40) })
      .finally(() => undisturbed.close());
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(server.receiver.stored, undisturbed.receiver.stored);
  }));

test("receive --forward that is killed in an outage forwards everything that it accepted", () =>
  withOutage(async (server, folder) => {
    const spool = join(folder, "spool");
    const start = (): RunningCli => startCli(["receive", "--port", "0", "--forward", server.url, "--spool", spool]);
    const push = async (running: RunningCli, value: number): Promise<void> => {
      const [, url = ""] = /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/)) ?? [];
      const client = new RemoteWriteClient({ url, onWarning: () => {} });
      await client.write([{
        labels: [{ name: "__name__", value: "a" }],
        samples: [{ value, timestamp: 1000 + value }],
      }]);
    };
    for (const life of [0, 1]) {
      const running = start();
      await push(running, 2 * life);
      await push(running, 2 * life + 1);
      // The answer came after the samples were stored.
      running.signal("SIGKILL");
      await running.ended;
    }
    setDown(server, false);
    const running = start();
    await push(running, 4);
    await server.arrived(5);
    running.signal("SIGTERM");
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /delivered {2}1 of 1 sample\n {3}earlier {2}4 samples of an earlier run were delivered$/m);
    assert.deepEqual(server.receiver.stored.get("a")?.map(({ value }) => value), [0, 1, 2, 3, 4]);
  }));

test("run keeps what it cannot send, and the next run sends it first (on one runtime)", () =>
  withK6(async ({ k6, receiver, options }) => {
    await withFolder(async (folder) => {
      const spool = join(folder, "spool");
      const command = ["run", "s.js", "--spool", spool];
      const json = k6.write("untagged.json", untagged);
      receiver.receiver.behave({ reply: { status: 503, body: "" } });
      const first = await runCli([...command, "--close-timeout", "1s"], options({ json }));
      assert.equal(first.code, 1, first.stderr);
      // A slow k6 measures in more than one window.
      const [, kept = ""] =
        / {6}kept {2}([\d,]+) samples? in .*spool, for the next start with this --spool\n/.exec(first.stderr) ?? [];
      assert.notEqual(kept, "", first.stderr);
      receiver.receiver.behave({ reply: undefined });
      const second = await runCli(command, options({ json }));
      assert.equal(second.code, 0, second.stderr);
      const delivered = new RegExp(` {3}earlier {2}${kept} samples? of an earlier run w(?:as|ere) delivered\n`);
      assert.match(second.stderr, delivered);
      assert.deepEqual(readdirSync(spool), []);
    });
  }, { script: prometheus }));

test("run --light keeps what it cannot send, and the next run sends it first (on one runtime)", () =>
  withLightK6((k6) =>
    withOutage(async (server, folder) => {
      const spool = join(folder, "spool");
      const command = ["run", "--light", "s.js", "--spool", spool, "--url", server.url];
      const first = await runCli([...command, "--close-timeout", "1s", "--instance", "first"], { env: k6.env() });
      assert.equal(first.code, 1, first.stderr);
      const [, kept = ""] = / {6}kept {2}([\d,]+) samples in /.exec(first.stderr) ?? [];
      assert.notEqual(kept, "", first.stderr);
      setDown(server, false);
      const second = await runCli([...command, "--instance", "second"], { env: k6.env() });
      assert.equal(second.code, 0, second.stderr);
      assert.ok(
        second.stderr.includes(`   earlier  ${kept} samples of an earlier run were delivered\n`),
        second.stderr,
      );
    })
  ));

test("two processes cannot use one spool; after the end of the first, the other can (on one runtime)", () =>
  withOutage(async (server, folder) => {
    const command = ["receive", "--port", "0", "--forward", server.url, "--spool", folder];
    const running = startCli(command);
    await running.printed("Receiving at");
    const { code, stderr } = await runCli(command);
    assert.equal(code, 2);
    assert.match(stderr, /^error: Cannot use the spool ".*": process \d+ uses it, expected a folder that /);
    running.signal("SIGTERM");
    assert.equal((await running.ended).code, 0);
    assert.deepEqual(readdirSync(folder), []);
  }));

test("a link in a spool is an error, and the file that it leads to stays as it is", {
  skip: process.platform === "win32",
}, () =>
  withFolder(async (folder) => {
    const other = join(folder, "other");
    writeFileSync(other, "content of another program");
    mkdirSync(join(folder, "spool"));
    symlinkSync(other, join(folder, "spool", "0000000001.spool"));
    const { code, stderr } = await runCli(["--spool", join(folder, "spool"), "-"], { input: point(1) });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /Cannot use the spool ".*": "0000000001\.spool" in it is a link or no regular file, expected/);
    assert.equal(readFileSync(other, "utf8"), "content of another program");
  }));

test("a spool that cannot be used is an error that says why (on one runtime)", () =>
  withFolder(async (folder) => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    mkdirSync(join(folder, "taken", "0000000001.spool"), { recursive: true });
    const spool = ["--spool", join(folder, "spool")];
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [["-", "--spool", file], /Cannot use the spool ".*file": .*expected a folder that this process alone can write/],
      [["-", "--spool", join(file, "spool")], /Cannot use the spool ".*spool": /],
      [
        ["-", "--spool", join(folder, "taken")],
        /Cannot use the spool ".*taken": "0000000001\.spool" in it is a link or no regular file/,
      ],
      [["-", "--spool="], /Cannot use --spool: it is "", expected the path of a folder/],
      [
        ["-", ...spool, "--spool-bytes", "1000"],
        /Cannot use --spool-bytes: it is 1000, expected a whole number from 1048576/,
      ],
      [["-", ...spool, "--spool-bytes", "many"], /Cannot read --spool-bytes/],
      [["-", "--spool-bytes", "2000000"], /Cannot use --spool-bytes: there is no spool, expected also --spool DIR/],
      [[file, ...spool], /Cannot use --spool with recorded files, which can be read again/],
      [["receive", ...spool], /Cannot use --spool: nothing is forwarded, expected also --forward URL/],
    ];
    for (const [args, message] of wrong) assert.match(await usageErrorOf(args), message);
  }));
