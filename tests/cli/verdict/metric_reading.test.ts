import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricReading, suffixOf } from "../../../src/cli/verdict/metric_reading.ts";
import { parseTrendStats } from "../../../src/k6/sinks/trend_stats.ts";

const duration = { name: "http_req_duration", contains: "time" } as const;
const p95 = { quantile: 0.95 };

test("the suffixes of statistics are those that are sent", () => {
  for (const name of ["p(95)", "p(99.9)", "p(9.5)", "p(0.5)", "p(50.5)", "med", "p(100)", "p(0)"]) {
    const [stat] = parseTrendStats([name]);
    assert.equal(typeof stat?.of === "object" && suffixOf(stat.of), stat?.suffix, name);
  }
});

test("times are in milliseconds, and an estimate has bounds", () => {
  const histogram = { form: "native", count: 10, sum: 5, buckets: [{ low: 0.25, high: 1, count: 10 }] } as const;
  const reading = new MetricReading(duration, { type: "trend", histogram });
  assert.deepEqual(reading.get("avg"), { value: 500 });
  assert.deepEqual(reading.get({ quantile: 0.5 }), { value: 500, bounds: { low: 250, high: 1000 } });
  assert.deepEqual(reading.get("min").bounds, { low: 250, high: 1000 });
  assert.match(reading.get("rate").problem ?? "", /a metric of the type trend has no such value/);
});

test("a percentile of percentiles is an error that says to send --trend-as native, never a number", () => {
  const stats = new Map([["_min", 0.1], ["_max", 0.9]]);
  const reading = new MetricReading(duration, { type: "trend", series: 4, stats, isUnitKnown: true });
  assert.deepEqual([reading.get("min").value, reading.get("max").value], [100, 900]);
  for (const aggregation of [p95, { quantile: 0.5 }, "avg"] as const) {
    assert.equal(reading.get(aggregation).value, undefined);
    assert.match(
      reading.get(aggregation).problem ?? "",
      /of several series cannot be added up; send with --trend-as native \(or histogram, without --light\)/,
    );
  }
});

test("the statistics of one series are its values; one that was not sent is named", () => {
  const stats = new Map([["_p95", 0.5]]);
  const reading = new MetricReading(duration, { type: "trend", series: 1, stats, isUnitKnown: true });
  assert.deepEqual(reading.get(p95), { value: 500 });
  assert.match(reading.get("avg").problem ?? "", /the statistic avg was not sent/);
  const unknown = new MetricReading({ name: "wait", contains: "default" }, {
    ...{ type: "trend", series: 1, stats, isUnitKnown: false },
  });
  assert.match(
    unknown.get(p95).problem ?? "",
    /its unit is not known; send with --trend-as native, or say it to verdict: --metric-type wait=trend:time or/,
  );
});

test("a rate is passes divided by samples; ratios of several series are not averaged", () => {
  const failed = { name: "http_req_failed", contains: "default" } as const;
  assert.deepEqual(new MetricReading(failed, { type: "rate", passes: 1, samples: 4 }).get("rate"), { value: 0.25 });
  assert.match(
    new MetricReading(failed, { type: "rate", passes: 0, samples: 0 }).get("rate").problem ?? "",
    /no samples/,
  );
  assert.deepEqual(new MetricReading(failed, { type: "rate", ratios: [0.5] }).get("rate"), { value: 0.5 });
  assert.match(
    new MetricReading(failed, { type: "rate", ratios: [0.5, 0.1] }).get("rate").problem ?? "",
    /ratios of several series cannot be added up; run sends the counters of rates, too, without --light and/,
  );
});

test("a counter has a rate per second unless the run has one moment only", () => {
  const reqs = { name: "http_reqs", contains: "default" } as const;
  const reading = new MetricReading(reqs, { type: "counter", count: 30, seconds: 10 });
  assert.deepEqual([reading.get("count").value, reading.get("rate").value], [30, 3]);
  assert.match(
    new MetricReading(reqs, { type: "counter", count: 30, seconds: 0 }).get("rate").problem ?? "",
    /samples of one moment/,
  );
});

test("a gauge of several series with different values has no single value", () => {
  const cache = { name: "cache", contains: "default" } as const;
  assert.deepEqual(new MetricReading(cache, { type: "gauge", value: 3, min: 1, max: 5 }).get("value"), { value: 3 });
  assert.match(
    new MetricReading(cache, { type: "gauge", value: undefined, min: 1, max: 5 }).get("value").problem ?? "",
    /no single value/,
  );
});
