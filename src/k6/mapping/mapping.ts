/**
 * A mapping says which time series a k6 metric becomes, and what their values are.
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
  /** Its `__name__`. */
  readonly name: string;
  /** Labels beside the tags', such as a bucket's `le`. */
  readonly labels?: Tags | undefined;
  /** What it means. */
  readonly metadata: Metadata;
}

/** How the samples of one metric become time series. */
export interface MetricMapping {
  /** The time series of each k6 series; a sink emits by index into this list. */
  readonly outputs: readonly OutputSeries[];
  /** A fresh sink for a new series. */
  createSink(): Sink;
  /** Where an example of this value belongs; undefined for nowhere. By default, there are no exemplars. */
  readonly placeExemplar?: PlaceExemplar | undefined;
  /** A series may have several samples in one request (rising in time), instead of one. @default false */
  readonly multipleSamples?: boolean | undefined;
}

/** A way to turn k6 metrics into time series. */
export interface Mapping {
  /** For messages. */
  readonly name: string;
  /** Called once for each metric; undefined leaves the metric out. */
  mapMetric(metric: Metric): MetricMapping | undefined;
}
