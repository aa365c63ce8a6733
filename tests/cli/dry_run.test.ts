// Runs on one runtime: what is counted depends on the input only, and other tests of the command read files and send on each runtime.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { point, runCli, usageErrorOf } from "../support/cli.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { withFolder } from "../support/temporary_folder.ts";

test("--dry-run shows what the same command sends: samples, series, requests, sizes, times and labels", async () => {
  const { url, writes, close } = await startReceiver();
  const sent = await runCli([recordingPaths.basic, "--url", url, "--protocol", "2.0"]).finally(close);
  const { code, stdout, stderr } = await runCli([recordingPaths.basic, "--dry-run", "--user", "a", "--password", "b"]);
  assert.deepEqual([sent.code, code], [0, 0], stderr);
  const series = writes.flatMap(({ timeSeries }) => timeSeries);
  const times = series.flatMap(({ samples = [] }) => samples.map(({ timestamp }) => Number(timestamp)));
  const distinct = new Set(series.map(({ labels }) => JSON.stringify(labels)));
  const requests = /sent {2}(.*)/.exec(sent.stderr)?.[1] ?? "";
  const time = (ms: number): string => new Date(ms).toISOString();
  const urls = new Set(
    series.flatMap(({ labels }) => labels.flatMap(({ name, value }) => name === "url" ? [value] : [])),
  );
  const expected = [
    "read  5,177 k6 samples in 5,200 lines",
    `made  ${distinct.size} time series of 69 k6 series`,
    `would send  ${times.length.toLocaleString("en")} samples, ${distinct.size} series`,
    `in  ${requests}`,
    `times  ${time(Math.min(...times))} to ${time(Math.max(...times))}`,
    `url (${urls.size})`,
  ];
  for (const line of expected) assert.ok(stdout.includes(line), `${line} is missing in:\n${stdout}`);
  assert.match(stderr, /The oldest sample is .* old\. .* Use --shift-to-now, or --openmetrics FILE and promtool\./);
});

test("--dry-run asks no program for credentials, because it sends nothing", async () => {
  for (const more of [[], ["--sigv4-region", "r"]]) {
    const args = ["--dry-run", "--credentials-command", "exit 3", ...more];
    const { code, stderr } = await runCli(args, { input: point(1) });
    assert.equal(code, 0, stderr);
  }
});

test("--dry-run reads standard input, too, and ends with 1 if that holds no results", async () => {
  const { code, stdout } = await runCli(["--dry-run"], { input: "hello\n" });
  assert.equal(code, 1);
  assert.match(stdout, /would send {2}0 samples, 0 series/);
});

test("--summary-json holds the numbers of the summary, and no secret", () =>
  withFolder(async (folder) => {
    const { url, close } = await startReceiver();
    const path = join(folder, "summary.json");
    const secret = new URL(url);
    secret.username = "me";
    secret.password = "s3cret";
    const args = [recordingPaths.basic, "--url", secret.href, "--testid", "t", "--summary-json", path];
    const { code, stderr } = await runCli(args).finally(close);
    assert.equal(code, 0, stderr);
    const text = readFileSync(path, "utf8");
    const { endpoint, testid, exitCode, read, report, ms } = JSON.parse(text);
    assert.deepEqual([endpoint, testid, exitCode], [url, "t", 0]);
    assert.deepEqual([read.samples, read.series, read.inputs[0].lines], [5177, 69, 5200]);
    assert.equal(report.delivered, report.samples);
    assert.ok(
      stderr.includes(`${report.samples.toLocaleString("en")} of ${report.samples.toLocaleString("en")} samples`),
    );
    assert.ok(ms > 0);
    assert.ok(!text.includes("s3cret"), text);
  }));

test("a summary that cannot be written is an error with exit code 1", async () => {
  const { url, close } = await startReceiver();
  const args = [recordingPaths.basic, "--url", url, "--summary-json", "/nowhere/summary.json"];
  const { code, stderr } = await runCli(args).finally(close);
  assert.equal(code, 1);
  assert.match(stderr, /error: Cannot write the summary to "\/nowhere\/summary\.json": /);
});

test("a recording is not overwritten by the files that a command writes", () =>
  withFolder(async (folder) => {
    const input = join(folder, "run.json");
    writeFileSync(input, point(1));
    for (const flag of ["--openmetrics", "--summary-json"]) {
      assert.match(
        await usageErrorOf([input, flag, join(folder, ".", "run.json")]),
        new RegExp(`Cannot use ${flag}: .*run\\.json" is read, expected another file$`),
      );
    }
  }));

const wrong: readonly (readonly [string[], RegExp])[] = [
  [["--dry-run", "--live", "-"], /Cannot use --dry-run: --follow, --live and --checkpoint need an endpoint$/],
  [[recordingPaths.basic, "--openmetrics", "a", "--checkpoint", "b"], /Cannot use --openmetrics: /],
  [
    [recordingPaths.basic, "--openmetrics", "a", "--trend-as", "native"],
    /with native histograms: .* expected --trend-as/,
  ],
];
for (const [args, message] of wrong) {
  test(`${args.join(" ")} is a usage error`, async () => assert.match(await usageErrorOf(args), message));
}
