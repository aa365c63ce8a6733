/**
 * A series that says that there was a run, and what is known of it.
 *
 * @module
 */
import type { Metric } from "./metric.ts";
import type { Sample, Tags } from "./sample.ts";

/** Always 1; its labels say what is known. */
export const runInfoMetric: Metric = { name: "run_info", type: "gauge", contains: "default" };

/** Watches the samples' times. */
export class RunInfo {
  #tags: Tags;
  #time = -Infinity;
  #pending = false;

  /** @param tags what is known */
  constructor(tags: Tags) {
    this.#tags = tags;
  }

  /** Takes a sample. k6's runs have their `testid` as a tag of all samples. */
  add({ time, tags }: Sample): void {
    if (!Number.isFinite(time)) return;
    if (this.#time === -Infinity && tags.testid !== undefined) this.#tags = { testid: tags.testid, ...this.#tags };
    this.#pending = true;
    if (time > this.#time) this.#time = time;
  }

  /** The run's sample, at the time of the latest of all samples, if one came since the last time. */
  take(): Sample[] {
    if (!this.#pending) return [];
    this.#pending = false;
    return [{ metric: runInfoMetric, time: this.#time, value: 1, tags: this.#tags }];
  }
}
