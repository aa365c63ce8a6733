// Runs on one runtime: the results depend on the series only.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readK6Json, RemoteWriteOutput, type RemoteWriteOutputOptions, thresholds } from "../../../mod.ts";
import { nativeBuckets } from "../../../src/cli/report/native_buckets.ts";
import { formatJson } from "../../../src/cli/report/results_report.ts";
import { SampleResults } from "../../../src/cli/report/sample_results.ts";
import { seriesResults } from "../../../src/cli/report/series_results.ts";
import type { RunResults } from "../../../src/cli/verdict/run_verdict.ts";
import { familyOf, metadataOf, MetadataStore } from "../../../src/protocol/metadata_store.ts";
import { createReceiver } from "../../../src/receive/mod.ts";
import { afterRecordings, recordedJson } from "../../support/recorded_run.ts";
import { CollectedSeries } from "../../support/series_points.ts";

/** Sends the recorded run, and returns the results of what arrives, and of the samples themselves. */
async function send(options: RemoteWriteOutputOptions): Promise<{ arrived: RunResults; exact: RunResults }> {
  const series = new CollectedSeries();
  const metadata = new MetadataStore({ maxLength: 100_000 });
  const receiver = createReceiver({
    onWrite(write) {
      series.add(write.timeSeries);
      for (const { labels, metadata: own } of write.timeSeries) {
        const name = labels.find((label) => label.name === "__name__")?.value ?? "";
        if (own !== undefined) metadata.add(familyOf(name, own.type), own);
      }
    },
  });
  const output = new RemoteWriteOutput({
    windows: "event",
    now: afterRecordings,
    onWarning: () => {},
    fetch: async (input, init) => await receiver(new Request(input, init)),
    ...options,
  });
  const samples = new SampleResults();
  for await (const batch of readK6Json(new Blob([recordedJson("basic")]).stream())) {
    output.add(batch);
    samples.add(batch);
  }
  const delivery = await output.close();
  return {
    arrived: await seriesResults(series.all, {
      ...{ title: "receive", prefix: "k6_", delivery },
      metadataOf: (name) => metadataOf(name, metadata.all),
    }),
    exact: await samples.results({ title: "send", delivery }),
  };
}

/** The values by metric as JSON has them. */
function valuesOf(results: RunResults): Record<string, Record<string, number>> {
  const { metrics } = JSON.parse(formatJson(results));
  return Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, Object(metric).values]));
}

function near(actual: number | undefined, expected: number | undefined, tolerance = 1e-9): void {
  assert.ok(
    actual !== undefined && expected !== undefined && Math.abs(actual - expected) <= tolerance * Math.abs(expected),
    `${actual}, expected ${expected}`,
  );
}

for (const trendAs of ["stats", "native", "histogram"] as const) {
  test(`series with trends as ${trendAs} give the results of their samples, as far as they can`, async () => {
    const { arrived, exact } = await send({ trendAs, thresholds: thresholds() });
    const [values, truth] = [valuesOf(arrived), valuesOf(exact)];
    assert.deepEqual(Object.keys(values).sort(), Object.keys(truth).sort());
    assert.deepEqual(arrived.checks, exact.checks);
    assert.equal(arrived.testid, "basic");
    for (const name of ["http_reqs", "orders_placed", "data_sent", "iterations"]) {
      near(values[name]?.count, truth[name]?.count);
      // The time before the first flush is estimated.
      near(values[name]?.rate, truth[name]?.rate, 0.08);
    }
    for (const name of ["http_req_failed", "login_ok", "checks"]) near(values[name]?.rate, truth[name]?.rate);
    near(values.vus?.value, truth.vus?.value);
    const [actual = {}, expected = {}] = [values.http_req_duration, truth.http_req_duration];
    if (trendAs === "stats") {
      near(actual.min, expected.min);
      near(actual.max, expected.max);
      assert.equal(actual["p(95)"], undefined);
      const { metrics } = JSON.parse(formatJson(arrived));
      assert.match(metrics.http_req_duration.unknown["p(95)"], /percentiles of several series cannot be added up/);
      // A single series, whose unit is in the metadata only.
      near(values.waiting_time?.["p(95)"], truth.waiting_time?.["p(95)"]);
      near(values.basket_items?.med, truth.basket_items?.med);
    } else {
      near(actual.avg, expected.avg);
      const bounds = JSON.parse(formatJson(arrived)).metrics.http_req_duration.bounds;
      for (const value of ["med", "p(90)", "p(95)", "p(99)", "min", "max"]) {
        const [low, high] = bounds[value];
        const at = expected[value] ?? NaN;
        // k6 interpolates between two samples, which may be in different buckets.
        assert.ok(low <= at * 1.1 && at <= high * 1.1, `${value}: ${at} is not from ${low} to ${high}`);
      }
    }
    const judged = ({ thresholds }: RunResults): unknown =>
      thresholds.map(({ metric, expression, state }) => [metric, expression, state]);
    if (trendAs !== "stats") assert.deepEqual(judged(arrived), judged(exact));
    else assert.deepEqual(arrived.thresholds.map(({ state }) => state), ["unanswered", "passed"]);
  });
}

const line = (name: string, labels: Readonly<Record<string, string>>, values: readonly number[], startMs = 0) => ({
  name,
  labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
  times: values.map((_, index) => startMs + index * 1000),
  values,
  length: values.length,
});

test("the results are those of the newest run, without staleness markers; VUs of instances add up", async () => {
  const results = await seriesResults([
    line("k6_vus", { testid: "old" }, [50, 50]),
    line("k6_vus", { testid: "new", instance: "a" }, [1, 2, 3, NaN], 60_000),
    line("k6_vus", { testid: "new", instance: "b" }, [4, 6, 5, NaN], 60_500),
    line("k6_http_reqs_total", { testid: "new", instance: "a" }, [10, 20, 30, NaN], 60_000),
    line("up", {}, [1]),
  ], { title: "receive", prefix: "k6_" });
  assert.equal(results.testid, "new");
  assert.deepEqual(results.notes, ["These are the results of the newest run. Others: old"]);
  assert.deepEqual(results.extent, { startMs: 60_000, endMs: 62_500 });
  const [reqs, vus] = results.readings;
  assert.equal(results.readings.length, 2);
  assert.deepEqual(vus?.values, { type: "gauge", value: 8, min: 1, max: 9 });
  // Until the first flush it had counted 10, at 20 in 2.5 s: that took 1.25 s.
  assert.equal(results.durationMs, 3333);
  assert.equal(reqs?.get("count").value, 30);
});

test("the rate per second of a single flush is only known if the start is known", async () => {
  const series = [
    line("k6_http_reqs_total", { url: "a" }, [30], 60_000),
    line("k6_http_reqs_total", { url: "b" }, [60], 60_020),
  ];
  const rateOf = async (startMs?: number): Promise<unknown> =>
    (await seriesResults(series, { title: "run", prefix: "k6_", startMs })).readings[0]?.get("rate");
  assert.deepEqual(await rateOf(), { problem: "samples of one moment give no rate per second" });
  assert.deepEqual(await rateOf(57_020), { value: 30 });
});

test("without series of k6, the results say so", async () => {
  const results = await seriesResults([line("up", {}, [1])], { title: "receive", prefix: "k6_" });
  assert.deepEqual(results.problems, ["No series of k6 arrived, whose names begin with k6_."]);
  assert.deepEqual(JSON.parse(formatJson(results)).metrics, {});
});

test("the buckets of a native histogram have Prometheus's bounds", () => {
  const histogram = {
    ...{ schema: 0, zeroThreshold: 0.001, zeroCount: 2, count: 9, sum: 1 },
    // Buckets 1, 2 and 4, with a factor of 2: above 1 to 2, above 2 to 4, above 8 to 16.
    ...{ positiveSpans: [{ offset: 1, length: 2 }, { offset: 1, length: 1 }], positiveCounts: [1, 2, 3] },
    ...{ negativeSpans: [{ offset: 0, length: 1 }], negativeCounts: [1] },
  };
  assert.deepEqual(nativeBuckets(histogram), [
    { low: -1, high: -0.5, count: 1 },
    { low: -0.001, high: 0.001, count: 2 },
    { low: 1, high: 2, count: 1 },
    { low: 2, high: 4, count: 2 },
    { low: 8, high: 16, count: 3 },
  ]);
  const custom = {
    ...histogram,
    schema: -53,
    zeroCount: 0,
    customValues: [5, 10],
    negativeSpans: [],
    negativeCounts: [],
  };
  const spans = { positiveSpans: [{ offset: 0, length: 3 }] };
  assert.deepEqual(nativeBuckets({ ...custom, ...spans }).map(({ low, high }) => [low, high]), [
    [-Infinity, 5],
    [5, 10],
    [10, Infinity],
  ]);
});
