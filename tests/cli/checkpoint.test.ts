import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { Checkpoint } from "../../src/cli/checkpoint.ts";
import { runCli, type RunningCli, startCli } from "../support/cli.ts";
import { FakePrometheus, type ReceivedSample } from "../support/fake_prometheus.ts";
import { type FaultServer, startFaultServer } from "../support/fault_server.ts";
import { Random } from "../support/mutate.ts";

const recording = "tests/fixtures/k6/basic/run.json.gz";

/** When a run is killed, seen from a request. */
type Moment = "instead of storing" | "before the answer" | "after the answer" | "a little later";

interface Killer {
  readonly server: FaultServer;
  readonly receiver: FakePrometheus;
  /** The run to kill at a request from now, counted from 1. */
  aim(running: RunningCli, request: number, moment: Moment): void;
}

/** A receiver that is as strict as Prometheus, and kills who sends to it. */
async function withKiller(use: (killer: Killer) => Promise<void>): Promise<void> {
  const receiver = new FakePrometheus();
  let shoot: ((serve: () => void) => void) | undefined;
  const server = await startFaultServer({ receiver, around: (serve) => (shoot ?? ((serve) => serve()))(serve) });
  const aim: Killer["aim"] = (running, request, moment) => {
    let left = request;
    shoot = (serve) => {
      const kill = (): void => running.signal("SIGKILL");
      if (--left !== 0) return serve();
      if (moment === "before the answer" || moment === "instead of storing") kill();
      if (moment !== "instead of storing") serve();
      if (moment === "after the answer") kill();
      if (moment === "a little later") setImmediate(() => setImmediate(kill));
    };
    void running.ended.then(() => shoot = undefined);
  };
  try {
    await use({ server, receiver, aim });
  } finally {
    await server.close();
  }
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-checkpoint-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is stored, with times from the earliest on. */
function relative({ stored }: FakePrometheus): Map<string, ReceivedSample[]> {
  const earliest = Math.min(...[...stored.values()].flat().map(({ time }) => time));
  return new Map(
    [...stored].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, samples]) => [name, samples.map((sample) => ({ ...sample, time: sample.time - earliest }))]),
  );
}

const moments: readonly Moment[] = ["instead of storing", "before the answer", "after the answer", "a little later"];

const runs: readonly (readonly [what: string, kills: number, args: readonly string[]])[] = [
  ["cumulative series, several requests a window, staleness markers at the end", 8, [
    ...[recording, "--flush-period", "200ms", "--max-samples-per-send", "150", "--stale-markers"],
  ]],
  ["two shards, two files, series of all kinds", 6, [
    ...[recording, "FOLDER/second.json", "--flush-period", "500ms", "--shards", "2", "--trend-as", "histogram"],
    ...["--zero-sample", "--thresholds", "--run-info", "--max-samples-per-send", "500", "--protocol", "1.0"],
  ]],
  ["samples as they are, moved to now", 4, [
    ...[recording, "--mapping", "raw", "--shift-to-now", "--max-samples-per-send", "400"],
  ]],
];
for (const [index, [what, kills, template]] of runs.entries()) {
  test(`killed ${kills} times and started again, a replay leaves what an undisturbed one leaves: ${what}`, () =>
    withFolder(async (folder) => {
      writeFileSync(
        join(folder, "second.json"),
        `{"metric":"vus","type":"Point","data":{"time":"2026-11-22T12:00:00Z","value":1,"tags":{}}}\n`,
      );
      const args = template.map((arg) => arg.replace("FOLDER", folder));
      const undisturbed = new FakePrometheus();
      const server = await startFaultServer({ receiver: undisturbed });
      const { code, stderr } = await runCli([...args, "--url", server.url]).finally(() => server.close());
      assert.equal(code, 0, stderr);
      const requests = server.requests.length;

      await withKiller(async ({ server, receiver, aim }) => {
        const command = [...args, "--url", server.url, "--checkpoint", join(folder, "state")];
        const random = new Random(20260401 + index);
        let killed = 0;
        for (let run = 0; run < kills; run++) {
          const running = startCli(command);
          aim(
            running,
            1 + random.below(Math.ceil(2 * requests / kills)),
            moments[run % moments.length] ?? "a little later",
          );
          const { code, stderr } = await running.ended;
          assert.ok(code === "SIGKILL" || code === 0, stderr);
          if (code === "SIGKILL") killed++;
        }
        const { code, stderr } = await runCli(command);
        assert.equal(code, 0, stderr);
        assert.ok(killed >= kills / 2, `killed ${killed} times`);
        assert.deepEqual(relative(receiver), relative(undisturbed));
        assert.deepEqual(receiver.violations, []);
      });
    }));
}

test("a run that is done sends nothing again; another one is told what is different", () =>
  withFolder((folder) =>
    withKiller(async ({ server }) => {
      const file = join(folder, "run.json");
      const state = join(folder, "state");
      const json = gunzipSync(readFileSync(recording));
      writeFileSync(file, json);
      const command = [file, "--url", server.url, "--checkpoint", state];
      assert.equal((await runCli(command)).code, 0);
      const requests = server.requests.length;
      const again = await runCli([...command, "--timeout", "10s"]);
      assert.equal(again.code, 0, again.stderr);
      assert.match(again.stderr, /Continuing from .*: \d+ windows sent before/);
      // As long as it was, with the same beginning and end.
      const changed = join(folder, "changed.json");
      writeFileSync(changed, json.fill("0", json.length >> 1, (json.length >> 1) + 1));
      const others: readonly (readonly [string[], RegExp])[] = [
        [[...command, "--flush-period", "2s"], /flushPeriodMs is 2000, expected null as in the run/],
        [[...command, "--shift-to-now"], /shiftToNow is true, expected false/],
        [[...command, "--url", server.url.replace("write", "hunter2")], /url is .*, expected ".*\/api\/v1\/write"/],
        [[...command, file], /files is \[.*\], expected \[.*\]/],
        [[changed, ...command.slice(1)], /files is /],
        [["tests/fixtures/k6/native/run.json.gz", ...command.slice(1)], /files is /],
        [[...command, "--self-metrics"], /Cannot use --checkpoint: --self-metrics/],
        [[...command, "--testid", "auto"], /--testid is "auto", expected one that stays the same/],
        [[...command, "--instance", "auto"], /--instance is "auto", expected one that stays the same/],
        [[...command.slice(1)], /Cannot use --checkpoint: standard input/],
        [[...command, "--live"], /--live and --checkpoint exclude each other/],
        [[folder, ...command.slice(1)], /Cannot use --checkpoint with ".*": it is no regular file/],
        [[join(folder, "missing"), ...command.slice(1)], /Cannot use --checkpoint with ".*missing": /],
        [[...command, "--checkpoint="], /Cannot read --checkpoint: it is "", expected the path of a file/],
        [[...command, "--checkpoint", file], /Cannot read the checkpoint ".*": it holds something else/],
        [[...command, "--checkpoint", folder], /Cannot read the checkpoint /],
        [[...command, "--checkpoint", join(folder, "no", "state")], /Cannot write the checkpoint /],
      ];
      for (const [args, message] of others) {
        const { code, stderr } = await runCli(args);
        assert.match(stderr, message);
        assert.equal(code, 2, stderr);
      }
      assert.equal(server.requests.length, requests, "something was sent again");
    })
  ));

test("a checkpoint that cannot be written leaves nothing beside it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "state");
    const checkpoint = await Checkpoint.open(path, { files: [recording], raw: {}, shiftToNow: false });
    mkdirSync(path);
    await assert.rejects(checkpoint.begin(0), /^ConfigurationError: Cannot write the checkpoint ".*state": /);
    assert.deepEqual(readdirSync(folder), ["state"]);
  }));

test("secrets are not written to the checkpoint", () =>
  withFolder((folder) =>
    withKiller(async ({ server }) => {
      const state = join(folder, "state");
      const url = `${server.url.replace("//", "//ann:hunter2@")}?token=hunter2`;
      const { code, stderr } = await runCli([
        recording,
        "--url",
        url,
        "--header",
        "X-Key:hunter2",
        "--checkpoint",
        state,
      ]);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(readFileSync(state, "utf8"), /hunter2|ann/);
      assert.ok(!existsSync(`${state}.tmp`));
    })
  ));

test("a window that is given up ends the run, and the same command continues with it", () =>
  withFolder(async (folder) => {
    const receiver = new FakePrometheus();
    let down = false;
    let served = 0;
    const server = await startFaultServer({
      receiver,
      faults: [],
      around: (serve) => {
        if (++served === 3) down = true;
        if (!down) serve();
      },
    });
    try {
      const command = [
        recording,
        "--url",
        server.url,
        "--checkpoint",
        join(folder, "state"),
        "--timeout",
        "1500ms",
        "--capacity",
        "300",
      ];
      const first = await runCli([...command, "--retry-deadline", "0"]);
      assert.equal(first.code, 1, first.stderr);
      assert.match(
        first.stderr,
        /error: Not everything was acknowledged, so sending ends; the same command continues there/,
      );
      assert.match(first.stderr, /the endpoint did not answer within 1.5 s/);
      assert.equal(served, 3, "nothing is sent after the window that is missing");
      down = false;
      const second = await runCli(command);
      assert.equal(second.code, 0, second.stderr);
    } finally {
      await server.close();
    }
    const undisturbed = new FakePrometheus();
    const other = await startFaultServer({ receiver: undisturbed });
    await runCli([recording, "--url", other.url]).finally(() => other.close());
    assert.deepEqual(relative(receiver), relative(undisturbed));
  }));

test("the endpoint of a run is the same whether the default is named or not", () =>
  withFolder(async (folder) => {
    const replay = { files: [recording], raw: {}, shiftToNow: false };
    await (await Checkpoint.open(join(folder, "state"), replay)).begin(0);
    const raw = { url: "http://localhost:9090/api/v1/write" };
    assert.equal((await Checkpoint.open(join(folder, "state"), { ...replay, raw })).windowsSent, 0);
  }));

test("that sending ends is said once, however many windows wait", () =>
  withFolder(async (folder) => {
    const server = await startFaultServer({ receiver: new FakePrometheus() });
    await server.close();
    const { code, stderr } = await runCli([
      ...[recording, "--flush-period", "50ms", "--url", server.url, "--retry-deadline", "0"],
      ...["--checkpoint", join(folder, "state")],
    ]);
    assert.equal(code, 1);
    assert.equal(stderr.split("Not everything was acknowledged").length, 2, stderr);
  }));

test("a file that cannot be read to its end leaves the window that it breaks off in, and other files, to the next run", () =>
  withFolder(async (folder) => {
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
    const receiver = new FakePrometheus();
    const server = await startFaultServer({ receiver });
    const { code, stderr } = await runCli([
      ...[file, recording, "--mapping", "raw", "--url", server.url, "--checkpoint", join(folder, "state")],
    ]).finally(() => server.close());
    assert.equal(code, 1, stderr);
    assert.match(stderr, /error: Cannot read .*run\.json\.gz to its end: .*, is left to the next run\n/);
    const seconds = JSON.parse(readFileSync(join(folder, "state"), "utf8")).windows;
    assert.ok(seconds > 0 && seconds < 30, `${seconds} windows`);
    assert.deepEqual([...receiver.stored.values()].map((samples) => samples.at(-1)?.value), [seconds * 200 - 1]);
  }));

test("SIGTERM leaves the window that is being read to the next run", () =>
  withFolder(async (folder) => {
    const undisturbed = new FakePrometheus();
    const other = await startFaultServer({ receiver: undisturbed });
    await runCli([recording, "--url", other.url, "--flush-period", "100ms"]).finally(() => other.close());
    const receiver = new FakePrometheus();
    let served = 0;
    const server = await startFaultServer({
      receiver,
      around: (serve) => {
        if (++served === 10) running.signal("SIGTERM");
        serve();
      },
    });
    const command = [
      ...[recording, "--flush-period", "100ms", "--capacity", "300", "--url", server.url],
      ...["--checkpoint", join(folder, "state")],
    ];
    const running: RunningCli = startCli(command);
    const first = await running.ended;
    assert.equal(first.code, 1, first.stderr);
    assert.match(first.stderr, /not to the end \(SIGTERM\)/);
    const second = await runCli(command).finally(() => server.close());
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(relative(receiver), relative(undisturbed));
  }));
