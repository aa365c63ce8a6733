/**
 * Completes and checks the options of trends.
 *
 * @module
 */
import { checkBuckets } from "../sinks/classic_histogram_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import type { TrendOptions } from "../mapping/trends.ts";
import { oneOf, unexpected, wholeAtLeast } from "../../client/option_checks.ts";
import { defaultOptions, type RemoteWriteOutputOptions } from "./output_options.ts";

/** @throws ConfigurationError that names the option, its value and what was expected */
export function resolveTrends(options: RemoteWriteOutputOptions): TrendOptions {
  const { trendStats = defaultOptions.trendStats, bucketFactor, buckets } = options;
  if (!Array.isArray(trendStats)) throw unexpected("trendStats", trendStats, "a list");
  for (const [name, factor] of entriesOf("bucketFactor", bucketFactor)) {
    if (typeof factor !== "number" || !(factor > 1) || factor === Infinity) {
      throw unexpected(name, factor, "a number above 1");
    }
  }
  for (const [name, bounds] of entriesOf("buckets", buckets)) {
    if (!Array.isArray(bounds) || bounds.length === 0 || bounds.some((bound) => typeof bound !== "number")) {
      throw unexpected(name, bounds, "a list of upper bounds");
    }
    checkBuckets(bounds);
  }
  return {
    form: oneOf(["stats", "native", "histogram"], "trendAs", options.trendAs),
    stats: parseTrendStats(trendStats),
    window: oneOf(["run", "interval"], "trendWindow", options.trendWindow),
    maxExactValues: wholeAtLeast(1, "maxExactValues", options),
    bucketFactor,
    maxBuckets: wholeAtLeast(1, "maxBuckets", options),
    buckets,
  };
}

/** The values of an option that may have one for each metric, by what to call them. */
function entriesOf(option: string, value: unknown): readonly (readonly [name: string, value: unknown])[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[option, value]];
  return Object.entries(value).map(([metric, each]) => [`${option}.${metric}`, each]);
}
