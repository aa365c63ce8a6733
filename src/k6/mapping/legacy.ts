/**
 * The mapping with the names of the extension's first releases, for dashboards made in 2021 and 2022.
 *
 * @module
 */
import { CounterSink, GaugeSink, RateSink, type Sink } from "../sinks/sink.ts";
import { checkKeys, unexpected } from "../../model/check_keys.ts";
import { TrendSink, trendSinkDefaults } from "../sinks/trend_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import type { Metric } from "../metric.ts";
import type { SeriesType } from "../../model/time_series.ts";
import { validMetricName } from "../../model/labels.ts";
import type { Mapping, MetricMapping } from "./mapping.ts";

const statsOfTrends = ["min", "max", "avg", "med", "p(90)", "p(95)"];

/**
 * Returns the legacy mapping: counters, gauges and rates have no suffix, a trend becomes `_min _max _avg _med _p90 _p95`, and times
 * are in milliseconds. Each series has its own values, whereas the first releases added up all series of a metric.
 *
 * @throws {ConfigurationError} naming the option, its value and what was expected
 * @example
 * ```ts
 * import { legacyMapping, RemoteWriteOutput } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ mapping: legacyMapping({ prefix: "k6_" }) });
 * await output.close();
 * ```
 */
export function legacyMapping(
  options: {
    /** Begins the name of every metric. It must be the same as the output's option `prefix`, which is "k6_" by default. */
    readonly prefix: string;
    /** Percentiles are exact up to this number of values of a series. @default 10000 */
    readonly maxExactValues?: number | undefined;
  },
): Mapping {
  checkKeys(options, ["prefix", "maxExactValues"], "legacyMapping");
  const { prefix, maxExactValues = trendSinkDefaults.maxExactValues } = options;
  if (typeof prefix !== "string") throw unexpected("legacyMapping.prefix", prefix, "a string");
  if (!Number.isSafeInteger(maxExactValues) || maxExactValues < 1) {
    throw unexpected("legacyMapping.maxExactValues", maxExactValues, "a whole number from 1");
  }
  const trendStats = parseTrendStats(statsOfTrends);
  const single = (name: string, type: SeriesType, createSink: () => Sink): MetricMapping => ({
    outputs: [{ name, metadata: { type } }],
    createSink,
  });
  return {
    name: "legacy",
    mapMetric(metric: Metric): MetricMapping {
      const name = validMetricName(`${prefix}${metric.name}`);
      switch (metric.type) {
        case "counter":
          return {
            ...single(name, "counter", () => new CounterSink()),
            placeExemplar: (value) => ({ output: 0, value }),
          };
        case "gauge":
          return single(name, "gauge", () => new GaugeSink());
        case "rate":
          return single(name, "gauge", () => new RateSink({ counters: false }));
        case "trend":
          return {
            outputs: trendStats.map(({ suffix }) => ({ name: `${name}${suffix}`, metadata: { type: "gauge" } })),
            createSink: () => new TrendSink(trendStats, { scale: 1, window: "run", maxExactValues }),
          };
      }
    },
  };
}
