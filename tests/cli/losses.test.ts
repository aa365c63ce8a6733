/** Losses that the command must report. */
import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { lossesOf } from "../../src/cli/summary.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import { readK6Json } from "../../src/k6/read/k6_json.ts";
import { point, runCli } from "../support/cli.ts";
import { recordedJson, startOfRecording } from "../support/recorded_run.ts";
import { type SocketFault, startReceiver, withReceiver } from "../support/receiver_server.ts";
import { prometheus, refusing } from "../support/scripted_receiver.ts";
import { slowCases } from "../support/runs.ts";
import { withFolder } from "../support/temporary_folder.ts";

for (const status of [500, 502, 504]) {
  test(`if an endpoint always responds with ${status}, the samples are lost`, () =>
    withReceiver(async ({ url }) => {
      const output = new RemoteWriteOutput({ url, retryDeadlineMs: 100, onWarning: () => {} });
      const reader = readK6Json(new Blob([point(1)]).stream());
      for await (const samples of reader) output.add(samples);
      const report = await output.close({ timeoutMs: 100 });
      assert.deepEqual([report.samples, report.failed], [1, 1]);
      const losses = lossesOf({ report, stats: output.stats, read: [reader.stats] });
      assert.deepEqual(losses, ["1 of 1 sample not delivered"]);
    }, { script: refusing(status) }));
}

test("a lost sample is exit code 1", () =>
  withReceiver(async ({ url }) => {
    const { code, stderr } = await runCli(["-", "--url", url, "--close-timeout", "100ms"], { input: point(1) });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /delivered {2}0 of 1 sample, 1 failed/);
  }, { script: refusing(500) }));

test("with --on-loss warn, a lost sample is a warning, and the exit code is 0; what cannot be read is still 1 (on one runtime)", () =>
  withReceiver(({ url }) =>
    withFolder(async (folder) => {
      const args = ["--url", url, "--close-timeout", "100ms", "--on-loss", "warn"];
      const { code, stderr } = await runCli(["-", ...args], { input: point(1) });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^warn: Not everything was sent: 1 of 1 sample not delivered$/m);
      const path = join(folder, "cut.json.gz");
      writeFileSync(path, gzipSync(point(1).repeat(100)).subarray(0, -12));
      assert.equal((await runCli([path, ...args, "--retry-deadline", "100ms"])).code, 1);
    }), { script: refusing(500) }));

test("an endpoint that never responds is exit code 1 (on one runtime)", async () => {
  const server = await startReceiver({ around: () => {} });
  const { code, stderr } = await runCli(["-", "--url", server.url, "--close-timeout", "100ms"], { input: point(1) })
    .finally(() => server.close());
  assert.equal(code, 1, stderr);
  assert.match(stderr, /1 failed: given up while the sender waited for an answer/);
});

test("an endpoint that is down costs a file one --retry-deadline, not one for each window, and a warning (on one runtime)", () =>
  withFolder(async (folder) => {
    const { url, close } = await startReceiver();
    await close();
    const file = join(folder, "run.json");
    writeFileSync(file, startOfRecording());
    const started = performance.now();
    const { code, stderr } = await runCli([file, "--flush-period", "10ms", "--retry-deadline", "1500ms", "--url", url]);
    assert.equal(code, 1);
    assert.match(stderr, /warn: Sending fails \(no answer: the connection was refused\); the sender tries again/);
    assert.match(stderr, /delivered {2}0 of ([\d,]+) samples, \1 failed\n +\1 failed: the connection was refused\n/);
    const seconds = (performance.now() - started) / 1000;
    // There are about 100 windows, each of which would take 1.5 seconds.
    assert.ok(seconds < 30, `it took ${seconds} seconds`);
  }));

test("a sample that is rejected on a retry, because it is stored already, is unknown and no loss (on one runtime)", async () => {
  const server = await startReceiver({ script: prometheus, faults: [{ kind: "hang", stored: true }] });
  const { code, stderr } = await runCli(
    ["-", "--url", server.url, "--mapping", "raw", "--protocol", "1.0", "--timeout", "500ms", "--flush-period", "1h"],
    { input: `${point(1)}${point(2)}` },
  ).finally(() => server.close());
  assert.equal(server.receiver.count, 2);
  assert.match(stderr, /delivered {2}1 of 2 samples, 1 unknown/);
  assert.equal(code, 0, stderr);
});

/** What receivers say, and the flag that helps. */
const refusals: readonly (readonly [reason: string, flag: string])[] = [
  ["out of bounds", "--shift-to-now"],
  ["the sample is too old (err-mimir-sample-timestamp-too-old)", "--shift-to-now"],
  ["out of order sample", "--instance auto"],
  ["duplicate sample for timestamp", "--instance auto"],
  ["label_limit exceeded (labels: 41, limit: 30)", "--relabel-config-file"],
  ["received a series whose label value length exceeds the limit", "--relabel-config-file"],
];
for (const [reason, flag] of slowCases(refusals)) {
  test(`"${reason}" is reported once, with ${flag}, in a replay and live, and makes the exit code 1 (on one runtime)`, () =>
    withReceiver(({ url }) =>
      withFolder(async (folder) => {
        const file = join(folder, "run.json");
        writeFileSync(file, `${point(1)}${point(2)}`);
        const input = `${point(1)}${point(2)}`;
        const runs = [
          runCli([file, "--mapping", "raw", "--url", url]),
          runCli(["--mapping", "raw", "--url", url], { input }),
        ];
        for (const { code, stderr } of await Promise.all(runs)) {
          assert.equal(code, 1);
          assert.match(stderr, new RegExp(`\\n {8}to {2}${url}\\n`));
          assert.match(stderr, /delivered {2}0 of [\d,]+ samples?, [\d,]+ rejected/);
          assert.equal(stderr.split(reason).length - 1, 2, "once as a warning, and once in the sum");
          assert.equal(stderr.split(flag).length - 1, 1, stderr);
          const warning = stderr.split("\n").find((line) => line.includes(flag)) ?? "";
          assert.match(warning, /^warn: Not delivered: [12] samples? \(status 400: .*\), such as k6_vus\. /);
          assert.ok(warning.length < 300, warning);
        }
      }), { script: refusing(400, reason) }));
}

test("a rejection whose body does not end costs a second, not the whole timeout", async () => {
  const faults: SocketFault[] = [{ kind: "answer", status: 400, body: "first words", hangs: true }];
  const server = await startReceiver({ script: prometheus, faults });
  const args = ["-", "--protocol", "1.0", "--timeout", "1h", "--url", server.url];
  const { code, stderr } = await runCli(args, { input: point(1) }).finally(() => server.close());
  // After a minute, the test would end the command.
  assert.equal(code, 1);
  assert.match(stderr, /1 rejected: status 400: first words\n/);
});

test("--shift-to-now is not named if it is given; --quiet shows only the sum of the losses (on one runtime)", () =>
  withReceiver(({ url }) =>
    withFolder(async (folder) => {
      const file = join(folder, "run.json");
      writeFileSync(file, `${point(1)}${point(2)}`);
      const shifted = await runCli([file, "--url", url, "--shift-to-now"]);
      assert.ok(!shifted.stderr.includes("--shift-to-now"), shifted.stderr);
      const quiet = await runCli([file, "--url", url, "--quiet"]);
      assert.equal(quiet.code, 1);
      assert.match(quiet.stderr, /^error: Not everything was sent: ([\d,]+) of \1 samples? not delivered\n$/);
    }), { script: refusing(400, "out of bounds") }));

test("of a truncated file, everything that can be read is delivered; a file of another kind is an error, too", () =>
  withReceiver(({ url, samples }) =>
    withFolder(async (folder) => {
      const [cutFile = "", notes = ""] = ["cut.gz", "notes.txt"].map((name) => join(folder, name));
      const whole = gzipSync(startOfRecording(1200));
      const cut = whole.subarray(0, whole.length >> 1);
      writeFileSync(cutFile, cut);
      writeFileSync(notes, "12 requests per second\n");
      // What zlib itself makes of the same bytes at once, without the incomplete last line.
      const text = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
      const points = text.split("\n").slice(0, -1).filter((line) => line.includes('"type":"Point"'));
      const { code, stderr } = await runCli([cutFile, notes, "--url", url]);
      assert.equal(code, 1);
      assert.match(stderr, /error: Cannot read all of .*cut\.gz: /);
      assert.match(stderr, new RegExp(` ${points.length.toLocaleString("en")} k6 samples `));
      assert.ok(samples.length > 100);
      assert.match(stderr, /error: Cannot read .*notes\.txt: no line is a sample of k6's JSON or CSV\. /);
    })
  ));

test("--shift-to-now reports a file that has fewer samples at the second reading (on one runtime)", () =>
  withFolder(async (folder) => {
    const [first = "", second = ""] = ["first.json", "second.json"].map((name) => join(folder, name));
    writeFileSync(first, startOfRecording());
    writeFileSync(second, `${point(1)}${point(2)}`);
    const server = await startReceiver({
      script: prometheus,
      around: (serve) => {
        truncateSync(second, point(1).length);
        return serve();
      },
    });
    // The second file is read when the queue has room, which is after the first request.
    const args = [first, second, "--shift-to-now", "--capacity", "1", "--flush-period", "100ms", "--url", server.url];
    const { code, stderr } = await runCli(args).finally(() => server.close());
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error: Cannot read all of .*second\.json: it had 2 samples at the first reading, and 1 at the/,
    );
  }));

test("a recording that ends within a line is a part of a run in its report, and gets no end (on one runtime)", () =>
  withReceiver(({ url, samples }) =>
    withFolder(async (folder) => {
      const [file, report] = [join(folder, "run.json"), join(folder, "report.json")];
      writeFileSync(file, recordedJson("basic").subarray(0, 100_000));
      const args = [file, "--url", url, "--testid", "cut", "--run-info", "--report", report];
      const { code, stderr } = await runCli(args);
      assert.equal(code, 1, stderr);
      const { state, problems } = JSON.parse(readFileSync(report, "utf8"));
      assert.equal(state, "not answered");
      assert.match(problems.join(), /Only a part/);
      assert.ok(samples.length > 0 && !samples.some(({ name }) => name === "k6_run_ended"));
    })
  ));
