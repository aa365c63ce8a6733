/**
 * The statistics of a trend in k6's notation: `avg`, `min`, `med`, `max`, `count`, `sum`, `p(95)`.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/k6-options/reference/#summary-trend-stats
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";

/** One statistic of a trend. */
export interface TrendStat {
  /** The statistic as it was written, such as `p(95)`. */
  readonly name: string;
  /** The end of its time series' name, such as `_p95`. */
  readonly suffix: string;
  /** What is computed. The median and the percentiles are quantiles from 0 to 1. */
  readonly of: "avg" | "min" | "max" | "count" | "sum" | { readonly quantile: number };
}

const exactStats = ["avg", "min", "max", "count", "sum"] as const;

const grammar = "avg, min, med, max, count, sum or p(x) with x from 0 to 100";

/**
 * Parses a list of statistics.
 *
 * Percentiles get k6's suffixes, without the dot: `p(99.9)` becomes `_p999`. Two things differ: a percentile between 1 and 10
 * keeps its dot as `_`, because `p(9.5)` would otherwise have the same suffix as `p(95)`; and zeros that change no value are left
 * out, so that `p(95.0)` becomes `_p95` (in k6: `_p950`).
 *
 * @throws {ConfigurationError} for an empty list, an unknown statistic, and two statistics with the same suffix
 */
export function parseTrendStats(list: readonly string[]): TrendStat[] {
  if (list.length === 0) throw unreadable("the list is empty");
  const bySuffix = new Map<string, TrendStat>();
  for (const name of list) {
    const stat = parseTrendStat(name);
    const other = bySuffix.get(stat.suffix);
    if (other !== undefined) {
      throw unreadable(`${other.name} and ${name} are both sent as ${stat.suffix}`, "one of them");
    }
    bySuffix.set(stat.suffix, stat);
  }
  return [...bySuffix.values()];
}

function parseTrendStat(name: string): TrendStat {
  const of = name === "med" ? { quantile: 0.5 } : exactStats.find((stat) => stat === name);
  if (of !== undefined) return { name, suffix: `_${name}`, of };
  const [, digits, whole, fraction = ""] = /^p\((0*(\d*)(?:\.(\d*?)0*)?)\)$/.exec(name) ?? [];
  const percentile = parseFloat(digits ?? "");
  if (!(percentile <= 100)) throw unreadable(`the stat is ${JSON.stringify(name)}`);
  const dot = percentile >= 1 && percentile < 10 && fraction !== "" ? "_" : "";
  return { name, suffix: `_p${whole || 0}${dot}${fraction}`, of: { quantile: percentile / 100 } };
}

function unreadable(problem: string, expected = grammar): ConfigurationError {
  return new ConfigurationError(`Cannot read trend stats: ${problem}, expected ${expected}`);
}
