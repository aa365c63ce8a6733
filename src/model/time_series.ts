/**
 * The plain form of time series, the same for both protocol versions. A series of floats in the generated 1.0 types has this
 * shape, too. Histograms in the generated types, and the messages of 2.0, have other shapes.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 * @module
 */

/** A label of a series. */
export interface Label {
  /** Matches `[a-zA-Z_][a-zA-Z0-9_]*`. The label `__name__` holds the name of the metric. */
  readonly name: string;
  /** Any string. A label with an empty value is the same as no label. */
  readonly value: string;
}

/** A float and its time. */
export interface FloatSample {
  /** A float64, which may be NaN or infinite. */
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | bigint;
  /** When the counter started, in milliseconds since the Unix epoch (2.0 only). */
  readonly startTimestamp?: number | bigint | undefined;
  /**
   * Whether this is a staleness marker, which says that the series ended. `value` is then ignored. The marker is a NaN with special
   * bits, which a JavaScript number can lose.
   *
   * @default false
   */
  readonly stale?: boolean | undefined;
}

/** An example of the events that a series counts, such as a trace. */
export interface Exemplar {
  /** The labels that identify the example, such as `trace_id` and `span_id`. */
  readonly labels: readonly Label[];
  /** The observed value, in the unit of its series. */
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | bigint;
}

/** Consecutive buckets of a native histogram. */
export interface BucketSpan {
  /** The number of empty buckets after the previous span. In the first span, the index of the first bucket. */
  readonly offset: number;
  /** The number of buckets in this span. */
  readonly length: number;
}

/** A native histogram and its time. @see https://prometheus.io/docs/specs/native_histograms/ */
export interface Histogram {
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | bigint;
  /** When the histogram started to count, in milliseconds since the Unix epoch (2.0 only). */
  readonly startTimestamp?: number | bigint | undefined;
  /** The number of all observations. */
  readonly count: number;
  /** The sum of all observations. */
  readonly sum: number;
  /** From -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before. -53: `customValues` are the bounds. */
  readonly schema: number;
  /** The largest absolute value in the zero bucket. */
  readonly zeroThreshold: number;
  /** The number of observations in the zero bucket. */
  readonly zeroCount: number;
  /** The positions of the buckets of positive observations. */
  readonly positiveSpans: readonly BucketSpan[];
  /** The counts of the positive buckets (absolute, not differences). */
  readonly positiveCounts: readonly number[];
  /** The positions of the buckets of negative observations. */
  readonly negativeSpans: readonly BucketSpan[];
  /** The counts of the negative buckets (absolute, not differences). */
  readonly negativeCounts: readonly number[];
  /** Whether the counts are floats instead of integers. @default false */
  readonly float?: boolean | undefined;
  /** The upper bounds of custom buckets (schema -53 only). */
  readonly customValues?: readonly number[] | undefined;
  /** Whether the counts were reset: 0 unknown, 1 yes, 2 no, 3 the histogram is a gauge. @default 0 */
  readonly resetHint?: number | undefined;
  /** Whether this is a staleness marker, which says that the series ended. Its other values are then ignored. @default false */
  readonly stale?: boolean | undefined;
}

/** A native histogram without its times. */
export type HistogramValue = Omit<Histogram, "timestamp" | "startTimestamp">;

/** The type of a metric, in the terms of OpenMetrics. */
export type SeriesType = Metadata["type"];

/** The meaning of a series. */
export interface Metadata {
  /** The type of the metric, in the terms of OpenMetrics. */
  readonly type:
    | "unknown"
    | "counter"
    | "gauge"
    | "histogram"
    | "gaugehistogram"
    | "summary"
    | "info"
    | "stateset";
  /** A description, usually one sentence. */
  readonly help?: string | undefined;
  /** The unit, such as `seconds` or `bytes`. */
  readonly unit?: string | undefined;
}

/** One series with its samples. */
export interface TimeSeries {
  /** The labels that identify the series, in any order, with `__name__`. */
  readonly labels: readonly Label[];
  /** The floats, in any order, with different times. A series has samples or histograms, not both. */
  readonly samples?: readonly FloatSample[] | undefined;
  /** The native histograms, in any order, with different times. */
  readonly histograms?: readonly Histogram[] | undefined;
  /** The exemplars, in any order. */
  readonly exemplars?: readonly Exemplar[] | undefined;
  /** The meaning of the series. */
  readonly metadata?: Metadata | undefined;
}

/** One series in its short form: a name, labels as an object, and one value. */
export interface NamedSeries {
  /** The name of the metric, the label `__name__`. */
  readonly name: string;
  /** The labels by name, or as a list. @default {} */
  readonly labels?: Readonly<Record<string, string>> | readonly Label[] | undefined;
  /** A float64, which may be NaN or infinite. */
  readonly value: number;
  /** Milliseconds since the Unix epoch. @default the time of the call */
  readonly timestamp?: number | bigint | undefined;
  /** When the counter started, in milliseconds since the Unix epoch (2.0 only). */
  readonly startTimestamp?: number | bigint | undefined;
  /** The meaning of the series. */
  readonly metadata?: Metadata | undefined;
}

/**
 * A message that protobuf-es generated: `WriteRequest` of 1.0, `Request` of 2.0, or a `TimeSeries` of 1.0. (A series of 2.0 refers to
 * the symbols of its request, so it cannot be sent without the request.)
 */
export interface GeneratedMessage {
  /** The full name of the message type, such as `prometheus.WriteRequest`. */
  readonly $typeName: string;
}

/** What functions that send series accept: one series or a list, each in its short form, in its full form or as a message. */
export type SeriesArgument =
  | NamedSeries
  | TimeSeries
  | GeneratedMessage
  | readonly (NamedSeries | TimeSeries | GeneratedMessage)[];
