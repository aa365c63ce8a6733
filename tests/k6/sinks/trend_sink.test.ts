import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TrendSink, type TrendSinkOptions } from "../../../src/k6/sinks/trend_sink.ts";
import { parseTrendStats } from "../../../src/k6/sinks/trend_stats.ts";

const names = ["count", "sum", "avg", "min", "max", "med", "p(0)", "p(9.5)", "p(90)", "p(95)", "p(99.9)", "p(100)"];
const percentiles: Readonly<Record<string, number>> = {
  med: 0.5,
  "p(0)": 0,
  "p(9.5)": 9.5 / 100,
  "p(90)": 0.9,
  "p(95)": 0.95,
  "p(99.9)": 99.9 / 100,
  "p(100)": 1,
};

function trendSink(options: Partial<TrendSinkOptions> = {}): TrendSink {
  return new TrendSink(parseTrendStats(names), { scale: 1, maxExactValues: 10_000, window: "run", ...options });
}

function collect(sink: TrendSink): Record<string, number> {
  const stats: Record<string, number> = {};
  sink.collect((output, value) => {
    stats[names[output] ?? ""] = Number(value);
  });
  return stats;
}

/** Returns percentiles of all values, which are sorted each time. */
function percentilesOf(values: readonly number[]): Record<string, number> {
  const sorted = [...values].sort((a, b) => a - b);
  return Object.fromEntries(
    Object.entries(percentiles).map(([name, quantile]) => {
      const at = quantile * (sorted.length - 1);
      const lower = sorted[Math.floor(at)] ?? 0;
      const upper = sorted[Math.ceil(at)] ?? 0;
      return [name, lower + (upper - lower) * (at - Math.floor(at))];
    }),
  );
}

function subset(stats: Record<string, number>, keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(keys.map((key) => [key, stats[key] ?? NaN]));
}

test("percentiles are equal to those of all sorted values, for any order and any flushes", () => {
  const batches = fc.array(
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { maxLength: 40 }),
  );
  fc.assert(
    fc.property(batches, (batches) => {
      const sink = trendSink();
      const all: number[] = [];
      for (const batch of batches) {
        for (const value of batch) sink.add(value);
        all.push(...batch);
        const stats = collect(sink);
        if (all.length === 0) assert.deepEqual(stats, {});
        else {
          for (const [name, expected] of Object.entries(percentilesOf(all))) {
            assert.equal(stats[name]! + 0, expected + 0, name);
          }
        }
      }
    }),
    { seed: 4, numRuns: 200 },
  );
});

test("count, sum, average and extremes describe all values, and only the count is not scaled", () => {
  const sink = trendSink({ scale: 1 / 1000 });
  for (const value of [250, -1500, 3000]) sink.add(value);
  const { count, sum, avg, min, max, med } = collect(sink);
  assert.deepEqual({ count, sum, avg, min, max, med }, {
    count: 3,
    sum: 1.75,
    avg: 1750 / 3 / 1000,
    min: -1.5,
    max: 3,
    med: 0.25,
  });
});

test("above the limit, percentiles are within 0.5 %, and the other stats stay exact", () => {
  const sink = trendSink({ maxExactValues: 100 });
  const values: number[] = [];
  for (let i = 0; i < 5000; i++) {
    const value = 1 + ((i * 7919) % 5000);
    values.push(value);
    sink.add(value);
    if (i === 99) assert.deepEqual(subset(collect(sink), Object.keys(percentiles)), percentilesOf(values));
  }
  const stats = collect(sink);
  assert.deepEqual(subset(stats, ["count", "sum", "avg", "min", "max"]), {
    count: 5000,
    sum: 12_502_500,
    avg: 2500.5,
    min: 1,
    max: 5000,
  });
  for (const [name, expected] of Object.entries(percentilesOf(values))) {
    assert.ok(
      Math.abs((stats[name] ?? NaN) - expected) <= 0.005 * expected,
      `${name}: ${stats[name]}, exactly ${expected}`,
    );
  }
  assert.notEqual(stats["p(90)"], percentilesOf(values)["p(90)"]);
});

test("the window interval applies only to percentiles, and an idle series repeats its last interval", () => {
  for (const maxExactValues of [10, 2]) {
    const sink = trendSink({ window: "interval", maxExactValues });
    for (const value of [100, 200, 300]) sink.add(value);
    assert.equal(collect(sink)["p(100)"], 300);
    for (const value of [4, 4, 4, 4, 4]) sink.add(value);
    const second = collect(sink);
    assert.deepEqual(subset(second, ["count", "sum", "avg", "min", "max", "med", "p(0)", "p(100)"]), {
      count: 8,
      sum: 620,
      avg: 77.5,
      min: 4,
      max: 300,
      med: 4,
      "p(0)": 4,
      "p(100)": 4,
    });
    assert.deepEqual(collect(sink), second);
    sink.add(7);
    assert.equal(collect(sink).med, 7);
  }
});

test("values that are not finite are ignored", () => {
  const sink = trendSink();
  sink.add(NaN);
  assert.deepEqual(collect(sink), {});
  for (const value of [3, NaN, 1, Infinity, 2, -Infinity, NaN]) sink.add(value);
  assert.deepEqual(subset(collect(sink), ["count", "sum", "min", "max", "med", "p(0)", "p(100)"]), {
    count: 3,
    sum: 6,
    min: 1,
    max: 3,
    med: 2,
    "p(0)": 1,
    "p(100)": 3,
  });
});
