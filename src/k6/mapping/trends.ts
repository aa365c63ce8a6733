/**
 * How trends become time series: one gauge per statistic, a native histogram, or a classic histogram.
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

/** The form of a trend: one gauge per statistic, a native histogram, or a classic histogram. */
export type TrendForm = "stats" | "native" | "histogram";

/** One value for all metrics, or values by the metric's name in k6. */
type PerMetric<Value> = Value | Readonly<Record<string, Value>>;

/** The form in which trends are sent, and how exact it is. */
export interface TrendOptions {
  /** The form of all trends. */
  readonly form: TrendForm;
  /** The statistics of the form `stats`. */
  readonly stats: readonly TrendStat[];
  /** The window of the percentiles of the form `stats`: the run, or the time since the last flush. */
  readonly window: TrendWindow;
  /** Percentiles are exact up to this number of values of a series. */
  readonly maxExactValues: number;
  /** The growth of the buckets of the form `native`. Metrics that are not named have the default. */
  readonly bucketFactor: PerMetric<number> | undefined;
  /** The largest number of buckets of the form `native`. */
  readonly maxBuckets: number;
  /** The upper bounds of the form `histogram`, in the unit that is sent. Metrics that are not named have the defaults. */
  readonly buckets: PerMetric<readonly number[]> | undefined;
}

const units: Readonly<Record<ValueType, string | undefined>> = { default: undefined, time: "seconds", data: "bytes" };

/** The default upper bounds, by the type of a metric's values. */
const defaultBuckets: Readonly<Record<ValueType, readonly number[]>> = {
  // The bounds of Prometheus's clients, continued up to k6's timeout of a request, which is 60 s.
  time: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  // From a small header to a large download in factors of four: 256 B to 16 MiB.
  data: [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216],
  // Nothing is known about these values. Three steps per decade suit counts.
  default: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
};

/** Returns the unit in which a metric's values are sent, or undefined if the unit is unknown. */
export function unitOf(metric: Metric): string | undefined {
  return units[metric.contains];
}

/**
 * Returns the mapping of a trend.
 *
 * @param options also contain the valid name of the metric, with the prefix
 */
export function mapTrend(metric: Metric, options: TrendOptions & { readonly name: string }): MetricMapping {
  // k6 measures time in milliseconds and Prometheus in seconds.
  const divisor = metric.contains === "time" ? 1000 : 1;
  const scale = 1 / divisor;
  const unit = unitOf(metric);
  if (options.form === "stats") {
    const { stats, window, maxExactValues } = options;
    const sinkOptions = { scale, window, maxExactValues };
    return {
      outputs: stats.map(({ suffix }) => ({ name: `${options.name}${suffix}`, metadata: { type: "gauge", unit } })),
      createSink: () => new TrendSink(stats, sinkOptions),
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

/** Returns the value of a metric. A metric may have the name of a property of every object, such as `constructor`. */
function ofMetric<Value>({ name }: Metric, values: Readonly<Record<string, Value>> = {}): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Array.isArray does not narrow the type of a readonly array. */
function isList(buckets: TrendOptions["buckets"]): buckets is readonly number[] {
  return Array.isArray(buckets);
}
