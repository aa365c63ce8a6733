/**
 * The protobuf messages of Prometheus remote write 1.0, generated from the specification for @bufbuild/protobuf, and their
 * conversion from and to the plain series of this module.
 *
 * The messages are for programs that already have them: from a queue, a file or another service. They are also the reference in the
 * tests of this module. `RemoteWriteClient` itself writes the same bytes by hand, from columns of numbers and from labels that are
 * encoded once, because it would otherwise create several objects for each sample of each flush.
 *
 * @example
 * ```ts
 * import { fromBinary, toBinary } from "@bufbuild/protobuf";
 * import { fromTimeSeries, WriteRequestSchema, toTimeSeries } from "k6-remote-write/proto/v1";
 *
 * const request = fromTimeSeries({ name: "queue_depth", labels: { room: "a" }, value: 3 });
 * const bytes = toBinary(WriteRequestSchema, request);
 * const [series] = toTimeSeries(fromBinary(WriteRequestSchema, bytes));
 * console.log(series?.samples); // one sample with the value 3
 * ```
 *
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type WriteRequest, WriteRequestSchema } from "../../gen/proto/prometheus/remote_pb.ts";
import { metricName } from "../model/labels.ts";
import type { SeriesArgument, TimeSeries as PlainSeries } from "../model/time_series.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { decodeV1 } from "./decode_v1.ts";
import { encodeMetadataV1, encodeV1 } from "./encode_v1.ts";
import { slicedContentOf } from "./message_series.ts";
import { MetadataStore } from "./metadata_store.ts";

export {
  BucketSpanSchema,
  ExemplarSchema,
  file_prometheus_remote,
  Histogram_ResetHint,
  Histogram_ResetHintSchema,
  HistogramSchema,
  LabelSchema,
  MetricMetadata_MetricType,
  MetricMetadata_MetricTypeSchema,
  MetricMetadataSchema,
  SampleSchema,
  TimeSeriesSchema,
  WriteRequestSchema,
} from "../../gen/proto/prometheus/remote_pb.ts";
export type {
  BucketSpan,
  Exemplar,
  Histogram,
  Label,
  MetricMetadata,
  Sample,
  TimeSeries,
  WriteRequest,
} from "../../gen/proto/prometheus/remote_pb.ts";
export type {
  BucketSpan as PlainBucketSpan,
  Exemplar as PlainExemplar,
  FloatSample,
  GeneratedMessage,
  Histogram as PlainHistogram,
  Label as PlainLabel,
  Metadata as PlainMetadata,
  NamedSeries,
  SeriesArgument,
  TimeSeries as PlainSeries,
} from "../model/time_series.ts";

/**
 * Returns the series of a request in the plain form of this module: labels as strings, times as numbers, histograms with counts
 * instead of differences, and the metadata of their families.
 *
 * Some engines (JavaScriptCore, as in Bun and Safari) change the bits of a NaN, so a staleness marker that went through a message
 * is an ordinary NaN there.
 *
 * @throws Error if the message cannot be encoded, or refers to a symbol that it lacks
 */
export function toTimeSeries(request: WriteRequest): PlainSeries[] {
  const { timeSeries, metadata } = decodeV1(toBinary(WriteRequestSchema, request));
  const store = new MetadataStore();
  for (const [family, known] of metadata) store.add(family, known);
  return timeSeries.map((series) => {
    const name = metricName(series.labels) ?? "";
    return { ...series, metadata: store.of(name) };
  });
}

/**
 * Returns a request with series in any form that `RemoteWriteClient.write` accepts. Values without a timestamp get the time of the
 * call. Labels and samples are sorted, and series with the same labels are joined. Names may have any characters, as in recorded requests.
 *
 * @throws FormatError for a series that cannot be sent
 */
export function fromTimeSeries(series: SeriesArgument): WriteRequest {
  const { timeSeries, metadata, slice } = slicedContentOf(series);
  const store = new MetadataStore();
  for (const [family, known] of metadata) store.add(family, known);
  store.addSeries(timeSeries);
  const buffer = new ByteBuffer();
  const bytes = [...encodeV1(slice, buffer), ...encodeMetadataV1(store.all, buffer)];
  return fromBinary(WriteRequestSchema, Uint8Array.from(bytes));
}
