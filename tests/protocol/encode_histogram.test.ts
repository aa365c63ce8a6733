import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { HistogramSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { encodeHistogram, histogramSize } from "../../src/protocol/encode_histogram.ts";
import { EncodedSeries } from "../../src/protocol/encoded_series.ts";

const series = new EncodedSeries([{ name: "__name__", value: "h" }]);
const empty = {
  count: 0,
  sum: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
};

const counts = fc.array(fc.maxSafeNat(), { maxLength: 4 });
const spans = fc.array(fc.record({ offset: fc.integer(), length: fc.nat() }, { noNullPrototype: true }), {
  maxLength: 3,
});
const histograms = fc.record({
  count: fc.maxSafeNat(),
  sum: fc.double(),
  schema: fc.integer({ min: -53, max: 8 }),
  zeroThreshold: fc.double(),
  zeroCount: fc.maxSafeNat(),
  positiveSpans: spans,
  positiveCounts: counts,
  negativeSpans: spans,
  negativeCounts: counts,
  float: fc.boolean(),
  customValues: fc.array(fc.double(), { maxLength: 3 }),
  resetHint: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat()),
});

test("what is written has the size that was computed, and reads back as it was", () => {
  fc.assert(
    fc.property(histograms, fc.maxSafeInteger(), fc.maxSafeInteger(), (histogram, time, start) => {
      const batch = new Batch();
      batch.setStart(batch.pushHistogram(series, histogram, time), start);
      const slice = { batch, from: 0, to: 1 };
      const buffer = new ByteBuffer(1);
      encodeHistogram(slice, 0, buffer, true);
      assert.equal(buffer.length, histogramSize(slice, 0, true));
      const read = fromBinary(HistogramSchema, buffer.written());
      const { count, zeroCount, positiveDeltas, positiveCounts, resetHint, timestamp, startTimestamp } = read;
      assert.deepEqual([Number(count.value), Number(zeroCount.value)], [histogram.count, histogram.zeroCount]);
      assert.deepEqual([Number(resetHint), timestamp, startTimestamp], [
        histogram.resetHint,
        BigInt(time),
        BigInt(start),
      ]);
      let sum = 0n;
      assert.deepEqual(
        histogram.float ? positiveCounts : positiveDeltas.map((delta) => Number(sum += delta)),
        histogram.positiveCounts,
      );
      assert.deepEqual(read.negativeSpans.map(({ offset, length }) => ({ offset, length })), histogram.negativeSpans);
    }),
    { seed: 5, numRuns: 500 },
  );
});

test("differences of counts are exact up to the largest integers", () => {
  const largest = Number.MAX_SAFE_INTEGER;
  for (const counts of [[largest, 0], [0, largest], [2 ** 52 + 1, 0], [2 ** 52, 0, 2 ** 52 - 1, 0]]) {
    const batch = new Batch();
    batch.pushHistogram(series, { ...empty, positiveCounts: counts }, 1);
    const buffer = new ByteBuffer();
    encodeHistogram({ batch, from: 0, to: 1 }, 0, buffer, false);
    const { positiveDeltas } = fromBinary(HistogramSchema, buffer.written());
    assert.deepEqual(positiveDeltas, counts.map((count, index) => BigInt(count) - BigInt(counts[index - 1] ?? 0)));
  }
});
