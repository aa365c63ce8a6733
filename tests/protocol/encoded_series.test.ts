import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";
import { encodeV1 } from "../../src/protocol/encode_v1.ts";
import { EncoderV2 } from "../../src/protocol/encode_v2.ts";
import {
  EncodedSeries,
  encodeSeries,
  isSameSeries,
  packLabels,
  readLabels,
  SeriesOutput,
} from "../../src/protocol/encoded_series.ts";
import { mergeBatches } from "../../src/send/merge_batches.ts";
import type { Label } from "../../src/model/time_series.ts";

const nameOf = (value: string): Label => ({ name: "__name__", value });

test("packed labels are read as they were, whatever their length and characters", () => {
  const values = ["a", "\uFEFFmark", "ü€😀", "x".repeat(126), "x".repeat(127), "x".repeat(128), "y".repeat(20_000)];
  const labels = values.map((value, index) => ({ name: `l${index}`, value }));
  assert.deepEqual(readLabels(packLabels(labels)), labels);
  assert.deepEqual(readLabels(packLabels([])), []);
});

test("a time series has the same hash and labels whether it shares labels or not", () => {
  const outputs = ["t_min", "t_max"].map((name) => new SeriesOutput([nameOf(name)]));
  for (const length of [0, 1, 30, 300]) {
    const labels = length === 0 ? [] : [{ name: "url", value: "u".repeat(length) }];
    const sharing = new EncodedSeries(outputs, packLabels(labels));
    for (const [output, name] of ["t_min", "t_max"].entries()) {
      const alone = encodeSeries([nameOf(name), ...labels]);
      assert.equal(sharing.hashOf(output), alone.hash);
      assert.deepEqual(sharing.only(output).labels, alone.labels);
      assert.equal(sharing.only(output).name, name);
    }
    assert.notEqual(sharing.hashOf(0), sharing.hashOf(1));
    assert.ok(isSameSeries(sharing, new EncodedSeries(outputs, packLabels(labels))));
    assert.ok(!isSameSeries(sharing, new EncodedSeries(outputs, packLabels([{ name: "url", value: "other" }]))));
    assert.ok(!isSameSeries(sharing, new EncodedSeries(outputs.slice(1), packLabels(labels))));
  }
});

test("hashes spread over shards", () => {
  const counts = new Array<number>(7).fill(0);
  for (let index = 0; index < 7000; index++) {
    const { hash } = encodeSeries([nameOf("m"), { name: "url", value: `http://test.k6.io/item/${index}` }]);
    counts[hash % 7] = (counts[hash % 7] ?? 0) + 1;
  }
  // The standard deviation of each count is 29.
  assert.ok(counts.every((count) => Math.abs(count - 1000) < 150), String(counts));
});

test("the outputs of a series are different time series in a batch: encoded, copied and merged each on its own", () => {
  const outputs = ["t_min", "t_max", "t_p95"].map((name) =>
    new SeriesOutput([nameOf(name)], { type: "gauge", unit: "s" })
  );
  const shared = [{ name: "method", value: "GET" }, { name: "url", value: "/" }];
  const series = new EncodedSeries(outputs, packLabels(shared));
  const older = new Batch(1);
  const newer = new Batch(1);
  for (let output = 0; output < 3; output++) older.push(series, output, 1000, output);
  for (const output of [2, 0]) newer.push(series, 10 + output, 2000, output);
  assert.equal(new Set(older.keys()).size, 3);
  const merged = mergeBatches([older, newer]);
  const expected = ["t_min 10@2000", "t_max 1@1000", "t_p95 12@2000"];
  const slice = { batch: merged, from: 0, to: merged.length };

  const v1 = fromBinary(WriteRequestSchema, encodeV1(slice, new ByteBuffer())).timeseries;
  assert.deepEqual(
    v1.map(({ labels, samples }) => `${labels[0]?.value} ${samples[0]?.value}@${samples[0]?.timestamp}`),
    expected,
  );
  for (const { labels } of v1) assert.deepEqual(labels.slice(1).map(({ name, value }) => ({ name, value })), shared);

  const encoder = new EncoderV2();
  for (let round = 0; round < 2; round++) {
    const { timeSeries } = decodeV2(encoder.encode(slice, new ByteBuffer()));
    assert.deepEqual(
      timeSeries.map(({ labels, samples }) => `${labels[0]?.value} ${samples?.[0]?.value}@${samples?.[0]?.timestamp}`),
      expected,
    );
    for (const { labels } of timeSeries) assert.deepEqual(labels.slice(1), shared);
  }
});
