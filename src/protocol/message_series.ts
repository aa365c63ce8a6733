/**
 * Reads the messages of remote write that protobuf-es generates. It knows them by their fields and does not import the library:
 * programs may have generated the messages themselves, and most programs use none.
 *
 * @module
 */
import type {
  Histogram as HistogramMessage,
  Request as RequestV2,
} from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import type { WriteRequest as RequestV1 } from "../../gen/proto/prometheus/remote_pb.ts";
import { FormatError } from "../model/errors.ts";
import { metricName } from "../model/labels.ts";
import type { GeneratedMessage, Histogram, Metadata, SeriesArgument, TimeSeries } from "../model/time_series.ts";
import { Batch, type BatchSlice } from "./batch.ts";
import { toMetadata } from "./decode.ts";
import { metadataOf } from "./metadata_store.ts";
import type { OnInvalid } from "./read_series.ts";
import { timeSeriesOf } from "./series_input.ts";
import { isStaleMarker } from "./stale.ts";
import { utf8Names } from "./read_series.ts";
import { batchesOf } from "./time_series_batch.ts";

/** The content of an argument. */
interface SeriesContent {
  /** The series in their full form. */
  readonly timeSeries: readonly TimeSeries[];
  /** The metadata by metric family (messages of 1.0 only). */
  readonly metadata: ReadonlyMap<string, Metadata>;
}

/** A series whose histograms may be messages. */
interface SeriesMessage extends Omit<TimeSeries, "histograms"> {
  readonly histograms?:
    readonly (Omit<HistogramMessage, "$typeName" | "startTimestamp"> & Pick<Histogram, "startTimestamp">)[];
}

/**
 * Returns the series of an argument in their full form. Samples without a timestamp get `now`.
 *
 * @param onInvalid receives the error about a series. @default throws it
 * @throws FormatError that shows the right form, if the argument or a part of it has another type
 */
export function contentOf(input: SeriesArgument, now: number, onInvalid?: OnInvalid): SeriesContent {
  const metadata = new Map<string, Metadata>();
  let given = input;
  if (isRequest(input)) {
    given = "symbols" in input ? seriesOfV2(input) : input.timeseries;
    for (const { metricFamilyName, type, ...texts } of "metadata" in input ? input.metadata : []) {
      metadata.set(metricFamilyName, toMetadata(type, texts));
    }
  }
  const valid = onInvalid === undefined ? timeSeriesOf(given, now) : validSeriesOf(given, now, onInvalid);
  const timeSeries = valid.map((series) => {
    if (!isMessage(series)) return series;
    const name = metricName(series.labels);
    return plainSeries({ metadata: metadataOf(name ?? "", metadata), ...series });
  });
  return { timeSeries, metadata };
}

/** Returns the series that have the right form. */
function validSeriesOf(input: SeriesArgument, now: number, onInvalid: OnInvalid): readonly TimeSeries[] {
  return [input].flat().flatMap((series) => {
    try {
      return timeSeriesOf([series], now);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      onInvalid(error, 1);
      return [];
    }
  });
}

function isRequest(input: unknown): input is RequestV1 | RequestV2 {
  return Array.isArray(Object(input).timeseries);
}

function isMessage(series: object): series is SeriesMessage {
  return "$typeName" in series;
}

/** Returns the series of a 2.0 request, with strings in place of its symbols. */
function seriesOfV2({ symbols, timeseries }: RequestV2): GeneratedMessage[] {
  const string = (ref = 0): string => {
    const symbol = symbols[ref];
    // 0 is the empty string, even if a request has no symbols.
    if (symbol !== undefined || ref === 0) return symbol ?? "";
    throw new FormatError(`Cannot send the message: it refers to symbol ${ref}, expected one of ${symbols.length}`);
  };
  const withLabels = <T extends { labelsRefs: number[] }>({ labelsRefs: refs, ...rest }: T) => ({
    ...rest,
    labels: refs.flatMap((ref, at) => at % 2 ? [] : [{ name: string(ref), value: string(refs[at + 1]) }]),
  });
  return timeseries.map(({ exemplars, metadata, ...series }) => ({
    ...withLabels(series),
    exemplars: exemplars.map(withLabels),
    ...(metadata && {
      metadata: toMetadata(metadata.type, { help: string(metadata.helpRef), unit: string(metadata.unitRef) }),
    }),
  }));
}

/** Returns a series with staleness markers and with histograms in their plain form. */
function plainSeries({ samples, histograms, ...series }: SeriesMessage): TimeSeries {
  return {
    ...series,
    samples: samples?.map((sample) => ({ ...sample, stale: isStale(sample.value) })),
    histograms: histograms?.map(({ count, zeroCount, positiveDeltas, negativeDeltas, ...histogram }) => {
      const float = count.case === "countFloat";
      return {
        ...histogram,
        timestamp: Number(histogram.timestamp),
        startTimestamp: Number(histogram.startTimestamp ?? 0),
        count: Number(count.value ?? 0),
        zeroCount: Number(zeroCount.value ?? 0),
        float,
        positiveCounts: float ? histogram.positiveCounts : countsOf(positiveDeltas),
        negativeCounts: float ? histogram.negativeCounts : countsOf(negativeDeltas),
        stale: isStale(histogram.sum),
      };
    }),
  };
}

/** Reports whether a value has the bits of the staleness marker, unless the engine has changed them. */
function isStale(value: number): boolean {
  return isStaleMarker(new DataView(Float64Array.of(value).buffer), 0);
}

/** Returns the counts of buckets, of which a message has the differences from bucket to bucket. */
function countsOf(deltas: readonly bigint[]): number[] {
  let count = 0;
  return deltas.map((delta) => count += Number(delta));
}

/**
 * Returns the content of an argument together with its samples, which can be encoded. Samples without a timestamp get the time of the
 * call. Names may have any characters, as in recorded requests.
 *
 * @throws FormatError for a series that cannot be sent
 */
export function slicedContentOf(input: SeriesArgument): SeriesContent & { readonly slice: BatchSlice } {
  const content = contentOf(input, Date.now());
  const [batch = new Batch()] = batchesOf(content.timeSeries, { names: utf8Names });
  return { ...content, slice: { batch, from: 0, to: batch.length } };
}
