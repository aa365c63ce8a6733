/**
 * The protobuf messages of Prometheus remote write 2.0, generated from the specification for @bufbuild/protobuf, and their
 * conversion from and to the plain series of this module.
 *
 * The messages are for programs that already have them: from a queue, a file or another service. They are also the reference in the
 * tests of this module. `RemoteWriteClient` itself writes the same bytes by hand, from columns of numbers and from labels that are
 * encoded once, because it would otherwise create several objects for each sample of each flush.
 *
 * @example
 * ```ts
 * import { fromBinary, toBinary } from "@bufbuild/protobuf";
 * import { fromTimeSeries, RequestSchema, toTimeSeries } from "k6-remote-write/proto/v2";
 *
 * const request = fromTimeSeries({ name: "queue_depth", labels: { room: "a" }, value: 3 });
 * const bytes = toBinary(RequestSchema, request);
 * const [series] = toTimeSeries(fromBinary(RequestSchema, bytes));
 * console.log(series?.samples); // one sample with the value 3
 * ```
 *
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Request, RequestSchema } from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import type { SeriesArgument, TimeSeries as PlainSeries } from "../model/time_series.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { decodeV2 } from "./decode_v2.ts";
import { EncoderV2 } from "./encode_v2.ts";
import { slicedContentOf } from "./message_series.ts";

export {
  BucketSpanSchema,
  ExemplarSchema,
  file_io_prometheus_write_v2_write,
  Histogram_ResetHint,
  Histogram_ResetHintSchema,
  HistogramSchema,
  Metadata_MetricType,
  Metadata_MetricTypeSchema,
  MetadataSchema,
  RequestSchema,
  SampleSchema,
  TimeSeriesSchema,
} from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
export type {
  BucketSpan,
  Exemplar,
  Histogram,
  Metadata,
  Request,
  Sample,
  TimeSeries,
} from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
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
 * instead of differences.
 *
 * Some engines (JavaScriptCore, as in Bun and Safari) change the bits of a NaN, so a staleness marker that went through a message
 * is an ordinary NaN there.
 *
 * @throws Error if the message cannot be encoded, or refers to a symbol that it lacks
 */
export function toTimeSeries(request: Request): PlainSeries[] {
  return decodeV2(toBinary(RequestSchema, request)).timeSeries;
}

/**
 * Returns a request with series in any form that `RemoteWriteClient.write` accepts. Values without a timestamp get the time of the
 * call. Labels and samples are sorted, and series with the same labels are joined. Names may have any characters.
 *
 * @throws FormatError for a series that cannot be sent
 */
export function fromTimeSeries(series: SeriesArgument): Request {
  return fromBinary(RequestSchema, new EncoderV2().encode(slicedContentOf(series).slice, new ByteBuffer()));
}
