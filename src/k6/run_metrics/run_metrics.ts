/**
 * The metrics that are not k6's: those of its thresholds, and that of the run.
 *
 * @module
 */
import type { Metric } from "../metric.ts";
import { RunInfo, runInfoMetric } from "./run_info.ts";
import type { Sample, Tags } from "../sample.ts";
import { type ThresholdGroup, thresholdMetric, thresholdPassedMetric, Thresholds } from "./thresholds.ts";

/** All of them. */
export const runMetrics: ReadonlySet<Metric> = new Set([thresholdMetric, thresholdPassedMetric, runInfoMetric]);

/** Which of them are wanted. */
export interface RunMetricsOptions {
  /** Undefined for no thresholds. */
  readonly thresholds: readonly ThresholdGroup[] | undefined;
  /** Labels of the run's series; undefined for none. */
  readonly runInfo: Tags | undefined;
  /** Told of each threshold that is left out. */
  onWarning(message: string): void;
}

/** Watches k6's samples, and makes those of the own metrics. */
export class RunMetrics {
  readonly #thresholds: Thresholds | undefined;
  readonly #runInfo: RunInfo | undefined;
  /** k6's runs have their `testid` as a tag of all samples, the own ones then too. */
  #tags: Tags | undefined;

  constructor({ thresholds, runInfo, onWarning }: RunMetricsOptions) {
    if (thresholds !== undefined) this.#thresholds = new Thresholds({ groups: thresholds, onWarning });
    if (runInfo !== undefined) this.#runInfo = new RunInfo(runInfo);
  }

  /** Takes a sample of k6's. */
  add(sample: Sample): void {
    this.#tags ??= sample.tags.testid === undefined ? {} : { testid: sample.tags.testid };
    this.#thresholds?.add(sample);
    this.#runInfo?.add(sample);
  }

  /** What there is to say since the last time. */
  take(): Sample[] {
    return [...this.#thresholds?.takeBounds() ?? [], ...this.#runInfo?.take() ?? []].map((sample) =>
      this.#tagged(sample)
    );
  }

  /** What there is to say at the end: whether each threshold held. */
  verdicts(): Sample[] {
    return (this.#thresholds?.verdicts() ?? []).map((sample) => this.#tagged(sample));
  }

  #tagged(sample: Sample): Sample {
    return { ...sample, tags: { ...this.#tags, ...sample.tags } };
  }
}
