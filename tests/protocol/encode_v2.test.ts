import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Metadata_MetricType, type Request, RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import type { FloatSample, TimeSeries } from "../../src/model/time_series.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { EncoderV2 } from "../../src/protocol/encode_v2.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { batchOf } from "../../src/protocol/time_series_batch.ts";
import { labelsOfRefs, sentLabels, timeSeriesList, unmarked } from "../support/arbitrary_series.ts";
import { slowRuns } from "../support/runs.ts";

/** Returns a decoded request in the form of `expected`. */
function view({ symbols, timeseries }: Request): unknown {
  return timeseries.map((series) => ({
    labels: labelsOfRefs(series.labelsRefs, symbols),
    samples: series.samples.map(({ value, timestamp, startTimestamp }) => [value, timestamp, startTimestamp]),
    histograms: series.histograms.map((
      { count, zeroCount, sum, schema, timestamp, startTimestamp, customValues, positiveDeltas, negativeCounts },
    ) => [
      count.value,
      zeroCount.value,
      sum,
      schema,
      timestamp,
      startTimestamp,
      customValues,
      positiveDeltas,
      negativeCounts,
    ]),
    exemplars: series.exemplars.map((
      { labelsRefs, value, timestamp },
    ) => [labelsOfRefs(labelsRefs, symbols), value, timestamp]),
    metadata: [
      series.metadata?.type ?? 0,
      symbols[series.metadata?.helpRef ?? 0],
      symbols[series.metadata?.unitRef ?? 0],
    ],
  }));
}

/** Returns the start timestamp that is sent: 0 if it is later than its sample. */
function startOf({ timestamp, startTimestamp = 0 }: Pick<FloatSample, "timestamp" | "startTimestamp">): bigint {
  return startTimestamp > timestamp ? 0n : BigInt(startTimestamp);
}

function expected(list: readonly TimeSeries[]): unknown {
  const types: Readonly<Record<string, number>> = {
    counter: Metadata_MetricType.COUNTER,
    gauge: Metadata_MetricType.GAUGE,
    histogram: Metadata_MetricType.HISTOGRAM,
  };
  return list.map(({ labels, samples = [], histograms = [], exemplars = [], metadata }) => ({
    labels: sentLabels(labels),
    samples: samples.map((sample) => [sample.value, BigInt(sample.timestamp), startOf(sample)]),
    histograms: histograms.map(({ float, positiveCounts, negativeCounts, ...histogram }) => [
      float ? histogram.count : BigInt(histogram.count),
      float ? histogram.zeroCount : BigInt(histogram.zeroCount),
      histogram.sum,
      histogram.schema,
      BigInt(histogram.timestamp),
      startOf(histogram),
      histogram.customValues ?? [],
      float ? [] : positiveCounts.map((value, index) => BigInt(value - (positiveCounts[index - 1] ?? 0))),
      float ? negativeCounts : [],
    ]),
    exemplars: exemplars.map((
      exemplar,
    ) => [sentLabels(exemplar.labels), exemplar.value, BigInt(exemplar.timestamp)]),
    metadata: [types[metadata?.type ?? ""] ?? 0, metadata?.help, metadata?.unit],
  }));
}

test("2.0 bytes decode to the same series with the generated types, after any earlier requests", () => {
  const encoder = new EncoderV2();
  const buffer = new ByteBuffer(16);
  fc.assert(
    fc.property(timeSeriesList.map(unmarked), (list) => {
      const batch = batchOf(list);
      const bytes = encoder.encode({ batch, from: 0, to: batch.length }, buffer);
      const request = fromBinary(RequestSchema, bytes);
      assert.deepEqual(view(request), expected(list));
      // The generated encoder writes no fewer bytes.
      assert.equal(toBinary(RequestSchema, request).length, bytes.length);
    }),
    { seed: 2, numRuns: slowRuns(500) },
  );
});

test("2.0 symbols MUST begin with the empty string, and contain every string once", () => {
  const encoder = new EncoderV2();
  fc.assert(
    fc.property(timeSeriesList, (list) => {
      const batch = batchOf(list);
      const { symbols } = fromBinary(
        RequestSchema,
        encoder.encode({ batch, from: 0, to: batch.length }, new ByteBuffer()),
      );
      assert.equal(symbols[0], "");
      assert.equal(new Set(symbols).size, symbols.length);
    }),
    { seed: 3, numRuns: slowRuns(200) },
  );
});

test("start timestamps of samples and histograms are sent", () => {
  const labels = [{ name: "__name__", value: "a" }];
  const batch = batchOf([{ labels, samples: [{ value: 1, timestamp: 2000, startTimestamp: 1000 }] }]);
  const request = fromBinary(RequestSchema, new EncoderV2().encode({ batch, from: 0, to: 1 }, new ByteBuffer()));
  assert.equal(request.timeseries[0]?.samples[0]?.startTimestamp, 1000n);
});

test("an exemplar's label with an empty value adds no second empty symbol", () => {
  const batch = new Batch();
  batch.push(encodeSeries([{ name: "__name__", value: "a" }]), 1, 2000);
  batch.setExemplars(0, [{
    labels: [{ name: "span_id", value: "" }, { name: "trace_id", value: "a" }],
    value: 1,
    timestamp: 1999,
  }]);
  const bytes = new EncoderV2().encode({ batch, from: 0, to: 1 }, new ByteBuffer());
  const { symbols, timeseries } = fromBinary(RequestSchema, bytes);
  assert.deepEqual(symbols, ["", "__name__", "a", "span_id", "trace_id"]);
  assert.deepEqual(timeseries[0]?.exemplars[0]?.labelsRefs, [3, 0, 4, 2]);
});

test("the memory of remembered strings is limited, and forgetting them does not change the bytes", () => {
  // The strings are short, or long help texts.
  for (const length of [10, 100_000]) {
    const maxMemoryBytes = 20 * (200 + length);
    const encoder = new EncoderV2({ maxMemoryBytes });
    const unbounded = new EncoderV2();
    const stays = encodeSeries([{ name: "__name__", value: "stays" }], { type: "gauge", help: "It stays." });
    for (let index = 0; index < 40; index++) {
      const batch = new Batch();
      batch.push(stays, index, index + 1);
      const help = `${index}`.padEnd(length, "x");
      batch.push(encodeSeries([{ name: "__name__", value: `series_${index}` }], { type: "gauge", help }), 1, 1);
      const slice = { batch, from: 0, to: 2 };
      assert.deepEqual(encoder.encode(slice, new ByteBuffer()), unbounded.encode(slice, new ByteBuffer()));
      // One request may exceed the limit.
      assert.ok(encoder.memoryBytes <= maxMemoryBytes + 1000 + 2 * length, `${encoder.memoryBytes} bytes`);
    }
    assert.ok(unbounded.memoryBytes > 40 * length);
  }
});
