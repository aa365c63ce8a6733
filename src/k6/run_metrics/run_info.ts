/**
 * A series that shows that there was a run, with labels that describe it.
 *
 * @module
 */
import { checkLabels } from "../check_labels.ts";
import type { Metric } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import { markUncalled } from "../uncalled.ts";
import { type RunMetricsFactory, withTestid } from "./run_metrics.ts";

const runInfoMetric: Metric = { name: "run_info", type: "gauge", contains: "default" };

/** 1 at the end of the run. It is missing if the run was cut off. */
const runEndedMetric: Metric = { name: "run_ended", type: "gauge", contains: "default" };

/**
 * Returns the value of the output's option `runInfo`: sends `k6_run_info`, which is always 1, with the run's `testid` and these
 * labels. Each of its samples has the time of the latest sample of k6. At the end of the run, it sends `k6_run_ended`, which shows
 * that the run was not cut off.
 *
 * @throws {ConfigurationError} naming the label, its value and what was expected
 * @example
 * ```ts
 * import { RemoteWriteOutput, runInfo } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ runInfo: runInfo({ branch: "main", commit: "1a2b3c" }) });
 * await output.close();
 * ```
 */
export function runInfo(labels: Tags = {}): RunMetricsFactory {
  checkLabels("runInfo", labels);
  const tags = { ...labels };
  return () => {
    let latest = -Infinity;
    let pending = false;
    return withTestid({
      metrics: [runInfoMetric, runEndedMetric],
      add({ time }: Sample): void {
        if (!Number.isFinite(time)) return;
        pending = true;
        if (time > latest) latest = time;
      },
      take(): Sample[] {
        if (!pending) return [];
        pending = false;
        return [{ metric: runInfoMetric, time: latest, value: 1, tags }];
      },
      verdicts: () => latest === -Infinity ? [] : [{ metric: runEndedMetric, time: latest, value: 1, tags }],
    });
  };
}

markUncalled(runInfo);
