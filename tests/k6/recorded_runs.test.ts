/** Flushes recorded runs at the times when k6 flushed them, and compares the result with what k6's own output sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";
import type { Sample } from "../../src/k6/sample.ts";
import { readK6Json } from "../../src/k6/read/k6_json.ts";
import type { BucketSpan, TimeSeries } from "../../src/model/time_series.ts";
import { afterRecordings, keyOf, recordedJson, recordedRequests } from "../support/recorded_run.ts";
import { strictReceiver } from "../support/strict_receiver.ts";

type Run = "basic" | "native";

async function readSamples(run: Run): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const batch of readK6Json(new Blob([recordedJson(run)]).stream())) samples.push(...batch);
  return samples;
}

/** Returns the samples of trends in their order, by the name of the metric with its unit and by the tags. */
async function trendSamples(run: Run, suffixOf: (isTime: boolean) => string): Promise<Map<string, Sample[]>> {
  const trends = new Map<string, Sample[]>();
  for (const sample of await readSamples(run)) {
    if (sample.metric.type !== "trend") continue;
    const name = `k6_${sample.metric.name}${suffixOf(sample.metric.contains === "time")}`;
    const tags = Object.entries(sample.tags).map(([name, value]) => ({ name, value }));
    const key = seriesKey([{ name: "__name__", value: name }, ...tags]);
    const samples = trends.get(key) ?? [];
    trends.set(key, samples);
    samples.push(sample);
  }
  return trends;
}

function seriesKey(labels: readonly { readonly name: string; readonly value: string }[]): string {
  return keyOf(labels.filter(({ value }) => value !== ""));
}

/** Returns an output with k6's names and labels that sends to a strict receiver. */
function startOutput(options: RemoteWriteOutputOptions): { output: RemoteWriteOutput; take: () => TimeSeries[] } {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    keepNameTag: true,
    now: afterRecordings,
    fetch: receiver.fetch,
    onWarning: () => {},
    ...options,
  });
  let taken = 0;
  return {
    output,
    take(): TimeSeries[] {
      const writes = receiver.writes.slice(taken);
      taken = receiver.writes.length;
      return writes.flatMap(({ timeSeries }) => timeSeries);
    },
  };
}

const plainSpans = (spans: readonly BucketSpan[]): BucketSpan[] =>
  spans.map(({ offset, length }) => ({ offset, length }));

/** Returns counts as they are sent. */
const deltas = (counts: readonly number[]): number[] => counts.map((count, at) => count - (counts[at - 1] ?? 0));

test("native histograms are equal to k6's in every request: buckets, zero counts, sums, counts and timestamps", async () => {
  const trends = await trendSamples("native", (isTime) => isTime ? "_seconds" : "");
  assert.equal(trends.size, 41);
  const { output, take } = startOutput({ trendAs: "native" });
  const added = new Map<string, number>();
  let compared = 0;
  for (const { timeSeries } of recordedRequests("native")) {
    const expected = new Map<string, unknown>();
    for (const { labels, histograms: [histogram], samples } of timeSeries) {
      // k6's own staleness markers have a float in addition to the histogram.
      if (histogram === undefined || samples.length > 0) continue;
      const key = seriesKey(labels);
      const count = Number(histogram.count.value);
      output.add(trends.get(key)!.slice(added.get(key) ?? 0, count));
      added.set(key, count);
      expected.set(key, {
        count,
        sum: histogram.sum,
        schema: histogram.schema,
        zeroThreshold: histogram.zeroThreshold,
        zeroCount: Number(histogram.zeroCount.value),
        positiveSpans: plainSpans(histogram.positiveSpans),
        positiveDeltas: histogram.positiveDeltas.map(Number),
        negativeSpans: [],
        negativeDeltas: [],
        timestamp: Number(histogram.timestamp),
      });
    }
    const report = await output.flush();
    assert.equal(report.delivered, expected.size);
    const sent = new Map(
      take().map(({ labels, histograms = [] }) => {
        const [histogram] = histograms;
        assert.ok(histogram !== undefined && histograms.length === 1);
        const { positiveSpans, positiveCounts, negativeSpans, negativeCounts, timestamp, ...rest } = histogram;
        const buckets = {
          positiveSpans: plainSpans(positiveSpans),
          positiveDeltas: deltas(positiveCounts),
          negativeSpans: plainSpans(negativeSpans),
          negativeDeltas: deltas(negativeCounts),
        };
        const { count, sum, schema, zeroThreshold, zeroCount } = rest;
        return [
          seriesKey(labels),
          { count, sum, schema, zeroThreshold, zeroCount, ...buckets, timestamp: Number(timestamp) },
        ];
      }),
    );
    assert.deepEqual(sent, expected);
    compared += expected.size;
  }
  assert.ok(compared > 250, `${compared} histograms`);
  await output.close();
});

test("trend stats are equal to k6's in every request, except for the count of times, which k6 divides by 1000", async () => {
  const stats = ["p(90)", "p(95)", "p(99)", "p(99.9)", "min", "max", "avg", "med", "count", "sum"];
  const trends = await trendSamples("basic", () => "");
  assert.equal(trends.size, 41);
  const { output, take } = startOutput({ trendStats: stats });
  const added = new Map<string, number>();
  let compared = 0;
  for (const { timeSeries } of recordedRequests("basic")) {
    const expected = new Map<string, { value: number; timestamp: number }>();
    for (const { labels, samples: [sample] } of timeSeries) {
      const name = labels.find((label) => label.name === "__name__")!.value;
      if (sample === undefined || Number.isNaN(sample.value)) continue;
      const suffix = /_(p90|p95|p99|p999|min|max|avg|med|count|sum)$/.exec(name)?.[0];
      if (suffix === undefined || name === "k6_vus_max") continue;
      const key = seriesKey(labels);
      const isTime = !name.startsWith("k6_basket_items");
      if (suffix === "_count") {
        const trend = key.replace(`${suffix}"`, '"');
        const count = Math.round(sample.value * (isTime ? 1000 : 1));
        output.add(trends.get(trend)!.slice(added.get(trend) ?? 0, count));
        added.set(trend, count);
      }
      const value = suffix === "_count" && isTime ? Math.round(sample.value * 1000) : sample.value;
      expected.set(key, { value, timestamp: Number(sample.timestamp) });
    }
    await output.flush();
    const sent = take().filter(({ samples }) => samples !== undefined);
    assert.equal(sent.length, expected.size);
    for (const { labels, samples: [sample] = [] } of sent) {
      const key = seriesKey(labels);
      const k6 = expected.get(key);
      assert.ok(sample !== undefined && k6 !== undefined, key);
      assert.equal(Number(sample.timestamp), k6.timestamp, key);
      assert.equal(sample.value, k6.value, key);
      compared++;
    }
  }
  assert.ok(compared > 2500, `${compared} values`);
  await output.close();
});

test("a classic histogram adds up to the samples of the run, and its series are valid", async () => {
  const samples = (await readSamples("basic")).filter(({ metric }) => metric.name === "http_req_duration");
  const bounds = [0.0005, 0.001, 0.005, 0.05, 0.5];
  const { output, take } = startOutput({
    trendAs: "histogram",
    buckets: { http_req_duration: bounds },
    testid: "basic",
  });
  output.add(samples);
  await output.close();
  const totals = new Map<string, number>();
  for (const { labels, samples: [sample] = [], metadata } of take()) {
    const name = labels.find((label) => label.name === "__name__")?.value ?? "";
    const le = labels.find((label) => label.name === "le")?.value ?? "";
    totals.set(name + le, (totals.get(name + le) ?? 0) + (sample?.value ?? NaN));
    assert.deepEqual([metadata?.type, metadata?.unit], ["histogram", "seconds"]);
  }
  const below = (bound: number): number => samples.filter(({ value }) => value / 1000 <= bound).length;
  const sum = samples.reduce((total, { value }) => total + value / 1000, 0);
  const name = "k6_http_req_duration_seconds";
  assert.ok(Math.abs((totals.get(`${name}_sum`) ?? NaN) - sum) < 1e-9);
  totals.delete(`${name}_sum`);
  assert.deepEqual(
    totals,
    new Map([
      ...bounds.map((bound) => [`${name}_bucket${bound}`, below(bound)] as const),
      [`${name}_bucket+Inf`, samples.length],
      [`${name}_count`, samples.length],
    ]),
  );
});
