/**
 * The default mapping: cumulative series with the names that k6's own Prometheus output uses.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/prometheus-remote-write/
 * @module
 */
import { CounterSink, GaugeSink, RateSink } from "../sinks/sink.ts";
import type { Metric } from "../metric.ts";
import type { SeriesType } from "../../model/time_series.ts";
import { validMetricName } from "../../model/labels.ts";
import type { Mapping, MetricMapping, OutputSeries } from "./mapping.ts";
import { mapTrend, type TrendOptions, unitOf } from "./trends.ts";

/** Options of the prometheus mapping. */
interface PrometheusMappingOptions {
  /** Begins the name of every metric. */
  readonly prefix: string;
  /** The form of trends: gauges, native or classic histograms. */
  readonly trends: TrendOptions;
  /** Whether a rate also has counters. Counters can be added up over series and time; a ratio cannot. */
  readonly rateCounters: boolean;
}

/**
 * Returns the prometheus mapping: a counter gets `_total`, a gauge keeps its name, a rate becomes `_rate`, and a trend becomes one
 * gauge per statistic or a histogram. Times are in seconds.
 */
export function prometheusMapping(options: PrometheusMappingOptions): Mapping {
  const output = (metric: Metric, suffix: string, type: SeriesType, unit = unitOf(metric)): OutputSeries => ({
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
        case "rate": {
          const counters = options.rateCounters;
          const outputs = [output(metric, "_rate", "gauge", "ratio")];
          if (counters) {
            outputs.push(output(metric, "_passes_total", "counter"), output(metric, "_samples_total", "counter"));
          }
          return { outputs, createSink: () => new RateSink({ counters }) };
        }
        case "trend":
          return mapTrend(metric, { ...options.trends, name: validMetricName(`${options.prefix}${metric.name}`) });
      }
    },
  };
}
