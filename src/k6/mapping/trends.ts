/**
 * What a trend becomes: a gauge for each of its stats, a native histogram, or a classic one.
 *
 * @module
 */
import { bucketOf, ClassicHistogramSink, formatLe } from "../sinks/classic_histogram_sink.ts";
import { nativeHistogramDefaults, NativeHistogramSink } from "../sinks/native_histogram_sink.ts";
import { TrendSink, type TrendWindow } from "../sinks/trend_sink.ts";
import type { TrendStat } from "../sinks/trend_stats.ts";
import type { Metric, ValueType } from "../metric.ts";
import type { Metadata } from "../../model/time_series.ts";
import type { MetricMapping, OutputSeries } from "./mapping.ts";

/** The forms of a trend. */
export type TrendForm = "stats" | "native" | "histogram";

/** One value for all metrics, or one for each by its name in k6. */
export type PerMetric<Value> = Value | Readonly<Record<string, Value>>;

/** How trends are sent. */
export interface TrendOptions {
  /** The form. */
  readonly form: TrendForm;
  /** The gauges of the form `stats`. */
  readonly stats: readonly TrendStat[];
  /** What the percentiles of the form `stats` are of. */
  readonly window: TrendWindow;
  /** Values of a series up to which percentiles are exact. */
  readonly maxExactValues: number;
  /** Growth of the buckets of the form `native`; metrics that are not named have the default. */
  readonly bucketFactor: PerMetric<number> | undefined;
  /** Most buckets of the form `native`. */
  readonly maxBuckets: number;
  /** Upper bounds of the form `histogram`, in the unit that is sent; metrics that are not named have the defaults. */
  readonly buckets: PerMetric<readonly number[]> | undefined;
}

const units: Readonly<Record<ValueType, string | undefined>> = { default: undefined, time: "seconds", data: "bytes" };

/** Upper bounds for values of each kind. */
export const defaultBuckets: Readonly<Record<ValueType, readonly number[]>> = {
  // Those of Prometheus's clients, and on to k6's timeout of a request, which is 60 s.
  time: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  // From a small header to a large download, by factors of four: 256 B to 16 MiB.
  data: [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216],
  // Nothing is known of them; steps of a decade suit counts of things.
  default: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
};

/** The unit in which a metric's values are sent, if it is known. */
export function unitOf(metric: Metric): string | undefined {
  return units[metric.contains];
}

/** @param options the name is the metric's with the prefix, valid */
export function mapTrend(metric: Metric, options: TrendOptions & { readonly name: string }): MetricMapping {
  // k6 measures time in milliseconds and Prometheus in seconds.
  const divisor = metric.contains === "time" ? 1000 : 1;
  const scale = 1 / divisor;
  const unit = unitOf(metric);
  if (options.form === "stats") {
    const { stats, window, maxExactValues } = options;
    return {
      outputs: stats.map(({ suffix }) => ({ name: `${options.name}${suffix}`, metadata: { type: "gauge", unit } })),
      createSink: () => new TrendSink(stats, { scale, window, maxExactValues }),
    };
  }
  // A histogram's name ends in its unit, as in k6's own output.
  const name = unit === undefined ? options.name : `${options.name}_${unit}`;
  const metadata: Metadata = { type: "histogram", unit };
  if (options.form === "native") {
    const { maxBuckets } = options;
    const factor = typeof options.bucketFactor === "object"
      ? ofMetric(metric, options.bucketFactor)
      : options.bucketFactor;
    const bucketFactor = factor ?? nativeHistogramDefaults.bucketFactor;
    return {
      outputs: [{ name, metadata }],
      createSink: () => new NativeHistogramSink({ bucketFactor, maxBuckets, scale }),
      placeExemplar: (value) => ({ output: 0, value: value / divisor }),
    };
  }
  const bounds = boundsOf(metric, options.buckets);
  const buckets: OutputSeries[] = [...bounds, Infinity].map((bound) => ({
    name: `${name}_bucket`,
    labels: { le: formatLe(bound) },
    metadata,
  }));
  return {
    outputs: [...buckets, { name: `${name}_sum`, metadata }, { name: `${name}_count`, metadata }],
    createSink: () => new ClassicHistogramSink(bounds, { scale }),
    placeExemplar: (value) => ({ output: bucketOf(value / divisor, bounds), value: value / divisor }),
  };
}

function boundsOf(metric: Metric, buckets: TrendOptions["buckets"]): readonly number[] {
  const given = isList(buckets) ? buckets : ofMetric(metric, buckets);
  return given ?? defaultBuckets[metric.contains];
}

/** A metric may be called as what every object has, such as `constructor`. */
function ofMetric<Value>({ name }: Metric, values: Readonly<Record<string, Value>> = {}): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Array.isArray does not tell a readonly array from an object. */
function isList(buckets: TrendOptions["buckets"]): buckets is readonly number[] {
  return Array.isArray(buckets);
}
