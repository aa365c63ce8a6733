import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTrendStats } from "../../../src/k6/sinks/trend_stats.ts";
import { legacyMapping } from "../../../src/k6/mapping/legacy.ts";
import type { Mapping } from "../../../src/k6/mapping/mapping.ts";
import { prometheusMapping } from "../../../src/k6/mapping/prometheus.ts";
import type { TrendForm, TrendOptions } from "../../../src/k6/mapping/trends.ts";
import type { Metric, MetricType, ValueType } from "../../../src/k6/metric.ts";

const trends: TrendOptions = {
  form: "stats",
  stats: parseTrendStats(["avg", "count", "p(95)"]),
  window: "run",
  maxExactValues: 100,
  bucketFactor: undefined,
  maxBuckets: 160,
  buckets: [0.1, 1],
};

function newMapping(form: TrendForm, rateCounters = true): Mapping {
  return prometheusMapping({ prefix: "k6_", rateCounters, trends: { ...trends, form } });
}

function metric(type: MetricType, contains: ValueType = "default"): Metric {
  return { name: "m", type, contains };
}

/** Returns the names, labels, types and units of a metric's series. */
function describe(mapping: Mapping, of: Metric): string[] {
  return mapping.mapMetric(of)!.outputs.map(({ name, labels, metadata }) =>
    `${name}${labels === undefined ? "" : JSON.stringify(labels)} ${metadata.type} ${metadata.unit ?? "-"}`
  );
}

/** Returns the values of a metric's series after some samples. */
function valuesOf(mapping: Mapping, of: Metric, values: readonly number[]): unknown[] {
  const sink = mapping.mapMetric(of)!.createSink();
  for (const value of values) sink.add(value, 0);
  const emitted: unknown[] = [];
  sink.collect((output, value) => emitted[output] = value);
  return emitted;
}

test("a rate becomes a ratio, and counters that can be added up", () => {
  const rate = metric("rate");
  assert.deepEqual(describe(newMapping("stats"), rate), [
    "k6_m_rate gauge ratio",
    "k6_m_passes_total counter -",
    "k6_m_samples_total counter -",
  ]);
  assert.deepEqual(valuesOf(newMapping("stats"), rate, [1, 0, 1, 1]), [0.75, 3, 4]);
  assert.deepEqual(describe(newMapping("stats", false), rate), ["k6_m_rate gauge ratio"]);
  assert.deepEqual(valuesOf(newMapping("stats", false), rate, [1, 0]), [0.5]);
});

test("the statistics of a trend are gauges, and times are in seconds", () => {
  const trend = metric("trend", "time");
  assert.deepEqual(describe(newMapping("stats"), trend), [
    "k6_m_avg gauge seconds",
    "k6_m_count gauge seconds",
    "k6_m_p95 gauge seconds",
  ]);
  assert.deepEqual(valuesOf(newMapping("stats"), trend, [1000, 3000]), [2, 2, 2.9]);
});

test("the name of a histogram ends in its unit", () => {
  assert.deepEqual(describe(newMapping("native"), metric("trend", "time")), ["k6_m_seconds histogram seconds"]);
  assert.deepEqual(describe(newMapping("native"), metric("trend", "data")), ["k6_m_bytes histogram bytes"]);
  assert.deepEqual(describe(newMapping("native"), metric("trend")), ["k6_m histogram -"]);
});

test("a classic histogram has buckets, a sum and a count", () => {
  const trend = metric("trend", "time");
  assert.deepEqual(describe(newMapping("histogram"), trend), [
    'k6_m_seconds_bucket{"le":"0.1"} histogram seconds',
    'k6_m_seconds_bucket{"le":"1"} histogram seconds',
    'k6_m_seconds_bucket{"le":"+Inf"} histogram seconds',
    "k6_m_seconds_sum histogram seconds",
    "k6_m_seconds_count histogram seconds",
  ]);
  assert.deepEqual(valuesOf(newMapping("histogram"), trend, [100, 500, 2000]), [1, 2, 3, 2.6, 3]);
});

test("a native histogram has the bucket factor of its metric", () => {
  const schemaWith = (bucketFactor: TrendOptions["bucketFactor"]): unknown => {
    const mapping = prometheusMapping({
      prefix: "",
      rateCounters: true,
      trends: { ...trends, form: "native", bucketFactor },
    });
    return Object(valuesOf(mapping, metric("trend"), [1])[0]).schema;
  };
  assert.deepEqual([schemaWith(undefined), schemaWith(2), schemaWith({ m: 1.01 }), schemaWith({ other: 1.01 })], [
    3,
    0,
    7,
    3,
  ]);
});

test("a metric that no option names has the defaults, even if every object has a property of its name", () => {
  for (const name of ["constructor", "toString", "__proto__"]) {
    const of: Metric = { name, type: "trend", contains: "time" };
    const mapping = (form: TrendForm): Mapping =>
      prometheusMapping({
        prefix: "k6_",
        rateCounters: true,
        trends: { ...trends, form, buckets: { other: [1] }, bucketFactor: { other: 2 } },
      });
    assert.equal(
      mapping("histogram").mapMetric(of)!.outputs.filter(({ labels }) => labels?.le !== undefined).length,
      14,
    );
    const [histogram] = valuesOf(mapping("native"), of, [1000]);
    assert.equal((histogram as { schema: number }).schema, 3);
  }
});

test("the legacy mapping has the names of 2021: only trends have suffixes, and times are in milliseconds", () => {
  const mapping = legacyMapping({ prefix: "k6_", maxExactValues: 100 });
  assert.deepEqual(describe(mapping, metric("counter")), ["k6_m counter -"]);
  assert.deepEqual(describe(mapping, metric("gauge")), ["k6_m gauge -"]);
  assert.deepEqual(describe(mapping, metric("rate")), ["k6_m gauge -"]);
  assert.deepEqual(
    describe(mapping, metric("trend", "time")),
    ["min", "max", "avg", "med", "p90", "p95"].map((stat) => `k6_m_${stat} gauge -`),
  );
  assert.deepEqual(valuesOf(mapping, metric("trend", "time"), [10, 20, 30]), [10, 30, 20, 20, 28, 29]);
  assert.deepEqual(valuesOf(mapping, metric("rate"), [1, 0]), [0.5]);
  assert.deepEqual(valuesOf(mapping, metric("counter"), [1, 2]), [3]);
});

test("wrong options of the legacy mapping are an error that names them", () => {
  assert.throws(() => legacyMapping({} as { prefix: string }), {
    name: "ConfigurationError",
    message: "Cannot use the option legacyMapping.prefix: it is undefined, expected a string",
  });
  assert.throws(
    () => legacyMapping({ prefix: "", maxExactValues: 1.5 }),
    /maxExactValues: it is 1\.5, expected a whole number/,
  );
});
