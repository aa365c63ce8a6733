/**
 * The default mapping: cumulative series under the names that k6's own Prometheus output gives them.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/prometheus-remote-write/
 * @module
 */
import { CounterSink, GaugeSink, RateSink } from "../aggregate/sink.ts";
import { TrendSink } from "../aggregate/trend_sink.ts";
import type { TrendStat } from "../aggregate/trend_stats.ts";
import type { Metric, ValueType } from "../metric.ts";
import type { SeriesType } from "../time_series.ts";
import { validMetricName } from "./labels.ts";
import type { Mapping, MetricMapping, OutputSeries } from "./mapping.ts";

/** What the prometheus mapping can be told. */
export interface PrometheusMappingOptions {
  /** Begins every name. */
  readonly prefix: string;
  /** What is sent of a trend. */
  readonly trendStats: readonly TrendStat[];
}

const units: Readonly<Record<ValueType, string | undefined>> = { default: undefined, time: "seconds", data: "bytes" };

/** Counter `_total`, gauge as it is, rate `_rate`, trend one gauge a stat; times in seconds. */
export function prometheusMapping(options: PrometheusMappingOptions): Mapping {
  const output = (metric: Metric, suffix: string, type: SeriesType, unit = units[metric.contains]): OutputSeries => ({
    name: validMetricName(`${options.prefix}${metric.name}${suffix}`),
    metadata: { type, unit },
  });
  return {
    name: "prometheus",
    mapMetric(metric: Metric): MetricMapping {
      switch (metric.type) {
        case "counter":
          return {
            outputs: [output(metric, "_total", "counter")],
            createSink: () => new CounterSink(),
            placeExemplar: (value) => ({ output: 0, value }),
          };
        case "gauge":
          return { outputs: [output(metric, "", "gauge")], createSink: () => new GaugeSink() };
        case "rate":
          return { outputs: [output(metric, "_rate", "gauge", "ratio")], createSink: () => new RateSink() };
        case "trend": {
          // k6 measures time in milliseconds and Prometheus in seconds.
          const scale = metric.contains === "time" ? 1 / 1000 : 1;
          return {
            outputs: options.trendStats.map((stat) => output(metric, stat.suffix, "gauge")),
            createSink: () => new TrendSink(options.trendStats, { scale }),
          };
        }
      }
    },
  };
}
