/**
 * A series that says that there was a run, and what is known of it.
 *
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";

/** Always 1; its labels say what is known. */
export const runInfoMetric: Metric = { name: "run_info", type: "gauge", contains: "default" };

/** Watches the samples' times. */
export class RunInfo {
  readonly #tags: Tags;
  #time = -Infinity;

  /** @param tags what is known */
  constructor(tags: Tags) {
    this.#tags = tags;
  }

  /** Takes a sample. */
  add({ time }: Sample): void {
    if (Number.isFinite(time) && time > this.#time) this.#time = time;
  }

  /** The run's sample, at the time of the latest sample since the last time, if there was one. */
  take(): Sample[] {
    const time = this.#time;
    if (time === -Infinity) return [];
    this.#time = -Infinity;
    return [{ metric: runInfoMetric, time, value: 1, tags: this.#tags }];
  }
}
