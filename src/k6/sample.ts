/**
 * k6's unit of measurement: one value of one metric at one time.
 *
 * @module
 */
import type { Metric } from "./metric.ts";

/** Names and values that tell series of a metric apart. */
export type Tags = Readonly<Record<string, string>>;

/** One measurement. */
export interface Sample {
  /** What was measured. Pass the same object for the same metric: it is looked up by identity first. */
  readonly metric: Metric;
  /** Milliseconds since the Unix epoch; fractions are cut off. */
  readonly time: number;
  /** In the metric's unit: milliseconds for `time`, bytes for `data`; 0 or 1 for a rate. */
  readonly value: number;
  /** Pass the same object for equal tags where you can: it is looked up by identity first. It must not change afterwards. */
  readonly tags: Tags;
  /** What is not a tag and makes no series: `vu`, `iter`, `trace_id`. */
  readonly metadata?: Tags | undefined;
}

/** Whatever takes samples; never awaits. */
export interface SampleConsumer {
  /** Takes one sample or several. */
  add(samples: Sample | readonly Sample[]): void;
}
