import assert from "node:assert/strict";
import { test } from "node:test";
import { type LiveSeries, LiveStore } from "../../../src/cli/live/live_store.ts";
import { addIncreases, combineValues, GridColumns, gridOver, increaseOf } from "../../../src/cli/page/grid.ts";
import { classicBetween, nativeBetween, nativeSteps } from "../../../src/cli/page/histograms.ts";
import { quantileOf } from "../../../src/cli/page/trends.ts";
import type { Histogram } from "../../../src/model/time_series.ts";

const always = -Infinity;

/** Returns the series of a store with these points. */
function seriesOf(points: Readonly<Record<string, readonly (readonly [number, number])[]>>): LiveSeries[] {
  const store = new LiveStore({ retentionMs: 1e9, maxBytes: 1e9 });
  store.add(
    Object.entries(points).map(([le, samples]) => ({
      labels: [{ name: "__name__", value: "x" }, { name: "le", value: le }],
      samples: samples.map(([timestamp, value]) => ({ timestamp, value })),
    })),
  );
  return [...store.series.values()];
}

function native(timestamp: number, counts: readonly number[], { offset = 1, schema = 0 } = {}): Histogram {
  return {
    timestamp,
    count: counts.reduce((sum, count) => sum + count, 0),
    sum: 1,
    schema,
    zeroThreshold: 1e-39,
    zeroCount: 0,
    positiveSpans: [{ offset, length: counts.length }],
    positiveCounts: counts,
    negativeSpans: [],
    negativeCounts: [],
  };
}

function nativeSeries(...histograms: readonly Histogram[]): LiveSeries[] {
  const store = new LiveStore({ retentionMs: 1e9, maxBytes: 1e9 });
  store.add([{ labels: [{ name: "__name__", value: "h" }], histograms }]);
  return [...store.series.values()];
}

test("a grid has round times, and covers the first and the last point", () => {
  assert.deepEqual(gridOver({ fromMs: 1_500, toMs: 6_200 }, { intervalMs: 1000 }), {
    startMs: 1000,
    stepMs: 1000,
    count: 6,
  });
  // A point belongs to the step that ends with it.
  assert.equal(gridOver({ fromMs: 2000, toMs: 4000 }, { intervalMs: 1000 }).startMs, 1000);
  assert.equal(gridOver({ fromMs: 0, toMs: 3_600_000 }, { intervalMs: 1000 }).stepMs, 15_000);
  assert.equal(gridOver({ fromMs: 0, toMs: 60_000 }, { intervalMs: 5020 }).stepMs, 5000);
});

test("increases add up to the growth of the counter, whatever the steps are, also over a reset", () => {
  const [series] = seriesOf({ a: [[1000, 10], [2100, 14], [3050, 20], [4000, 3], [5900, 5]] });
  assert.ok(series);
  for (const intervalMs of [0, 400, 1000, 5000]) {
    const grid = { startMs: -4200, stepMs: 700, count: 16 };
    const out = new Float64Array(grid.count);
    addIncreases(series, grid, out, { intervalMs, zeroAfterMs: always });
    const sum = out.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum - 25) < 1e-9, `${intervalMs}: ${[...out]}`);
  }
  // Without the start, the first value is not known to be an increase.
  assert.equal(increaseOf(series, { fromMs: 0, toMs: 9000 }, Infinity), 15);
  assert.equal(increaseOf(series, { fromMs: 2000, toMs: 3050 }, always), 10);
});

test("what a point adds is divided over the period before it, so a sender with a late point makes no gap", () => {
  const points = Array.from(
    { length: 11 },
    (_, second): [number, number] => [second * 1000 + (second % 2) * 30 - 10, second * 8],
  );
  const [series] = seriesOf({ a: points });
  assert.ok(series);
  const grid = { startMs: 0, stepMs: 1000, count: 10 };
  const [exact, even] = [new Float64Array(10), new Float64Array(10)];
  addIncreases(series, grid, exact, {});
  addIncreases(series, grid, even, { intervalMs: 1000 });
  assert.ok(exact.includes(0) && exact.includes(16), `by the times of the points: ${[...exact]}`);
  assert.ok(even.subarray(1, 9).every((value) => Math.abs(value - 8) < 0.5), `divided: ${[...even]}`);
});

test("columns are evaluated again only from what changed, with the same result", () => {
  const store = new LiveStore({ retentionMs: 1e9, maxBytes: 1e9 });
  const add = (time: number, value: number, url: string): void =>
    store.add([{
      labels: [{ name: "__name__", value: "a" }, { name: "url", value: url }],
      samples: [{ timestamp: time, value }],
    }]);
  const columns = new GridColumns(NaN);
  const evaluated: number[] = [];
  for (let second = 1; second <= 30; second++) {
    add(second * 1000, second, "/a");
    if (second % 3 === 0) add(second * 1000 - 1500, 100 - second, "/b");
    const grid = gridOver({ fromMs: 1000, toMs: second * 1000 }, { intervalMs: 1000 });
    const from = columns.prepare(grid, { columns: 1, key: "k", changedMs: store.takeOldestChange() });
    evaluated.push(grid.count - from);
    const whole = new Float64Array(grid.count).fill(NaN);
    const [column = new Float64Array()] = columns.columns;
    for (const series of store.series.values()) {
      combineValues(series, grid, column, { how: "max", from });
      combineValues(series, grid, whole, { how: "max" });
    }
    assert.deepEqual([...column], [...whole], `after ${second} s`);
  }
  assert.ok(evaluated.slice(5).every((steps) => steps <= 4), String(evaluated));
});

// Expected values: histogram_quantile() of Prometheus 3, whose documentation describes the interpolation.
test("quantiles of native histograms are interpolated exponentially, over series of different resolution", () => {
  // Buckets (1, 2] and (2, 4], each with 10 observations: p50 is 2, and p75 is the middle of (2, 4] on a logarithmic scale.
  const one = nativeBetween(nativeSeries(native(1000, [10, 10])), { fromMs: -Infinity, toMs: Infinity }, always);
  assert.ok(one);
  assert.equal(quantileOf(one, 0.5), 2);
  assert.ok(Math.abs(quantileOf(one, 0.75) - Math.sqrt(8)) < 1e-12);
  assert.equal(quantileOf(one, 1), 4);
  // Schema 1 has two buckets for one of schema 0.
  const fine = nativeSeries(native(1000, [4, 6, 3, 7], { schema: 1, offset: 1 }));
  const both = nativeBetween(
    [...fine, ...nativeSeries(native(1000, [10, 10]))],
    { fromMs: -Infinity, toMs: Infinity },
    always,
  );
  assert.deepEqual(both?.buckets, [{ low: 1, high: 2, count: 20 }, { low: 2, high: 4, count: 20 }]);
});

test("steps of native histograms hold what was added in them, also after a reset", () => {
  const series = nativeSeries(native(1000, [10, 0]), native(2000, [10, 5]), native(3000, [2, 0]));
  const steps = nativeSteps(series, { startMs: 0, stepMs: 1000, count: 3 }, {
    from: 0,
    zeroAfterMs: always,
    intervalMs: 1000,
  });
  assert.deepEqual(steps.map((step) => step?.buckets), [
    [{ low: 1, high: 2, count: 10 }],
    [{ low: 2, high: 4, count: 5 }],
    [{ low: 1, high: 2, count: 2 }],
  ]);
});

test("quantiles of classic histograms are interpolated linearly between the bounds of the buckets", () => {
  const series = seriesOf({ "0.1": [[1000, 10]], "0.5": [[1000, 30]], "+Inf": [[1000, 40]] });
  const histogram = classicBetween(series, { fromMs: -Infinity, toMs: Infinity }, always);
  assert.ok(histogram);
  assert.equal(quantileOf(histogram, 0.25), 0.1);
  assert.ok(Math.abs(quantileOf(histogram, 0.5) - 0.3) < 1e-12);
  // Nothing is known above the last bound.
  assert.equal(quantileOf(histogram, 0.99), 0.5);
});
