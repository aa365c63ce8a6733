import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MetricMetadata_MetricType, WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { encodeMetadataV1, encodeV1 } from "../../src/protocol/encode_v1.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";
import { batchOf } from "../../src/protocol/time_series_batch.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { requestV1, timeSeriesList } from "../support/arbitrary_series.ts";
import { slowRuns } from "../support/runs.ts";

/** Returns the exemplars of histograms as an entry of their own, after the histograms. */
function withOwnExemplars(series: TimeSeries): TimeSeries[] {
  const { labels, histograms = [], exemplars = [] } = series;
  if (histograms.length === 0 || exemplars.length === 0) return [series];
  return [{ ...series, exemplars: [] }, { labels, exemplars }];
}

test("1.0 bytes equal those of the generated types for any series", () => {
  const buffer = new ByteBuffer(16);
  fc.assert(
    fc.property(timeSeriesList, (list) => {
      const batch = batchOf(list);
      const bytes = encodeV1({ batch, from: 0, to: batch.length }, buffer);
      assert.deepEqual(Array.from(bytes), Array.from(requestV1(list.flatMap(withOwnExemplars))));
    }),
    { seed: 1, numRuns: slowRuns(500) },
  );
});

test("series with labels of many kilobytes keep their own bytes", () => {
  const list = ["a", "b", "\u00e9"].map((letter) => ({
    labels: [{ name: "__name__", value: "x" }, { name: "long", value: letter.repeat(10_000) }],
    samples: [{ timestamp: 1, value: 2 }],
  }));
  const batch = batchOf(list);
  const bytes = encodeV1({ batch, from: 0, to: batch.length }, new ByteBuffer());
  const expected = requestV1(list);
  assert.equal(bytes.length, expected.length);
  assert.equal(bytes.findIndex((byte, at) => byte !== expected[at]), -1);
});

test("a slice encodes only its own samples, with those of one series in one TimeSeries", () => {
  const series = encodeSeries([{ name: "__name__", value: "a" }]);
  const other = encodeSeries([{ name: "__name__", value: "b" }]);
  const batch = new Batch(1);
  batch.push(series, 1, 1000);
  batch.push(series, 2, 2000);
  batch.push(series, 3, 3000);
  batch.push(other, 4, 1000);
  const request = fromBinary(WriteRequestSchema, encodeV1({ batch, from: 1, to: 4 }, new ByteBuffer()));
  assert.deepEqual(
    request.timeseries.map(({ labels, samples }) => [labels[0]?.value, samples.map(({ value }) => value)]),
    [["a", [2, 3]], ["b", [4]]],
  );
});

test("times before 1970 and the negative zero are encoded", () => {
  const series = encodeSeries([{ name: "__name__", value: "a" }]);
  const batch = new Batch();
  batch.push(series, -0, -5);
  const sample = fromBinary(WriteRequestSchema, encodeV1({ batch, from: 0, to: 1 }, new ByteBuffer())).timeseries[0]
    ?.samples[0];
  assert.equal(sample?.timestamp, -5n);
  assert.ok(Object.is(sample?.value, -0));
});

test("metadata decodes to the values that were encoded", () => {
  const families = new Map(
    [
      ["k6_http_reqs_total", { type: "counter", help: "How many requests.", unit: "" }],
      ["k6_x", { type: "unknown" }],
      ["k6_y_seconds", { type: "histogram", unit: "seconds" }],
    ] as const,
  );
  const request = fromBinary(WriteRequestSchema, encodeMetadataV1(families, new ByteBuffer()));
  assert.deepEqual(
    request.metadata.map(({ type, metricFamilyName, help, unit }) => [type, metricFamilyName, help, unit]),
    [
      [MetricMetadata_MetricType.COUNTER, "k6_http_reqs_total", "How many requests.", ""],
      [MetricMetadata_MetricType.UNKNOWN, "k6_x", "", ""],
      [MetricMetadata_MetricType.HISTOGRAM, "k6_y_seconds", "", "seconds"],
    ],
  );
});
