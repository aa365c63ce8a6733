/**
 * The values of a metric over all instances of a run, and why a value cannot be known.
 *
 * @module
 */
import { largest, smallest } from "./extremes.ts";
import type { MetricType, ValueType } from "../../k6/metric.ts";
import { type Aggregation, hasAggregation } from "../../k6/run_metrics/threshold_expression.ts";
import type { TrendStat } from "../../k6/sinks/trend_stats.ts";
import { type Estimate, type Histogram, histogramMax, histogramMin, histogramQuantile } from "./histogram_quantile.ts";

/** A value in the metric's own unit (milliseconds for times), or why it is not known. */
export type Answer =
  | {
    readonly value: number;
    /** The bounds between which the true value lies, if the value is an estimate. */
    readonly bounds?: { readonly low: number; readonly high: number } | undefined;
    readonly problem?: undefined;
  }
  | { readonly problem: string; readonly value?: undefined; readonly bounds?: undefined };

/** What the queries returned about a metric. Values are as they are stored: in seconds for times. */
export type StoredValues =
  | { readonly type: "counter"; readonly count: number; readonly seconds: number }
  | { readonly type: "gauge"; readonly value: number | undefined; readonly min: number; readonly max: number }
  | { readonly type: "rate"; readonly passes: number; readonly samples: number }
  /** Only the ratios of series were sent. */
  | { readonly type: "rate"; readonly ratios: readonly number[] }
  | { readonly type: "trend"; readonly histogram: Histogram }
  /** All samples are known. Their values are in the metric's own unit. */
  | { readonly type: "trend"; readonly samples: TrendSamples }
  | {
    readonly type: "trend";
    /** The number of series that have each statistic: a percentile of several series cannot be known. */
    readonly series: number;
    /** By suffix, such as `_p95`: the minimum of minima, the maximum of maxima, the sum of counts, or the only value. */
    readonly stats: ReadonlyMap<string, number>;
    readonly isUnitKnown: boolean;
  };

/** The values of all samples of a trend. */
interface TrendSamples {
  readonly count: number;
  read(aggregation: TrendStat["of"]): number;
}

/** A metric with its values, or with the samples of it that have certain tags. */
export class MetricReading {
  readonly name: string;
  readonly type: MetricType;
  readonly contains: ValueType;
  readonly values: StoredValues;
  readonly #scale: number;

  constructor(
    { name, contains }: { readonly name: string; readonly contains: ValueType },
    values: StoredValues,
  ) {
    this.name = name;
    this.type = values.type;
    this.contains = contains;
    this.values = values;
    this.#scale = contains === "time" ? 1000 : 1;
  }

  /** The form of a trend, which decides what can be known about it. */
  get trendForm(): "native" | "classic" | "stats" | "samples" | undefined {
    if (this.values.type !== "trend") return undefined;
    if ("samples" in this.values) return "samples";
    return "histogram" in this.values ? this.values.histogram.form : "stats";
  }

  /** The number of values of a trend or a rate, if it is known. */
  get count(): number | undefined {
    const { values } = this;
    if (values.type === "trend" && "samples" in values) return values.samples.count;
    if (values.type === "trend") return "histogram" in values ? values.histogram.count : values.stats.get("_count");
    if (values.type === "rate") return "samples" in values ? values.samples : undefined;
    return values.type === "counter" ? values.count : undefined;
  }

  /** Returns a value of the metric. */
  get(aggregation: Aggregation): Answer {
    const { values } = this;
    if (!hasAggregation(values.type, aggregation)) {
      return { problem: `a metric of the type ${values.type} has no such value` };
    }
    switch (values.type) {
      case "counter":
        if (aggregation === "count") return { value: values.count };
        if (values.seconds > 0) return { value: values.count / values.seconds };
        return { problem: "samples of one moment give no rate per second" };
      case "gauge":
        if (values.value !== undefined) return { value: values.value };
        return { problem: "several series with different values give no single value" };
      case "rate":
        return rateOf(values);
      case "trend":
        if ("samples" in values) return ofSamples(values.samples, aggregation);
        return "histogram" in values
          ? this.#ofHistogram(values.histogram, aggregation)
          : this.#ofStats(values, aggregation);
    }
  }

  #ofHistogram(histogram: Histogram, aggregation: Aggregation): Answer {
    if (!(histogram.count > 0)) return { problem: "the histogram has no values" };
    if (aggregation === "avg") return { value: histogram.sum / histogram.count * this.#scale };
    const estimate = estimateOf(histogram, aggregation);
    if (estimate === undefined) return { problem: "the histogram has no buckets" };
    const { value, low, high } = estimate;
    return { value: value * this.#scale, bounds: { low: low * this.#scale, high: high * this.#scale } };
  }

  #ofStats(values: Extract<StoredValues, { readonly stats: unknown }>, aggregation: Aggregation): Answer {
    const { stats, series, isUnitKnown } = values;
    const { name } = this;
    const stat = suffixOf(aggregation);
    const value = stats.get(stat);
    if (value === undefined && series > 1 && stat !== "_min" && stat !== "_max") {
      return {
        problem:
          "averages and percentiles of several series cannot be added up; send with --trend-as native (or histogram, without --light)",
      };
    }
    if (value === undefined) {
      return {
        problem: `the statistic ${stat.slice(1)} was not sent; add it to --trend-stats, or send with --trend-as native`,
      };
    }
    if (!isUnitKnown) {
      return {
        problem:
          `its unit is not known; send with --trend-as native, or say it to verdict: --metric-type ${name}=trend:time or ${name}=trend`,
      };
    }
    return { value: value * this.#scale };
  }
}

/**
 * Returns what the statistics of series say together: the smallest minimum, the largest maximum, the sum of counts. Others are known
 * only if one series has them. Returns undefined if there are none.
 *
 * @param values the values of all series by the suffix of the statistic, such as `_p95`
 */
export function statisticsOf(
  values: ReadonlyMap<string, readonly number[]>,
  isUnitKnown: boolean,
): StoredValues | undefined {
  const stats = new Map<string, number>();
  let series = 0;
  for (const [suffix, ofSeries] of values) {
    const [first, ...others] = ofSeries;
    series = Math.max(series, ofSeries.length);
    if (first === undefined) continue;
    if (suffix === "_min") stats.set(suffix, smallest(ofSeries));
    else if (suffix === "_max") stats.set(suffix, largest(ofSeries));
    else if (suffix === "_sum" || suffix === "_count") {
      stats.set(
        suffix,
        others.reduce((sum, each) => sum + each, first),
      );
    } else if (others.length === 0) stats.set(suffix, first);
  }
  // k6's own output divides the count of times by 1000.
  if (!Number.isInteger(stats.get("_count") ?? 0)) stats.delete("_count");
  const [sum, count] = [stats.get("_sum"), stats.get("_count")];
  if (sum !== undefined && count !== undefined && count > 0 && !stats.has("_avg")) stats.set("_avg", sum / count);
  return series === 0 ? undefined : { type: "trend", series, stats, isUnitKnown };
}

/** Returns the end of the name of a statistic's series. */
export function suffixOf(aggregation: Aggregation): string {
  if (typeof aggregation !== "object") return `_${aggregation}`;
  if (aggregation.quantile === 0.5) return "_med";
  const percentile = String(Number((aggregation.quantile * 100).toPrecision(12)));
  const [whole = "0", fraction = ""] = percentile.split(".");
  // As in the names of the series: p(99.9) is _p999, and p(9.5) is _p9_5.
  const dot = fraction !== "" && whole.length === 1 && whole !== "0" ? "_" : "";
  return `_p${whole}${dot}${fraction}`;
}

function ofSamples(samples: TrendSamples, aggregation: Aggregation): Answer {
  // A trend has neither.
  if (aggregation === "value" || aggregation === "rate") return { problem: "a trend has no such value" };
  return { value: samples.read(aggregation) };
}

function rateOf(values: Extract<StoredValues, { readonly type: "rate" }>): Answer {
  if ("samples" in values) {
    return values.samples > 0 ? { value: values.passes / values.samples } : { problem: "the rate has no samples" };
  }
  const [first = NaN, ...others] = values.ratios;
  if (others.every((ratio) => ratio === first)) return { value: first };
  return {
    problem:
      "ratios of several series cannot be added up; run sends the counters of rates, too, without --light and --no-rate-counters",
  };
}

function estimateOf(histogram: Histogram, aggregation: Aggregation): Estimate | undefined {
  if (aggregation === "min") return histogramMin(histogram);
  if (aggregation === "max") return histogramMax(histogram);
  return typeof aggregation === "object" ? histogramQuantile(histogram, aggregation.quantile) : undefined;
}
