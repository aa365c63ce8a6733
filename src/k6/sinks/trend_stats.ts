/**
 * What is told of a trend's values, in k6's notation: `avg`, `min`, `med`, `max`, `count`, `sum`, `p(95)`.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/k6-options/reference/#summary-trend-stats
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";

/** One number told of a trend's values. */
export interface TrendStat {
  /** As written: `p(95)`. */
  readonly name: string;
  /** What its series has after the metric's name: `_p95`. */
  readonly suffix: string;
  /** What it is; the median and the percentiles are quantiles, 0 to 1. */
  readonly of: "avg" | "min" | "max" | "count" | "sum" | { readonly quantile: number };
}

const named: ReadonlyMap<string, TrendStat["of"]> = new Map<string, TrendStat["of"]>([
  ["avg", "avg"],
  ["min", "min"],
  ["med", { quantile: 0.5 }],
  ["max", "max"],
  ["count", "count"],
  ["sum", "sum"],
]);

/**
 * Reads a list of trend stats.
 *
 * Percentiles are named as k6 names them, without the dot: `p(99.9)` is `_p999`. Only a fraction between 1 and 10 keeps
 * it as `_`, as `p(9.5)`, which is `_p9_5`, would otherwise take the name of `p(95)`.
 *
 * @throws {ConfigurationError} for what is no stat, and for two of one name
 */
export function parseTrendStats(list: readonly string[]): TrendStat[] {
  if (list.length === 0) {
    throw new ConfigurationError(`Cannot read trend stats: the list is empty, expected ${grammar}`);
  }
  const stats = list.map(parseTrendStat);
  const bySuffix = new Map<string, TrendStat>();
  for (const stat of stats) {
    const other = bySuffix.get(stat.suffix);
    if (other !== undefined) {
      throw new ConfigurationError(
        `Cannot name trend stats: the name of both ${other.name} and ${stat.name} is ${stat.suffix}, expected one of them`,
      );
    }
    bySuffix.set(stat.suffix, stat);
  }
  return stats;
}

const grammar = "avg, min, med, max, count, sum or p(x) with x from 0 to 100";

function parseTrendStat(name: string): TrendStat {
  const statistic = named.get(name);
  if (statistic !== undefined) return { name, suffix: `_${name}`, of: statistic };
  const text = /^p\((\d+\.?\d*|\.\d+)\)$/.exec(name)?.[1];
  const percentile = Number(text);
  if (text === undefined || percentile > 100) {
    throw new ConfigurationError(`Cannot read trend stats: the stat is ${JSON.stringify(name)}, expected ${grammar}`);
  }
  return { name, suffix: `_p${percentileDigits(text)}`, of: { quantile: percentile / 100 } };
}

/** The digits of a percentile, without zeros that say nothing: `095.50` is `955`. */
function percentileDigits(text: string): string {
  const [integer = "", decimals = ""] = text.split(".");
  const whole = Number(integer);
  const fraction = decimals.replace(/0+$/, "");
  const ambiguous = whole >= 1 && whole < 10 && fraction !== "";
  return `${whole}${ambiguous ? "_" : ""}${fraction}`;
}
