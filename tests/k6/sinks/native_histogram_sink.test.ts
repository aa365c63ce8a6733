import assert from "node:assert/strict";
import { test } from "node:test";
import { type NativeHistogramOptions, NativeHistogramSink } from "../../../src/k6/sinks/native_histogram_sink.ts";
import type { HistogramValue } from "../../../src/model/time_series.ts";

function histogramSink(options: Partial<NativeHistogramOptions> = {}): NativeHistogramSink {
  return new NativeHistogramSink({ bucketFactor: 1.1, maxBuckets: 160, scale: 1, ...options });
}

function collect(sink: NativeHistogramSink): HistogramValue {
  const emitted: HistogramValue[] = [];
  sink.collect((output, value) => {
    assert.equal(output, 0);
    if (typeof value !== "number") emitted.push(value);
  });
  assert.equal(emitted.length, 1);
  return emitted[0]!;
}

test("negative values have their own buckets, and magnitudes up to 2^-128 count as zero", () => {
  const sink = histogramSink({ bucketFactor: 2 });
  for (const value of [1, 3, 4, -1, -8, 0, -0, 2 ** -128, -(2 ** -128), 2 ** -127]) sink.add(value);
  assert.deepEqual(collect(sink), {
    count: 10,
    sum: -1 + 2 ** -127,
    schema: 0,
    zeroThreshold: 2 ** -128,
    zeroCount: 4,
    positiveSpans: [{ offset: -127, length: 1 }, { offset: 126, length: 3 }],
    positiveCounts: [1, 1, 0, 2],
    negativeSpans: [{ offset: 0, length: 4 }],
    negativeCounts: [1, 0, 0, 1],
  });
});

test("NaN counts in no bucket, and infinities count above the largest number, as in Prometheus's clients", () => {
  const sink = histogramSink({ bucketFactor: 2 });
  for (const value of [Infinity, Number.MAX_VALUE, -Infinity]) sink.add(value);
  assert.equal(collect(sink).count, 3);
  sink.add(NaN);
  const histogram = collect(sink);
  assert.equal(histogram.count, 4);
  assert.ok(Number.isNaN(histogram.sum));
  assert.equal(histogram.zeroCount, 0);
  assert.deepEqual(histogram.positiveSpans, [{ offset: 1024, length: 2 }]);
  assert.deepEqual(histogram.positiveCounts, [1, 1]);
  assert.deepEqual(histogram.negativeSpans, [{ offset: 1025, length: 1 }]);
});

test("the schema is that of the bucket factor", () => {
  for (const [bucketFactor, schema] of [[1.1, 3], [1.001, 8], [2, 0], [65536, -4]] as const) {
    const sink = histogramSink({ bucketFactor });
    sink.add(5);
    assert.equal(collect(sink).schema, schema);
  }
});

test("buckets above the limit are merged, as if a coarser schema had counted from the start", () => {
  const values = Array.from({ length: 4000 }, (_, i) => 1.01 ** (i % 2000) * (i % 3 === 0 ? -1 : 1));
  for (const [maxBuckets, schema] of [[1000, 3], [160, 1], [60, 0], [18, -2], [17, -3], [1, -4]] as const) {
    const limited = histogramSink({ maxBuckets });
    for (const value of values.slice(0, 2500)) limited.add(value);
    collect(limited);
    for (const value of values.slice(2500)) limited.add(value);
    const histogram = collect(limited);
    const direct = histogramSink({ bucketFactor: 2 ** (2 ** -schema) + 1e-9, maxBuckets: Infinity });
    for (const value of values) direct.add(value);
    assert.deepEqual(histogram, collect(direct));
    assert.equal(histogram.schema, schema);
    const buckets = histogram.positiveCounts.length + histogram.negativeCounts.length;
    assert.ok(buckets <= maxBuckets || schema === -4, `${buckets} buckets`);
  }
});

test("an emitted histogram does not change, and without new values the same object is emitted again", () => {
  const sink = histogramSink();
  sink.add(3);
  const first = collect(sink);
  const copy = structuredClone(first);
  assert.equal(collect(sink), first);
  for (const value of [3, 700, -2, 0]) sink.add(value);
  assert.notDeepEqual(collect(sink), first);
  assert.deepEqual(first, copy);
});
