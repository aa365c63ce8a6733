/**
 * Turns the metrics of an OpenTelemetry SDK into time series. The types name only what is used of the SDK's data, which is the same in
 * its versions 1, 2 and 3.
 *
 * @see https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
 * @module
 */
import type { BucketSpan, Exemplar, Histogram, Label, Metadata, TimeSeries } from "../model/time_series.ts";
import { labelNameOf, metricNameOf, type TranslationStrategy, unitOf } from "./otel_names.ts";

/** Seconds since the Unix epoch, and nanoseconds. */
export type OtelTime = readonly [seconds: number, nanoseconds: number];

/** The attributes of a resource, a data point or an observation, by key. They become labels. */
export type OtelAttributes = Readonly<Record<string, unknown>>;

/** The value of a data point of a histogram with explicit bounds. */
export interface OtelHistogram {
  /** The number of all observations. */
  readonly count: number;
  /** The sum of all observations; undefined if they may be negative. */
  readonly sum?: number | undefined;
  /** The upper bounds, and the count of each bucket and of the one above the last bound. */
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
}

/** The buckets of an exponential histogram, from the index `offset` on. */
export interface OtelBuckets {
  /** The index of the first bucket. */
  readonly offset: number;
  /** The count of each bucket. */
  readonly bucketCounts: readonly number[];
}

/** The value of a data point of a histogram with exponential buckets. */
export interface OtelExponentialHistogram {
  /** The number of all observations. */
  readonly count: number;
  /** The sum of all observations; undefined if they may be negative. */
  readonly sum?: number | undefined;
  /** Each bucket is 2^(2^-scale) times as wide as the one before. */
  readonly scale: number;
  /** The number of observations of 0. */
  readonly zeroCount: number;
  /** The buckets of positive observations. */
  readonly positive: OtelBuckets;
  /** The buckets of negative observations. */
  readonly negative: OtelBuckets;
}

/** An example of the observations of a data point. (The SDK has no exemplars in its data points yet.) */
export interface OtelExemplar {
  /** The attributes of the observation that the data point does not have. */
  readonly filteredAttributes?: OtelAttributes | undefined;
  /** The value that was observed, in the unit of the metric. */
  readonly value: number;
  /** The time of the observation. */
  readonly timestamp: OtelTime;
  /** The trace in which the observation was made. */
  readonly traceId?: string | undefined;
  /** The span in which the observation was made. */
  readonly spanId?: string | undefined;
}

/** A value with its attributes and times. */
export interface OtelDataPoint {
  /** When the value began to count. */
  readonly startTime: OtelTime;
  /** When the value was read. */
  readonly endTime: OtelTime;
  /** The attributes, which become labels. */
  readonly attributes: OtelAttributes;
  /** A number or a histogram. */
  readonly value: number | OtelHistogram | OtelExponentialHistogram;
  /** The exemplars of the data point: single observations with their traces. */
  readonly exemplars?: readonly OtelExemplar[] | undefined;
}

/** A metric with its data points. */
export interface OtelMetric {
  /** Name, description and unit of the metric. */
  readonly descriptor: { readonly name: string; readonly description: string; readonly unit: string };
  /** Whether values count from the last export (0: delta, which is left out) or from the start (1: cumulative). */
  readonly aggregationTemporality: number;
  /** Whether a sum only rises; undefined for other metrics. */
  readonly isMonotonic?: boolean | undefined;
  /** The values of the metric, one for each set of attributes. */
  readonly dataPoints: readonly OtelDataPoint[];
}

/** The metrics of one scope. */
export interface OtelScopeMetrics {
  /** The library that made the metrics. */
  readonly scope: {
    readonly name: string;
    readonly version?: string | undefined;
    readonly schemaUrl?: string | undefined;
    readonly attributes?: OtelAttributes | undefined;
  };
  /** The metrics that the library made, with their values. */
  readonly metrics: readonly OtelMetric[];
}

/** All metrics of a provider. */
export interface OtelResourceMetrics {
  /** The program that the metrics are about. */
  readonly resource: { readonly attributes: OtelAttributes };
  /** The metrics of the program, grouped by the library that made them. */
  readonly scopeMetrics: readonly OtelScopeMetrics[];
}

/** How metrics become series: their names, their further labels and their times. */
export interface OtelSeriesOptions {
  readonly strategy: TranslationStrategy;
  /** Labels of all series. Others of the same name take precedence. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether there is a series `target_info`. */
  readonly targetInfo: boolean;
  /** Whether series have labels of their scope. */
  readonly scopeLabels: boolean;
  /** The earliest timestamp, in milliseconds since the Unix epoch: earlier ones are moved there. */
  readonly minTime: number;
  /** Receives why a metric or a data point is left out. */
  readonly onSkip: (message: string) => void;
}

/** The labels of a series by name. */
type Labels = ReadonlyMap<string, string>;

/** Everything that the series of a metric share. */
interface Context extends OtelSeriesOptions {
  /** The labels of the resource and of the scope. */
  readonly own: Labels;
  readonly name: string;
  readonly metadata: Metadata;
}

/** Returns the series of all metrics, each with one sample. */
export function otelSeries(metrics: OtelResourceMetrics, options: OtelSeriesOptions): TimeSeries[] {
  const { attributes } = metrics.resource;
  const target = targetLabels(attributes, options.labels);
  const series: TimeSeries[] = [];
  let latest = 0;
  for (const { scope, metrics: ofScope } of metrics.scopeMetrics) {
    const own = options.scopeLabels ? new Map([...target, ...scopeLabels(scope, options.strategy)]) : target;
    for (const metric of ofScope) {
      const context = contextOf(metric, { ...options, own });
      if (context === undefined) continue;
      for (const point of metric.dataPoints) {
        latest = Math.max(latest, timeOf(point, options));
        series.push(...seriesOfPoint(point, context));
      }
    }
  }
  const info = translated(attributes, options.strategy);
  if (!options.targetInfo || info.size === 0 || series.length === 0) return series;
  const metadata: Metadata = { type: "info", help: "Target metadata" };
  const labels = labelsOf("target_info", new Map([...info, ...target]));
  return [...series, { labels, metadata, samples: [{ value: 1, timestamp: latest }] }];
}

/** Returns `job` and `instance`, which distinguish programs, and the labels of all series. */
function targetLabels(attributes: OtelAttributes, labels: OtelSeriesOptions["labels"]): Labels {
  const of = (key: string): string => textOf(attributes[`service.${key}`]);
  const [namespace, name, instance] = ["namespace", "name", "instance.id"].map(of);
  const target = { job: namespace && name ? `${namespace}/${name}` : name, instance };
  return new Map([...Object.entries(labels), ...Object.entries(target)].flatMap(([label, value]) => {
    return value ? [[label, value]] : [];
  }));
}

function scopeLabels(
  { name, version, schemaUrl, attributes = {} }: OtelScopeMetrics["scope"],
  strategy: TranslationStrategy,
): Labels {
  const prefixed = Object.entries(attributes).map(([key, value]) => [`otel_scope_${key}`, value] as const);
  return new Map([
    ...translated(Object.fromEntries(prefixed), strategy),
    ["otel_scope_name", name],
    ["otel_scope_version", version ?? ""],
    ["otel_scope_schema_url", schemaUrl ?? ""],
  ]);
}

function contextOf(metric: OtelMetric, options: OtelSeriesOptions & Pick<Context, "own">): Context | undefined {
  const { descriptor, aggregationTemporality, isMonotonic, dataPoints: [first] } = metric;
  const { name: given, unit, description: help } = descriptor;
  if (first === undefined) return undefined;
  const isHistogram = typeof first.value !== "number";
  if (aggregationTemporality === 0 && (isHistogram || isMonotonic !== undefined)) {
    options.onSkip(`The metric ${given} is left out: its temporality is delta, expected cumulative.`);
    return undefined;
  }
  const type = isHistogram ? "histogram" : isMonotonic ? "counter" : "gauge";
  const kind = type === "histogram" || isMonotonic === false ? "other" : type;
  const name = metricNameOf({ name: given, unit, kind }, options.strategy);
  return { ...options, name, metadata: { type, help, unit: unitOf(unit) } };
}

function seriesOfPoint(point: OtelDataPoint, context: Context): TimeSeries[] {
  const { value, attributes } = point;
  const { own, name, metadata, strategy, onSkip } = context;
  const times = { timestamp: timeOf(point, context), startTimestamp: milliseconds(point.startTime) };
  const labels = new Map(own);
  for (const [label, text] of translated(attributes, strategy)) {
    // Prometheus renames labels in the same way at a scrape. A label of the options is only a default.
    const isTaken = own.has(label) && own.get(label) !== context.labels[label];
    labels.set(isTaken ? `exported_${label}` : label, text);
  }
  const exemplars = point.exemplars?.map((exemplar) => exemplarOf(exemplar, strategy));
  const floats = (suffix: string, value: number, le?: string): TimeSeries => ({
    labels: labelsOf(name + suffix, le === undefined ? labels : new Map([...labels, ["le", le]])),
    metadata,
    samples: [{ value, ...times }],
  });
  if (typeof value === "number") {
    if (metadata.type === "counter") return [{ ...floats("", value), exemplars }];
    // A gauge has no start.
    return [{ ...floats("", value), samples: [{ value, timestamp: times.timestamp }] }];
  }
  const { count, sum } = value;
  if ("buckets" in value) {
    const series = sum === undefined ? [] : [floats("_sum", sum)];
    series.push(floats("_count", count));
    let [total, below] = [0, -Infinity];
    for (const [index, bound] of [...value.buckets.boundaries.filter(Number.isFinite), Infinity].entries()) {
      total += value.buckets.counts[index] ?? 0;
      const isLast = bound === Infinity;
      const inBucket = exemplars?.filter(({ value }) => value > below && value <= bound);
      series.push({
        ...floats("_bucket", isLast ? count : total, isLast ? "+Inf" : String(bound)),
        exemplars: inBucket,
      });
      below = bound;
    }
    return series;
  }
  if (value.scale < -4 || sum === undefined) {
    const problem = sum === undefined ? "it has no sum" : `its scale is ${value.scale}, expected -4 or more`;
    onSkip(`A histogram of the metric ${name} is left out: ${problem}.`);
    return [];
  }
  return [{ labels: labelsOf(name, labels), metadata, exemplars, histograms: [{ ...times, ...nativeOf(value, sum) }] }];
}

/** Native histograms have at most this schema. */
const maxSchema = 8;

function nativeOf(
  { count, scale, zeroCount, positive, negative }: OtelExponentialHistogram,
  sum: number,
): Omit<Histogram, "timestamp"> {
  const shift = Math.max(0, scale - maxSchema);
  const [positiveSpans, positiveCounts] = spansOf(positive, shift);
  const [negativeSpans, negativeCounts] = spansOf(negative, shift);
  const spans = { positiveSpans, positiveCounts, negativeSpans, negativeCounts };
  // The zero threshold is the one that OpenTelemetry's specification prescribes.
  return { count, sum, schema: scale - shift, zeroThreshold: 1e-128, zeroCount, ...spans };
}

/** Returns the buckets that are not empty. If there are too many, 2^shift of them become one. */
function spansOf({ offset, bucketCounts }: OtelBuckets, shift: number): [spans: BucketSpan[], counts: number[]] {
  const spans: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let end = 0;
  for (const [at, count] of bucketCounts.entries()) {
    if (count === 0) continue;
    // OpenTelemetry counts by the lower bound, Prometheus by the upper one.
    const index = ((offset + at) >> shift) + 1;
    const last = spans.at(-1);
    if (last !== undefined && index < end) {
      counts.push((counts.pop() ?? 0) + count);
      continue;
    }
    if (last !== undefined && index === end) last.length++;
    else spans.push({ offset: index - end, length: 1 });
    counts.push(count);
    end = index + 1;
  }
  return [spans, counts];
}

/** The limit of an exemplar's labels in OpenMetrics, in characters. Prometheus rejects longer ones. */
const maxExemplarLength = 128;

function exemplarOf(
  { filteredAttributes = {}, value, timestamp, traceId, spanId }: OtelExemplar,
  strategy: TranslationStrategy,
): Exemplar {
  const ids = Object.entries({ trace_id: traceId ?? "", span_id: spanId ?? "" }).filter(([, id]) => id !== "");
  const all = labelsOf("", new Map([...translated(filteredAttributes, strategy), ...ids]));
  const length = all.reduce((sum, { name, value }) => sum + [...name + value].length, 0);
  return {
    labels: length > maxExemplarLength ? labelsOf("", new Map(ids)) : all,
    value,
    timestamp: milliseconds(timestamp),
  };
}

/** Returns attributes as labels. The values of attributes that get the same name are joined, in the order of their keys. */
function translated(attributes: OtelAttributes, strategy: TranslationStrategy): Map<string, string> {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const name = labelNameOf(key, strategy);
    // OpenTelemetry forbids the first, and the second is the metric's name. They must not cost the series.
    if (name === "" || name === "__name__") continue;
    const before = labels.get(name);
    const text = textOf(attributes[key]);
    labels.set(name, before === undefined ? text : `${before};${text}`);
  }
  return labels;
}

/** Returns the value of an attribute as a string: JSON, except for strings and numbers that JSON does not have. */
function textOf(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
}

function labelsOf(name: string, labels: Labels): Label[] {
  return Array.from([["__name__", name], ...labels], ([name = "", value = ""]) => ({ name, value }))
    .filter(({ value }) => value !== "");
}

function timeOf({ endTime }: OtelDataPoint, { minTime }: Pick<OtelSeriesOptions, "minTime">): number {
  return Math.max(minTime, milliseconds(endTime));
}

function milliseconds([seconds, nanoseconds]: OtelTime): number {
  return seconds * 1000 + Math.floor(nanoseconds / 1e6);
}
