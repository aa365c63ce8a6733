import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { encodeV1 } from "../../src/protocol/encode_v1.ts";
import { EncoderV2 } from "../../src/protocol/encode_v2.ts";
import { BatchWriter, readBatch, readBatches, readNewest } from "../../src/protocol/stored_batch.ts";
import { utf8Names } from "../../src/protocol/read_series.ts";
import { batchOf } from "../../src/protocol/time_series_batch.ts";
import { timeSeriesList } from "../support/arbitrary_series.ts";
import { slowRuns } from "../support/runs.ts";
import { SeriesNames } from "../support/sending.ts";

/** What is sent of a batch in both versions. */
function requestsOf(batch: Batch): readonly Uint8Array[] {
  const slice = { batch, from: 0, to: batch.length };
  return [encodeV1(slice, new ByteBuffer()).slice(), new EncoderV2().encode(slice, new ByteBuffer()).slice()];
}

test("a batch that was stored is sent as the batch itself, in both versions", () => {
  const writer = new BatchWriter();
  fc.assert(
    fc.property(timeSeriesList, (list) => {
      const batch = batchOf(list);
      assert.deepEqual(requestsOf(readBatch(writer.write(batch))), requestsOf(batch));
    }),
    { numRuns: slowRuns(400) },
  );
});

test("a batch with UTF-8 names that was stored is sent as the batch itself, in both versions", () => {
  const names = ["a.b", "a_b", "c", "größe"];
  const labels = (value: string) => [{ name: "__name__", value }, { name: "service.name", value: "shop" }];
  const series = names.map((name) => ({ labels: labels(name), samples: [{ value: 1, timestamp: 1 }] }));
  const batch = batchOf(series, { names: utf8Names, escaping: "values" });
  assert.deepEqual(requestsOf(readBatch(new BatchWriter().write(batch), "values")), requestsOf(batch));
  // Series of different calls may become one: then it is too late to refuse one of them.
  const both = [series.slice(0, 1), series.slice(1)].map((part) => {
    return new BatchWriter().write(batchOf(part, { names: utf8Names, escaping: "underscores" }));
  });
  assert.equal(readBatches(both, { escaping: "underscores" })[0]?.length, 4);
});

test("the samples of each series go to the shard of the series", () => {
  const series = new SeriesNames();
  const batch = series.batch(Array.from({ length: 20 }, (_, index) => [`s${index >> 1}`, 1 + index % 2, index]));
  const shards = readBatches([new BatchWriter().write(batch)], { shards: 3 });
  for (const [shard, each] of shards.entries()) {
    for (const { hash } of each?.series ?? []) assert.equal(hash % 3, shard);
  }
  assert.equal(shards.reduce((sum, each) => sum + (each?.length ?? 0), 0), 20);
});

test("of several stored batches, the newest sample of each series is left, with its own exemplars", () => {
  const series = new SeriesNames();
  const batches = [
    series.batch([["a", 1, 1], ["b", 1, 10]]),
    series.batch([["a", 2, 2], ["c", 2, 100]]),
  ];
  for (const batch of batches) {
    const timestamp = batch.times[0] ?? 0;
    batch.setExemplars(0, [{ labels: [{ name: "id", value: String(timestamp) }], value: timestamp, timestamp }]);
  }
  const writer = new BatchWriter();
  const newest = readNewest(batches.map((batch) => writer.write(batch)));
  const samples = newest.series.map(({ name }, index) => [name, newest.times[index], newest.values[index]]);
  assert.deepEqual(samples.sort(), [["a", 2, 2], ["b", 1, 10], ["c", 2, 100]]);
  assert.deepEqual([...newest.exemplars.values()].flat().map(({ value }) => value), [2]);
});

test("bytes that are no stored batch are an error", () => {
  assert.throws(() => readBatch(Uint8Array.of(3, 8, 1, 2, 3)), { name: "FormatError" });
});
