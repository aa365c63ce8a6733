import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch, emptyHistogram } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { PointEncoder } from "../../src/protocol/encode_points.ts";
import { encodeSeries, writeLabels } from "../../src/protocol/encoded_series.ts";

const series = encodeSeries([{ name: "__name__", value: "a" }]);
const labels = [{ name: "trace_id", value: "4bf92f3577b34da6a3ce929d0e0e4736" }];

test("the bytes do not depend on where the buffer grows", () => {
  const batch = new Batch();
  batch.setStart(batch.push(series, 1.5, -1_700_000_000_000), -1_700_000_000_001);
  batch.setStart(batch.push(series, NaN, 1_700_000_000_000), 1_600_000_000_000);
  batch.pushStale(series, 1_700_000_000_001);
  const positiveCounts = Array.from({ length: 200 }, (_, index) => index * 1000);
  batch.pushHistogram(series, { ...emptyHistogram, positiveCounts, customValues: [1, 2] }, 1_700_000_000_002);
  batch.setExemplars(0, [{ labels, value: 2.5, timestamp: 1_699_999_999_999 }]);
  const points = new PointEncoder("2.0", writeLabels);
  const encode = (capacity: number): number[] => {
    const buffer = new ByteBuffer(capacity);
    points.begin(batch);
    points.write(0, batch.length, buffer);
    return Array.from(buffer.written());
  };
  const expected = encode(10_000);
  for (let capacity = 1; capacity <= expected.length + 100; capacity++) assert.deepEqual(encode(capacity), expected);
});
