/**
 * A mapping defines which time series a k6 metric becomes, and what their values are.
 *
 * @module
 */
import type { PlaceExemplar } from "../series/series_exemplars.ts";
import type { Sink } from "../sinks/sink.ts";
import type { Metric } from "../metric.ts";
import type { Tags } from "../sample.ts";
import type { Metadata } from "../../model/time_series.ts";

/** One of the time series that a k6 series becomes. */
export interface OutputSeries {
  /** The value of its label `__name__`. */
  readonly name: string;
  /** Labels in addition to those of the tags, such as the label `le` of a bucket. */
  readonly labels?: Tags | undefined;
  /** Its type, unit and help text. */
  readonly metadata: Metadata;
}

/** How the samples of one metric become time series. */
export interface MetricMapping {
  /** The time series of each k6 series. A sink emits values by index into this list. */
  readonly outputs: readonly OutputSeries[];
  /** Returns a new sink for a new k6 series. */
  createSink(): Sink;
  /** Returns the output that an exemplar with this value belongs to, or undefined for none. @default no exemplars */
  readonly placeExemplar?: PlaceExemplar | undefined;
}

/** Turns k6 metrics into time series. */
export interface Mapping {
  /** The name of the mapping in messages. */
  readonly name: string;
  /** Returns the mapping of a metric, or undefined to send nothing of it. Called once for each metric. */
  mapMetric(metric: Metric): MetricMapping | undefined;
}
