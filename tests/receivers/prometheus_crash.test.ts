// Runs on one runtime: what Prometheus stores depends on the requests only.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import type { Sample } from "../../src/k6/sample.ts";
import { readK6Json } from "../../src/k6/read/k6_json.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import { noPrometheus, startPrometheus } from "../support/prometheus.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { recordedJson } from "../support/recorded_run.ts";

const options: RemoteWriteOutputOptions = {
  windows: "event",
  overflow: "block",
  flushPeriodMs: 100,
  maxSamplesPerSend: 500,
  retryDeadlineMs: Infinity,
  onWarning: () => {},
};

/** Returns the samples of the recorded run, moved so that they end at a time. */
async function recordedUntil(timeMs: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const batch of readK6Json(new Blob([recordedJson("basic")]).stream())) samples.push(...batch);
  const latest = samples.reduce((newest, { time }) => Math.max(newest, time), 0);
  return samples.map((sample) => ({ ...sample, time: sample.time - latest + timeMs }));
}

test(
  "a real Prometheus that crashes twice during a replay has every sample of every series at the end",
  { skip: noPrometheus },
  async () => {
    const now = Date.now();
    const samples = await recordedUntil(now);

    const undisturbed = strictReceiver();
    const reference = new RemoteWriteOutput({ ...options, fetch: undisturbed.fetch });
    reference.add(samples);
    await reference.close();

    const prometheus = await startPrometheus();
    try {
      let requests = 0;
      const crashes: Promise<void>[] = [];
      const crash = async (): Promise<void> => {
        await prometheus.kill();
        await prometheus.restart();
      };
      const output = new RemoteWriteOutput({
        ...options,
        url: prometheus.writeUrl,
        fetch: (input, init) => {
          // The crash happens while the request is under way, so that the sender cannot know whether it is stored.
          const response = fetch(input, init);
          if ([20, 60].includes(++requests)) crashes.push(crash());
          return response;
        },
      });
      for (let from = 0; from < samples.length; from += 500) {
        output.add(samples.slice(from, from + 500));
        await output.ready();
      }
      const report = await output.close({ timeoutMs: Infinity });
      await Promise.all(crashes);
      assert.equal(crashes.length, 2);
      assert.ok(report.retries >= 2, `${report.retries} retries`);
      assert.equal(report.delivered, report.samples, JSON.stringify(report.reasons));

      const stored = new Map(
        (await prometheus.samples('{__name__=~"k6_.+"}', now + 60_000)).map(({ labels, samples }) => [
          formatSeries(
            Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => ({ name, value })),
          ),
          samples,
        ]),
      );
      assert.equal(stored.size, undisturbed.samples.size);
      for (const [series, sent] of undisturbed.samples) {
        assert.deepEqual(stored.get(series), sent.map(({ timestamp, value }) => [timestamp, value]), series);
      }
    } finally {
      await prometheus.close();
    }
  },
);
