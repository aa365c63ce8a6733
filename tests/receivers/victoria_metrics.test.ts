// Runs on one runtime: what VictoriaMetrics stores depends on the requests only.
/** VictoriaMetrics answers 204 to every request, but stores nothing of a 2.0 request. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import type { Sample } from "../../src/k6/sample.ts";
import { readK6Json } from "../../src/k6/read/k6_json.ts";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { runCli } from "../support/cli.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { recordedJson, recordingPaths } from "../support/recorded_run.ts";
import { noVictoriaMetrics, startVictoriaMetrics, type VictoriaMetrics } from "../support/victoria_metrics.ts";

const skip = noVictoriaMetrics;

async function withVictoriaMetrics(
  use: (victoria: VictoriaMetrics) => Promise<void>,
  ...flags: readonly string[]
): Promise<void> {
  const victoria = await startVictoriaMetrics(...flags);
  try {
    await use(victoria);
  } finally {
    await victoria.close();
  }
}

/** Returns the samples of the recorded run, moved so that they end a minute ago. */
async function recentSamples(): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const batch of readK6Json(new Blob([recordedJson("basic")]).stream())) samples.push(...batch);
  const shift = Date.now() - 60_000 - samples.reduce((latest, { time }) => Math.max(latest, time), 0);
  return samples.map((sample) => ({ ...sample, time: sample.time + shift }));
}

async function send(samples: readonly Sample[], options: RemoteWriteOutputOptions): Promise<string[]> {
  const warnings: string[] = [];
  const output = new RemoteWriteOutput({
    windows: "event",
    trendAs: "histogram",
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  output.add(samples);
  const report = await output.close();
  assert.equal(report.delivered, report.samples);
  return warnings;
}

test(
  "VictoriaMetrics stores the whole recorded run after the fallback from a bare 204 to 1.0",
  { skip },
  () =>
    withVictoriaMetrics(async (victoria) => {
      const samples = await recentSamples();
      const warnings = await send(samples, { url: victoria.writeUrl });
      assert.deepEqual(warnings.filter((text) => text.includes("2.0")), [
        "The receiver does not accept remote write 2.0 (it answers 204 without the headers that report what it stored); the sender uses " +
        "1.0 from now on.",
      ]);

      const receiver = strictReceiver();
      await send(samples, { protocol: "1.0", fetch: receiver.fetch });
      const stored = new Map(
        (await victoria.stored('{__name__=~"k6_.*"}')).map(({ metric, values, timestamps }) => [
          formatSeries(Object.entries(metric).map(([name, value]) => ({ name, value }))),
          values.map((value, index) => ({ value, timestamp: timestamps[index] })),
        ]),
      );
      assert.ok(stored.size > 100);
      assert.deepEqual([...stored.keys()].sort(), [...receiver.samples.keys()].sort());
      for (const [series, expected] of receiver.samples) {
        // VictoriaMetrics keeps at least 12 digits.
        const near = stored.get(series)?.map(({ value, timestamp }, index) => {
          const exact = expected[index]?.value ?? NaN;
          return { value: Math.abs(value - exact) <= 1e-9 * Math.abs(exact) ? exact : value, timestamp };
        });
        assert.deepEqual(near, expected, series);
      }
    }),
);

test(
  "samples sent only in 2.0 are not stored, and are not reported as delivered",
  { skip },
  () =>
    withVictoriaMetrics(async (victoria) => {
      const client = new RemoteWriteClient({ url: victoria.writeUrl, protocol: "2.0", onWarning: () => {} });
      const labels = [{ name: "__name__", value: "only_in_2" }];
      const timestamp = Date.now() - 60_000;
      await assert.rejects(
        client.write([{ labels, samples: [{ value: 1, timestamp }] }]),
        /1 of 1 samples were not delivered \(the receiver does not seem to know remote write 2\.0/,
      );
      assert.deepEqual(await victoria.stored("only_in_2"), []);
      const auto = new RemoteWriteClient({ url: victoria.writeUrl, onWarning: () => {} });
      await auto.write([{ labels, samples: [{ value: 1, timestamp }] }]);
      assert.deepEqual(await victoria.stored("only_in_2"), [
        { metric: { __name__: "only_in_2" }, values: [1], timestamps: [timestamp] },
      ]);
    }),
);

test(
  "the command sends a recorded file to VictoriaMetrics without an option for it",
  { skip },
  () =>
    withVictoriaMetrics(async (victoria) => {
      const { code, stderr } = await runCli([
        recordingPaths.basic,
        "--shift-to-now",
        "--url",
        victoria.writeUrl,
      ]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /the sender uses 1\.0 from now on/);
      const totals = await victoria.stored("k6_http_reqs_total");
      assert.equal(totals.reduce((sum, { values }) => sum + (values.at(-1) ?? NaN), 0), 373);
    }),
);

const settings: readonly (readonly [title: string, flags: readonly string[], copies: number])[] = [
  ["VictoriaMetrics stores a window that is sent again twice", [], 2],
  ["with -dedup.minScrapeInterval=1ms, VictoriaMetrics merges them", ["-dedup.minScrapeInterval=1ms"], 1],
];
for (const [title, flags, copies] of settings) {
  test(title, { skip }, () =>
    withVictoriaMetrics(async (victoria) => {
      const samples = (await recentSamples()).slice(0, 800);
      // As after a kill -9: the second run does not know that the first one was acknowledged.
      for (let run = 0; run < 2; run++) await send(samples, { url: victoria.writeUrl, flushPeriodMs: 3_600_000 });
      const stored = await victoria.stored('{__name__=~"k6_.*"}');
      assert.ok(stored.length > 50);
      for (const { metric, values, timestamps } of stored) {
        assert.equal(timestamps.length, copies, JSON.stringify(metric));
        assert.equal(new Set(values).size, 1);
      }
    }, ...flags));
}
