/**
 * Prometheus's vocabulary: the plain form of what remote write carries, the same for both protocol versions.
 * Series of floats of the generated 1.0 types have this shape too and can be passed as they are; histograms and the messages
 * of 2.0 have another.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 * @module
 */

/** A label of a series. */
export interface Label {
  /** `[a-zA-Z_][a-zA-Z0-9_]*`; the series' name is the label `__name__`. */
  readonly name: string;
  /** Any text but the empty one. */
  readonly value: string;
}

/** A float at a time. */
export interface FloatSample {
  /** Any float64. */
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | bigint;
  /** When a counter began to count, milliseconds since the Unix epoch (2.0 only). */
  readonly startTimestamp?: number | bigint | undefined;
  /** Says that the series ended; `value` is ignored. A flag, as the marker's bits do not survive as a JavaScript number. */
  readonly stale?: boolean | undefined;
}

/** An example of what a series counts, such as a trace. */
export interface Exemplar {
  /** What identifies the example: `trace_id`, `span_id`. */
  readonly labels: readonly Label[];
  /** The value observed. */
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | bigint;
}

/** Consecutive buckets of a native histogram. */
export interface BucketSpan {
  /** Empty buckets since the span before, or the index of the first bucket. */
  readonly offset: number;
  /** How many buckets follow. */
  readonly length: number;
}

/** A native histogram at a time. */
export interface Histogram {
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | bigint;
  /** When it began to count, milliseconds since the Unix epoch (2.0 only). */
  readonly startTimestamp?: number | bigint | undefined;
  /** Observations in all. */
  readonly count: number;
  /** Sum of the observations. */
  readonly sum: number;
  /** -4 to 8: bucket bounds grow by 2^(2^-schema); -53: `customValues` are the bounds. */
  readonly schema: number;
  /** Half the width of the zero bucket. */
  readonly zeroThreshold: number;
  /** Observations in the zero bucket. */
  readonly zeroCount: number;
  /** Where the buckets of positive observations lie. */
  readonly positiveSpans: readonly BucketSpan[];
  /** Their counts, as they are (not as differences). */
  readonly positiveCounts: readonly number[];
  /** Where the buckets of negative observations lie. */
  readonly negativeSpans: readonly BucketSpan[];
  /** Their counts, as they are (not as differences). */
  readonly negativeCounts: readonly number[];
  /** Counts are floats instead of integers. @default false */
  readonly float?: boolean | undefined;
  /** Upper bounds of custom buckets (schema -53). */
  readonly customValues?: readonly number[] | undefined;
  /** Whether counting began anew: 0 unknown, 1 yes, 2 no, 3 gauge. @default 0 */
  readonly resetHint?: number | undefined;
  /** Says that the series ended: sent as a histogram whose sum is the staleness marker. */
  readonly stale?: boolean | undefined;
}

/** A native histogram without its times, which the flush adds. */
export type HistogramValue = Omit<Histogram, "timestamp" | "startTimestamp">;

/** What kind of series a metric is, in the terms of OpenMetrics. */
export type SeriesType =
  | "unknown"
  | "counter"
  | "gauge"
  | "histogram"
  | "gaugehistogram"
  | "summary"
  | "info"
  | "stateset";

/** What a series means. */
export interface Metadata {
  /** Kind of the series. */
  readonly type: SeriesType;
  /** One sentence. */
  readonly help?: string | undefined;
  /** `seconds`, `bytes`, ... */
  readonly unit?: string | undefined;
}

/** One series and what happened to it. */
export interface TimeSeries {
  /** Its identity, in any order. */
  readonly labels: readonly Label[];
  /** Floats; rising in time. A series holds samples or histograms, not both. */
  readonly samples?: readonly FloatSample[] | undefined;
  /** Native histograms; rising in time. */
  readonly histograms?: readonly Histogram[] | undefined;
  /** Examples; rising in time. */
  readonly exemplars?: readonly Exemplar[] | undefined;
  /** What the series means. */
  readonly metadata?: Metadata | undefined;
}
