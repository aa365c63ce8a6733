import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Metadata_MetricType, type Request, RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import type { TimeSeries } from "../../src/time_series.ts";
import { ByteBuffer } from "../../src/wire/byte_buffer.ts";
import { EncoderV2 } from "../../src/wire/encode_v2.ts";
import { batchOf } from "../../src/wire/time_series_batch.ts";
import { labelsOfRefs, timeSeriesList, unmarked } from "../support/arbitrary_series.ts";

/** The parts of a request that both sides have, in one form. */
function view({ symbols, timeseries }: Request): unknown {
  return timeseries.map((series) => ({
    labels: labelsOfRefs(series.labelsRefs, symbols),
    samples: series.samples.map(({ value, timestamp }) => [value, timestamp]),
    histograms: series.histograms.map((
      { count, zeroCount, sum, schema, timestamp, positiveDeltas, negativeCounts },
    ) => [
      count.value,
      zeroCount.value,
      sum,
      schema,
      timestamp,
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

function expected(list: readonly TimeSeries[]): unknown {
  const types: Readonly<Record<string, number>> = {
    counter: Metadata_MetricType.COUNTER,
    gauge: Metadata_MetricType.GAUGE,
    histogram: Metadata_MetricType.HISTOGRAM,
  };
  return list.map(({ labels, samples = [], histograms = [], exemplars = [], metadata }) => ({
    labels,
    samples: samples.map(({ value, timestamp }) => [value, BigInt(timestamp)]),
    histograms: histograms.map(({ float, positiveCounts, negativeCounts, ...histogram }) => [
      float ? histogram.count : BigInt(histogram.count),
      float ? histogram.zeroCount : BigInt(histogram.zeroCount),
      histogram.sum,
      histogram.schema,
      BigInt(histogram.timestamp),
      float ? [] : positiveCounts.map((value, index) => BigInt(value - (positiveCounts[index - 1] ?? 0))),
      float ? negativeCounts : [],
    ]),
    exemplars: exemplars.map((exemplar) => [exemplar.labels, exemplar.value, BigInt(exemplar.timestamp)]),
    metadata: [types[metadata?.type ?? ""] ?? 0, metadata?.help, metadata?.unit],
  }));
}

test("2.0 bytes decode with the generated types to the same series, whatever was encoded before", () => {
  const encoder = new EncoderV2();
  const buffer = new ByteBuffer(16);
  fc.assert(
    fc.property(timeSeriesList.map(unmarked), (list) => {
      const batch = batchOf(list);
      const bytes = encoder.encode({ batch, from: 0, to: batch.length }, buffer);
      const request = fromBinary(RequestSchema, bytes);
      assert.deepEqual(view(request), expected(list));
      // Nothing but what the generated encoder would write either.
      assert.equal(toBinary(RequestSchema, request).length, bytes.length);
    }),
    { seed: 2, numRuns: 500 },
  );
});

test("2.0 MUST have the empty string as first symbol, and every other string once", () => {
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
    { seed: 3, numRuns: 200 },
  );
});

test("start timestamps of samples and histograms are sent", () => {
  const labels = [{ name: "__name__", value: "a" }];
  const batch = batchOf([{ labels, samples: [{ value: 1, timestamp: 2000, startTimestamp: 1000 }] }]);
  const request = fromBinary(RequestSchema, new EncoderV2().encode({ batch, from: 0, to: 1 }, new ByteBuffer()));
  assert.equal(request.timeseries[0]?.samples[0]?.startTimestamp, 1000n);
});
