import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Checkpoint } from "../../src/cli/checkpoint.ts";
import { ConfigurationError } from "../../src/model/errors.ts";
import { point, runCli, type RunningCli, startCli, usageErrorOf } from "../support/cli.ts";
import { recordingPaths, startOfRecording } from "../support/recorded_run.ts";
import { Random } from "../support/mutate.ts";
import { type ReceiverServer, startReceiver } from "../support/receiver_server.ts";
import { prometheus, type ReceivedSample, type ScriptedReceiver } from "../support/scripted_receiver.ts";
import { isDeep, slowCases } from "../support/runs.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** Calls a function with a folder that holds run.json, 1.5 seconds of a recording. */
function withRecording(use: (folder: string, recording: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const recording = join(folder, "run.json");
    writeFileSync(recording, startOfRecording(1200));
    await use(folder, recording);
  });
}

/** When a run is killed, relative to a request. */
type Moment = "instead of storing" | "before the answer" | "after the answer" | "a little later";

interface Killer {
  readonly server: ReceiverServer;
  /** Kills a run at a request, counted from 1 from now on. */
  aim(running: RunningCli, request: number, moment: Moment): void;
}

/** Calls a function with a receiver that is as strict as Prometheus, and that can kill a sender. */
async function withKiller(use: (killer: Killer) => Promise<void>): Promise<void> {
  let shoot: ((serve: () => Promise<void>) => Promise<void>) | undefined;
  const server = await startReceiver({ script: prometheus, around: (serve) => (shoot ?? ((serve) => serve()))(serve) });
  const aim: Killer["aim"] = (running, request, moment) => {
    let left = request;
    shoot = async (serve) => {
      const kill = (): void => running.signal("SIGKILL");
      if (--left !== 0) return serve();
      if (moment === "before the answer" || moment === "instead of storing") kill();
      if (moment !== "instead of storing") await serve();
      if (moment === "after the answer") kill();
      if (moment === "a little later") setImmediate(() => setImmediate(kill));
    };
    void running.ended.then(() => shoot = undefined);
  };
  try {
    await use({ server, aim });
  } finally {
    await server.close();
  }
}

/** Returns what a receiver stores if a command runs without a disturbance, and the number of requests. */
async function undisturbed(args: readonly string[]): Promise<{ receiver: ScriptedReceiver; requests: number }> {
  const server = await startReceiver({ script: prometheus });
  const { code, stderr } = await runCli([...args, "--url", server.url]).finally(() => server.close());
  assert.equal(code, 0, stderr);
  return { receiver: server.receiver, requests: server.requests.length };
}

/** Returns what is stored, with times relative to the earliest. */
function relative({ stored }: ScriptedReceiver): Map<string, ReceivedSample[]> {
  const earliest = Math.min(...[...stored.values()].flat().map(({ time }) => time));
  return new Map(
    [...stored].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, samples]) => [name, samples.map((sample) => ({ ...sample, time: sample.time - earliest }))]),
  );
}

const moments: readonly Moment[] = ["instead of storing", "before the answer", "after the answer", "a little later"];

const runs: readonly (readonly [what: string, kills: number, args: readonly string[]])[] = [
  ["cumulative series, several requests for each window, staleness markers at the end", 4, [
    ...["RECORDING", "--flush-period", "50ms", "--max-samples-per-send", "150", "--stale-markers"],
  ]],
  ["two shards, two files, series of all kinds", 3, [
    ...["RECORDING", "FOLDER/second.json", "--flush-period", "125ms", "--shards", "2", "--trend-as", "histogram"],
    ...["--zero-sample", "--thresholds", "--run-info", "--max-samples-per-send", "500", "--protocol", "1.0"],
  ]],
  ["samples as they are, moved to now", 3, [
    ...["RECORDING", "--mapping", "raw", "--shift-to-now", "--max-samples-per-send", "100"],
  ]],
];
for (const [index, [what, most, template]] of slowCases(runs).entries()) {
  const kills = isDeep ? most : 2;
  test(`a replay that is killed up to ${kills} times and continued stores what an undisturbed one stores: ${what} (on one runtime)`, () =>
    withRecording(async (folder, recording) => {
      writeFileSync(join(folder, "second.json"), point(1));
      const args = template.map((arg) => arg.replace("RECORDING", recording).replace("FOLDER", folder));
      const expected = await undisturbed(args);
      await withKiller(async ({ server, aim }) => {
        const { receiver } = server;
        const command = [...args, "--url", server.url, "--checkpoint", join(folder, "state")];
        const random = new Random(20260401 + index);
        let killed = 0;
        for (let run = 0; run < kills; run++) {
          const running = startCli(command);
          aim(
            running,
            1 + random.below(Math.ceil(2 * expected.requests / kills)),
            moments[(run + index) % moments.length] ?? "a little later",
          );
          const { code, stderr } = await running.ended;
          assert.ok(code === "SIGKILL" || code === 0, stderr);
          if (code === "SIGKILL") killed++;
        }
        const { code, stderr } = await runCli(command);
        assert.equal(code, 0, stderr);
        assert.ok(killed >= kills / 2, `killed ${killed} times`);
        assert.deepEqual(relative(receiver), relative(expected.receiver));
        assert.deepEqual(receiver.violations, []);
      });
    }));
}

test("a complete run sends nothing again; a run with another file or option is told what differs (on one runtime)", () =>
  withRecording((folder, file) =>
    withKiller(async ({ server }) => {
      const state = join(folder, "state");
      const command = [file, "--url", server.url, "--checkpoint", state];
      assert.equal((await runCli(command)).code, 0);
      const requests = server.requests.length;
      const again = await runCli([...command, "--timeout", "10s"]);
      assert.equal(again.code, 0, again.stderr);
      assert.match(again.stderr, /Continuing from .*: earlier runs sent [\d,]+ windows\./);
      // A file of the same length, with the same beginning and end.
      const json = readFileSync(file);
      const changed = join(folder, "changed.json");
      writeFileSync(changed, json.fill("0", json.length >> 1, (json.length >> 1) + 1));
      const others: readonly (readonly [string[], RegExp])[] = [
        [[...command, "--flush-period", "2s"], /flushPeriodMs is 2000, expected null as in the run that wrote it/],
        [[...command, "--shift-to-now"], /shiftToNow is true, expected false/],
        [[...command, "--url", server.url.replace("write", "hunter2")], /url is .*, expected ".*\/api\/v1\/write"/],
        [[...command, file], /files is \[.*\], expected \[.*\]/],
        [[changed, ...command.slice(1)], /files is /],
        [[recordingPaths.native, ...command.slice(1)], /files is /],
        [[...command, "--self-metrics"], /Cannot use --checkpoint with --self-metrics: /],
        [[...command, "--testid", "auto"], /--testid is "auto", expected a value that is the same in every run/],
        [[...command, "--instance", "auto"], /--instance is "auto", expected a value that is the same in every run/],
        [[...command.slice(1)], /Cannot use --checkpoint: standard input/],
        [[...command, "--live"], /Cannot use --checkpoint with --live/],
        [[...command, "--metric-type", "a=trend"], /metricTypes is \["a=trend:default"\], expected \[\]/],
        [[folder, ...command.slice(1)], /Cannot read ".*": it is a folder/],
        [[join(folder, "missing"), ...command.slice(1)], /Cannot read ".*missing": there is no such file/],
        [[...command, "--checkpoint="], /Cannot read --checkpoint: it is "", expected the path of a file/],
        [[...command, "--checkpoint", file], /Cannot read the checkpoint ".*": it is not a checkpoint/],
        [[...command, "--checkpoint", folder], /Cannot use the checkpoint ".*": it is a folder, expected a file$/],
      ];
      for (const [args, message] of others) assert.match(await usageErrorOf(args), message);
      const { code, stderr } = await runCli([...command, "--checkpoint", join(folder, "no", "state")]);
      assert.equal(code, 2);
      assert.match(stderr, /^error: Cannot write the checkpoint /);
      assert.equal(server.requests.length, requests, "something was sent again");
    })
  ));

/** Opens the checkpoint "state" of a replay. */
function openState(folder: string, file: string, raw = {}): Promise<Checkpoint> {
  return Checkpoint.open(join(folder, "state"), { files: [file], raw, shiftToNow: false, metrics: [] });
}

test("a checkpoint that cannot be written leaves no temporary file", () =>
  withRecording(async (folder, file) => {
    const checkpoint = await openState(folder, file);
    mkdirSync(join(folder, "state"));
    await assert.rejects(checkpoint.begin(0), /^ConfigurationError: Cannot write the checkpoint ".*state": /);
    checkpoint.close();
    assert.deepEqual(readdirSync(folder), ["run.json", "state"]);
  }));

test("secrets are not written to the checkpoint", () =>
  withRecording(async (folder, file) => {
    const url = "http://ann:hunter2@127.0.0.1/api/v1/write?token=hunter2";
    const checkpoint = await openState(folder, file, { url, headers: { "X-Key": "hunter2" }, user: "ann" });
    await checkpoint.begin(0);
    await checkpoint.record(1);
    checkpoint.close();
    assert.doesNotMatch(readFileSync(join(folder, "state"), "utf8"), /hunter2|ann/);
    assert.deepEqual(readdirSync(folder), ["run.json", "state"]);
  }));

test("the endpoint of a run is the same whether the default is named or not", () =>
  withRecording(async (folder, file) => {
    await (await openState(folder, file)).begin(0);
    const { windowsSent } = await openState(folder, file, { url: "http://localhost:9090/api/v1/write" });
    assert.equal(windowsSent, 0);
    await assert.rejects(openState(folder, file, { url: "http://localhost:9091/api/v1/write" }), ConfigurationError);
  }));

test("a window that is given up ends the run, which says so once, and the same command continues with the window (on one runtime)", () =>
  withRecording(async (folder, recording) => {
    let down = false;
    let served = 0;
    const server = await startReceiver({
      script: prometheus,
      around: (serve) => {
        if (++served === 3) down = true;
        if (!down) return serve();
      },
    });
    try {
      const args = [recording, "--flush-period", "50ms", "--capacity", "300"];
      const command = [...args, "--url", server.url, "--checkpoint", join(folder, "state"), "--timeout", "700ms"];
      const first = await runCli([...command, "--retry-deadline", "0"]);
      assert.equal(first.code, 1, first.stderr);
      const ends =
        /error: The endpoint did not acknowledge a window, so the run ends\. The same command continues there\.\n/g;
      assert.equal(first.stderr.match(ends)?.length, 1, first.stderr);
      assert.match(first.stderr, /the endpoint did not answer within 0.7 s/);
      assert.equal(served, 3, "nothing is sent after the missing window");
      down = false;
      const second = await runCli(command);
      assert.equal(second.code, 0, second.stderr);
      assert.deepEqual(relative(server.receiver), relative((await undisturbed(args)).receiver));
    } finally {
      await server.close();
    }
  }));

for (const status of isDeep ? [401, 403, 404, 405] : [401]) {
  test(`a ${status} ends a replay after one request, the checkpoint stays, and the right password sends everything (on one runtime)`, () =>
    withRecording(async (folder, recording) => {
      // One fault for each of the first two runs: the receiver would accept a second request.
      const fault = { kind: "answer", status } as const;
      const server = await startReceiver({ script: prometheus, faults: [fault, fault] });
      try {
        const state = join(folder, "state");
        for (const args of [["--checkpoint", state], []]) {
          const before = server.requests.length;
          const first = await runCli([recording, "--flush-period", "50ms", ...args, "--url", server.url]);
          assert.equal(first.code, 1, first.stderr);
          assert.equal(server.requests.length - before, 1);
          assert.match(first.stderr, /delivered {2}0 of/);
          assert.equal(first.stderr.match(/The endpoint refuses all requests \(status/g)?.length, 1, first.stderr);
        }
        const command = [recording, "--flush-period", "50ms", "--checkpoint", state, "--url", server.url];
        const second = await runCli([...command, "--user", "me", "--password", "right"]);
        assert.equal(second.code, 0, second.stderr);
        assert.match(second.stderr, /earlier runs sent 0 windows/);
        const expected = await undisturbed([recording, "--flush-period", "50ms"]);
        assert.deepEqual(relative(server.receiver), relative(expected.receiver));
      } finally {
        await server.close();
      }
    }));
}

test("after a file that cannot be read to its end, the next run continues with the incomplete window and the other files", () =>
  withRecording(async (folder, recording) => {
    const start = Date.UTC(2026, 10, 22, 11);
    const pad = (seed: number): string => createHash("sha256").update(String(seed)).digest("hex");
    const lines = Array.from({ length: 6000 }, (_, at) => {
      const data = { time: new Date(start + at * 5), value: at, tags: {} };
      return `${JSON.stringify({ metric: "vus", pad: pad(at), type: "Point", data })}\n`;
    });
    const damaged = gzipSync(lines.join(""));
    damaged.fill(0x5a, damaged.length >> 1, (damaged.length >> 1) + 40);
    const file = join(folder, "run.json.gz");
    writeFileSync(file, damaged);
    const server = await startReceiver({ script: prometheus });
    const { code, stderr } = await runCli([
      ...[file, recording, "--mapping", "raw", "--url", server.url, "--checkpoint", join(folder, "state")],
    ]).finally(() => server.close());
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /error: Cannot read all of .*run\.json\.gz: .*; the next run continues with the incomplete window\n/,
    );
    const seconds = JSON.parse(readFileSync(join(folder, "state"), "utf8")).windows;
    assert.ok(seconds > 0 && seconds < 30, `${seconds} windows`);
    assert.deepEqual([...server.receiver.stored.values()].map((samples) => samples.at(-1)?.value), [seconds * 200 - 1]);
  }));

test("after SIGTERM, the next run continues with the window that was being read (on one runtime)", () =>
  withRecording(async (folder, recording) => {
    let served = 0;
    const server = await startReceiver({
      script: prometheus,
      around: (serve) => {
        if (++served === 10) running.signal("SIGTERM");
        return serve();
      },
    });
    const args = [recording, "--flush-period", "25ms"];
    const command = [...args, "--capacity", "300", "--url", server.url, "--checkpoint", join(folder, "state")];
    const running: RunningCli = startCli(command);
    const first = await running.ended;
    assert.equal(first.code, 1, first.stderr);
    assert.match(first.stderr, /interrupted by SIGTERM/);
    const second = await runCli(command).finally(() => server.close());
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(relative(server.receiver), relative((await undisturbed(args)).receiver));
  }));
