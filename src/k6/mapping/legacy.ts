/**
 * The names of the first releases of the extension, for dashboards made in 2021 and 2022.
 *
 * @module
 */
import { CounterSink, GaugeSink, RateSink, type Sink } from "../sinks/sink.ts";
import { TrendSink } from "../sinks/trend_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import type { Metric } from "../metric.ts";
import type { SeriesType } from "../../model/time_series.ts";
import { validMetricName } from "../../model/labels.ts";
import type { Mapping, MetricMapping } from "./mapping.ts";

/** What the legacy mapping can be told. */
export interface LegacyMappingOptions {
  /** Begins every name. */
  readonly prefix: string;
  /** Values of a series up to which percentiles are exact. */
  readonly maxExactValues: number;
}

const statsOfTrends = ["min", "max", "avg", "med", "p(90)", "p(95)"];

/**
 * Counter, gauge and rate without a suffix, trend as `_min _max _avg _med _p90 _p95`, times in milliseconds. Unlike the first
 * releases, which added all series of a metric up into one, each series has values of its own.
 */
export function legacyMapping({ prefix, maxExactValues }: LegacyMappingOptions): Mapping {
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
