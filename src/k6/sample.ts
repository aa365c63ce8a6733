/**
 * k6's unit of measurement: one value of one metric at one time.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import type { Metric } from "./metric.ts";

/** Tags by name. Samples of a metric with different tags belong to different series. */
export type Tags = Readonly<Record<string, string>>;

/** One measurement of a metric. */
export interface Sample {
  /** The metric. Pass the same object for the same metric, because the output looks it up by identity first. */
  readonly metric: Metric;
  /** The time in milliseconds since the Unix epoch. The output drops fractions. */
  readonly time: number;
  /** The value in the metric's unit: milliseconds for `time`, bytes for `data`. For a rate, it is 0 or not 0. */
  readonly value: number;
  /**
   * The tags. Pass the same object for equal tags if possible, because the output looks it up by identity first. The object must
   * not change afterwards.
   */
  readonly tags: Tags;
  /** Facts that do not create a series, such as `vu`, `iter` and `trace_id`. */
  readonly metadata?: Tags | undefined;
}

/** A sample as programs may pass it to an output: without tags, it belongs to the series without tags. */
export interface SampleInput extends Omit<Sample, "tags"> {
  /** The tags of the sample, by name. @default {} */
  readonly tags?: Tags | undefined;
}

/** Takes samples, such as a `RemoteWriteOutput`. */
export interface SampleConsumer {
  /** Takes one or more samples. Does not wait. */
  add(samples: Sample | readonly Sample[]): void;
}

/** Checks the first argument of the functions that add samples to an output. @throws ConfigurationError */
export function checkSampleConsumer(output: SampleConsumer): void {
  if (typeof output?.add === "function") return;
  throw new ConfigurationError(
    "Cannot measure: the output has no add(), expected a RemoteWriteOutput or { add(samples) }",
  );
}
