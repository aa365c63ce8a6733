/**
 * The raw mapping: every sample with its own value and time, for receivers that aggregate samples themselves.
 *
 * @module
 */
import type { Emit, Sink } from "../sinks/sink.ts";
import type { Metric } from "../metric.ts";
import type { Metadata } from "../../model/time_series.ts";
import { validMetricName } from "../../model/labels.ts";
import type { Mapping, MetricMapping } from "./mapping.ts";

/** Keeps all samples until the flush. */
class RawSink implements Sink {
  #values: number[] = [];
  #times: number[] = [];

  add(value: number, time: number): void {
    this.#values.push(value);
    this.#times.push(time);
  }

  /** Emits the samples in the order of time. The flush separates samples of the same millisecond. */
  collect(emit: Emit): void {
    const values = this.#values;
    const times = this.#times;
    this.#values = [];
    this.#times = [];
    const order = times.map((_, index) => index);
    if (times.some((time, index) => index > 0 && time < (times[index - 1] ?? 0))) {
      order.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
    }
    for (const index of order) emit(0, values[index] ?? 0, times[index]);
  }
}

/** Returns the raw mapping: series are named `<prefix><metric>`, and values are in the metric's own unit. */
export function rawMapping({ prefix }: { readonly prefix: string }): Mapping {
  return {
    name: "raw",
    mapMetric(metric: Metric): MetricMapping {
      const metadata: Metadata = { type: "gauge" };
      return {
        outputs: [{ name: validMetricName(`${prefix}${metric.name}`), metadata }],
        createSink: () => new RawSink(),
      };
    },
  };
}
