/**
 * Messages of the generated types in the plain form of src/model/time_series.ts: what a decoder must give. A NaN is taken for what
 * its field says to be stale only where the caller knows it, as its bits do not survive as a number.
 */
import type * as v1 from "../../gen/proto/prometheus/remote_pb.ts";
import type * as v2 from "../../gen/proto/io/prometheus/write/v2/write_pb.ts";
import type { FloatSample, Histogram, Label, Metadata, SeriesType, TimeSeries } from "../../src/model/time_series.ts";

/** Facts that a message does not contain. */
export interface PlainFormOptions {
  /** Every NaN is a staleness marker. @default false */
  readonly nanIsStale?: boolean;
}

const types: readonly SeriesType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

/** The series of a 1.0 request. */
export function plainSeriesV1(request: v1.WriteRequest, { nanIsStale = false }: PlainFormOptions = {}): TimeSeries[] {
  return request.timeseries.map(({ labels, samples, histograms, exemplars }) => ({
    labels: labels.map(({ name, value }) => ({ name, value })),
    samples: some(
      samples.map(({ value, timestamp }) => plainSample({ value, timestamp, startTimestamp: 0n }, nanIsStale)),
    ),
    histograms: some(histograms.map((histogram) => plainHistogram(histogram, nanIsStale))),
    exemplars: some(exemplars.map(({ labels, value, timestamp }) => ({
      labels: labels.map(({ name, value }) => ({ name, value })),
      value,
      timestamp: Number(timestamp),
    }))),
  }));
}

/** The metadata messages of a 1.0 request. */
export function plainMetadataV1(request: v1.WriteRequest): Map<string, Metadata> {
  return new Map(
    request.metadata.map((
      { metricFamilyName, type, help, unit },
    ) => [metricFamilyName, plainMetadata(type, help, unit)]),
  );
}

/** The series of a 2.0 request. */
export function plainSeriesV2(request: v2.Request, { nanIsStale = false }: PlainFormOptions = {}): TimeSeries[] {
  const { symbols } = request;
  const text = (ref: number): string => ref === 0 ? "" : symbols[ref]!;
  const labels = (refs: readonly number[]): Label[] =>
    refs.flatMap((ref, index) => index % 2 === 0 ? [{ name: symbols[ref]!, value: symbols[refs[index + 1]!]! }] : []);
  return request.timeseries.map(({ labelsRefs, samples, histograms, exemplars, metadata }) => ({
    labels: labels(labelsRefs),
    samples: some(samples.map((sample) => plainSample(sample, nanIsStale))),
    histograms: some(histograms.map((histogram) => plainHistogram(histogram, nanIsStale))),
    exemplars: some(exemplars.map(({ labelsRefs, value, timestamp }) => ({
      labels: labels(labelsRefs),
      value,
      timestamp: Number(timestamp),
    }))),
    metadata: metadata && plainMetadata(metadata.type, text(metadata.helpRef), text(metadata.unitRef)),
  }));
}

function some<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function plainSample(
  { value, timestamp, startTimestamp }: Pick<v2.Sample, "value" | "timestamp" | "startTimestamp">,
  nanIsStale: boolean,
): FloatSample {
  return {
    value,
    timestamp: Number(timestamp),
    ...(startTimestamp !== 0n && { startTimestamp: Number(startTimestamp) }),
    ...(nanIsStale && Number.isNaN(value) && { stale: true }),
  };
}

function plainHistogram(histogram: v1.Histogram | v2.Histogram, nanIsStale: boolean): Histogram {
  const { count, zeroCount, sum, schema, zeroThreshold, customValues, resetHint } = histogram;
  const startTimestamp = "startTimestamp" in histogram ? histogram.startTimestamp : 0n;
  const float = count.case === "countFloat";
  return {
    timestamp: Number(histogram.timestamp),
    ...(startTimestamp !== 0n && { startTimestamp: Number(startTimestamp) }),
    count: Number(count.value ?? 0),
    sum,
    schema,
    zeroThreshold,
    zeroCount: Number(zeroCount.value ?? 0),
    positiveSpans: histogram.positiveSpans.map(({ offset, length }) => ({ offset, length })),
    positiveCounts: float ? histogram.positiveCounts : addedUp(histogram.positiveDeltas),
    negativeSpans: histogram.negativeSpans.map(({ offset, length }) => ({ offset, length })),
    negativeCounts: float ? histogram.negativeCounts : addedUp(histogram.negativeDeltas),
    ...(float && { float }),
    ...(customValues.length > 0 && { customValues }),
    ...(Number(resetHint) !== 0 && { resetHint: Number(resetHint) }),
    ...(nanIsStale && Number.isNaN(sum) && { stale: true }),
  };
}

function addedUp(deltas: readonly bigint[]): number[] {
  let count = 0n;
  return deltas.map((delta) => Number(count += delta));
}

function plainMetadata(type: number, help: string, unit: string): Metadata {
  return { type: types[type] ?? "unknown", ...(help !== "" && { help }), ...(unit !== "" && { unit }) };
}
