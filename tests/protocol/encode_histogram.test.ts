import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type Histogram as GeneratedHistogram,
  TimeSeriesSchema,
} from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import type { HistogramValue } from "../../src/model/time_series.ts";
import { emptyHistogram } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { type HistogramPoint, writeHistogram } from "../../src/protocol/encode_histogram.ts";
import { slowRuns } from "../support/runs.ts";
/** Encodes a histogram, and decodes it with the generated types. */
function roundTrip(histogram: HistogramValue, point: HistogramPoint): GeneratedHistogram {
  const buffer = new ByteBuffer(1);
  const start = buffer.open(0x1a, 2);
  writeHistogram(histogram, buffer, point);
  buffer.close(start, 2);
  const [decoded] = fromBinary(TimeSeriesSchema, buffer.written()).histograms;
  assert.ok(decoded !== undefined);
  return decoded;
}

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

test("a histogram decodes to the values that were encoded", () => {
  fc.assert(
    fc.property(histograms, fc.maxSafeInteger(), fc.maxSafeInteger(), (histogram, time, start) => {
      const read = roundTrip(histogram, { time, start });
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
    { seed: 5, numRuns: slowRuns(500) },
  );
});

test("differences of counts are exact up to the largest integers", () => {
  const largest = Number.MAX_SAFE_INTEGER;
  for (const counts of [[largest, 0], [0, largest], [2 ** 52 + 1, 0], [2 ** 52, 0, 2 ** 52 - 1, 0]]) {
    const { positiveDeltas } = roundTrip({ ...emptyHistogram, positiveCounts: counts }, { time: 1, start: 0 });
    assert.deepEqual(positiveDeltas, counts.map((count, index) => BigInt(count) - BigInt(counts[index - 1] ?? 0)));
  }
});
