import assert from "node:assert/strict";
import { test } from "node:test";
import { classicOf } from "../../../src/cli/verdict/run_reader.ts";
import {
  classicBuckets,
  type Histogram,
  histogramMax,
  histogramMin,
  histogramQuantile,
  mergeNative,
} from "../../../src/cli/verdict/histogram_quantile.ts";

function classic(counts: readonly (readonly [number, number])[]): Histogram {
  return {
    form: "classic",
    count: Math.max(...counts.map(([, count]) => count)),
    sum: 0,
    buckets: classicBuckets(counts),
  };
}

// By hand: 5 values up to -0.2, 3 up to 0.1, 1 up to 0.3 and 3 above. A test with a real Prometheus compares with its own values.
const testHistogram = classic([[-0.2, 5], [0.1, 8], [0.3, 9], [Infinity, 12]].map(([le, n]) => [le ?? 0, n ?? 0]));
const quantiles = [[0, -0.2], [0.25, -0.2], [0.5, -0.1], [0.75, 0.3], [1, 0.3]] as const;
for (const [q, expected] of quantiles) {
  test(`a classic histogram's quantile ${q} is ${expected}`, () => {
    const value = histogramQuantile(testHistogram, q)?.value ?? NaN;
    assert.ok(Math.abs(value - expected) < 1e-12, String(value));
  });
}

test("the first bucket begins at 0 if its bound is positive, and the order of the bounds does not matter", () => {
  const histogram = classic([[Infinity, 10], [2, 10], [1, 5]]);
  assert.deepEqual(histogramQuantile(histogram, 0.25), { value: 0.5, low: 0, high: 1 });
});

test("above the last bound, the bounds say that the value may be anything", () => {
  assert.deepEqual(histogramQuantile(classic([[1, 1], [Infinity, 4]]), 0.9), { value: 1, low: 1, high: Infinity });
  assert.deepEqual(histogramMax(classic([[1, 1], [Infinity, 4]])), { value: 1, low: 1, high: Infinity, count: 3 });
});

test("a native histogram's quantile lies on an exponential curve between the bounds", () => {
  const histogram: Histogram = { form: "native", count: 4, sum: 0, buckets: [{ low: 1, high: 4, count: 4 }] };
  assert.equal(histogramQuantile(histogram, 0.5)?.value, 2);
  assert.equal(histogramMin(histogram)?.value, 1);
  assert.equal(histogramMax(histogram)?.value, 4);
});

test("an empty histogram has no quantiles", () => {
  assert.equal(histogramQuantile(classic([[1, 0], [Infinity, 0]]), 0.5), undefined);
  assert.equal(histogramQuantile({ form: "native", count: 0, sum: 0, buckets: [] }, 0.5), undefined);
});

test("native histograms of different scales are added up in the coarser buckets", () => {
  const fine = { count: 3, sum: 4, buckets: [{ low: 1, high: 2, count: 1 }, { low: 2, high: 4, count: 2 }] };
  const coarse = { count: 5, sum: 20, buckets: [{ low: 1, high: 4, count: 3 }, { low: 4, high: 16, count: 2 }] };
  assert.deepEqual(mergeNative([fine, coarse]), {
    form: "native",
    count: 8,
    sum: 24,
    buckets: [{ low: 1, high: 4, count: 6 }, { low: 4, high: 16, count: 2 }],
  });
});

test("the bucket of zero is not wide enough to matter", () => {
  const zeros = { count: 2, sum: 0, buckets: [{ low: -2.9e-39, high: 2.9e-39, count: 2 }] };
  const both = mergeNative([zeros, zeros, { count: 1, sum: 3, buckets: [{ low: 2, high: 4, count: 1 }] }]);
  assert.deepEqual(both.buckets, [{ low: 0, high: 0, count: 4 }, { low: 2, high: 4, count: 1 }]);
  assert.deepEqual(histogramQuantile(both, 0.5), { value: 0, low: 0, high: 0 });
});

test("the ranges of VictoriaMetrics's buckets are not cumulative", () => {
  // https://docs.victoriametrics.com/keyconcepts/#histogram
  const series = [["8.799e-03...1.000e-02", 3], ["1.000e-02...1.136e-02", 1], ["0...1.000e-09", 2], [
    "1.000e+18...+Inf",
    0,
  ]]
    .map(([vmrange, value]) => ({ labels: { vmrange: String(vmrange) }, value: Number(value) }));
  const histogram = classicOf(series, 0.5) ?? assert.fail();
  assert.deepEqual([histogram.form, histogram.count, histogram.sum], ["native", 6, 0.5]);
  assert.deepEqual(histogramMax(histogram), { value: 0.01136, low: 0.01, high: 0.01136, count: 1 });
  assert.deepEqual(histogramQuantile(histogram, 0.8)?.high, 0.01);
});

test("series of buckets without bounds give no histogram", () => {
  assert.equal(classicOf([{ labels: {}, value: 3 }], 1), undefined);
  assert.equal(classicOf([], 1), undefined);
});
