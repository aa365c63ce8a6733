/**
 * Metrics about a run, which an output derives from k6's samples: thresholds, and information about the run.
 *
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";

/** Watches the samples of a run and derives samples of further metrics from them. */
export interface RunMetrics {
  /** The metrics of the derived samples. All tags of their samples become labels. */
  readonly metrics: readonly Metric[];
  /** Watches a sample of k6. The output calls it for every sample. */
  add(sample: Sample): void;
  /** Returns the samples to send with this flush. */
  take(): Sample[];
  /** Returns the samples to send at the regular end of the run. The output does not ask for them if the run was cut off. */
  verdicts(): Sample[];
}

/** What an output gives to its run metrics. */
export interface RunMetricsContext {
  /** Reports what the user should know; the output passes each message on once. */
  onWarning(message: string): void;
}

/** Makes the run metrics of one output: the value of the options `thresholds` and `runInfo`. */
export type RunMetricsFactory = (context: RunMetricsContext) => RunMetrics;

/** Adds the run's tag `testid` to the derived samples. k6 has it on every sample, if the user sets it. */
export function withTestid(runMetrics: RunMetrics): RunMetrics {
  let runTags: Tags | undefined;
  const tagged = (samples: Sample[]): Sample[] =>
    samples.map((sample) => ({ ...sample, tags: { ...runTags, ...sample.tags } }));
  return {
    metrics: runMetrics.metrics,
    add(sample: Sample): void {
      runTags ??= sample.tags.testid === undefined ? {} : { testid: sample.tags.testid };
      runMetrics.add(sample);
    },
    take: () => tagged(runMetrics.take()),
    verdicts: () => tagged(runMetrics.verdicts()),
  };
}
