/**
 * The verdict on a run: all that is printed, and all that is in a report.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import type { Aggregation } from "../../k6/run_metrics/threshold_expression.ts";
import type { Judgement } from "./judgement.ts";
import { kindOf, nameOf, relativeChange } from "./judgement.ts";
import type { MetricReading } from "./metric_reading.ts";
import type { ValueKind } from "./format_value.ts";
import type { Extent } from "./promql.ts";
import type { InstanceState } from "./run_instances.ts";
import type { CheckResult, RunReader } from "./run_reader.ts";
import type { WindowComparison } from "./window_gate.ts";

/** Exit codes: as k6's own for thresholds; 2 if something could not be answered. */
export const verdictExitCodes = { passed: 0, unanswered: 2, crossed: 99 } as const;

/** The values of trends in the summary. */
export const trendAggregations: readonly Aggregation[] = [
  "avg",
  "min",
  { quantile: 0.5 },
  "max",
  { quantile: 0.9 },
  { quantile: 0.95 },
  { quantile: 0.99 },
];

/** The values of each type in the summary. */
export function aggregationsOf({ type }: MetricReading): readonly Aggregation[] {
  switch (type) {
    case "counter":
      return ["count", "rate"];
    case "gauge":
      return ["value"];
    case "rate":
      return ["rate"];
    case "trend":
      return trendAggregations;
  }
}

/** One value of both runs. */
interface ComparedValue {
  readonly metric: string;
  readonly aggregation: string;
  readonly kind: ValueKind;
  readonly baseline: number;
  readonly current: number;
  readonly change: number;
  /** The change as a share of the baseline. */
  readonly relative: number;
}

/** How a run compares with another. */
export interface Comparison {
  readonly testid: string;
  readonly extent: Extent;
  readonly durationMs: number;
  readonly values: readonly ComparedValue[];
  readonly gates: readonly Judgement[];
  /** The comparison of windows of the default gate. */
  readonly windows?: WindowComparison | undefined;
}

/** The results of a run, and how it stands with its thresholds: what every report shows. */
export interface RunResults {
  /** What the results are of, such as a testid or the name of a recording. */
  readonly title: string;
  readonly testid?: string | undefined;
  /** The time from the first sample to the last. */
  readonly extent: Extent;
  /** How long the run took, as far as it is known. */
  readonly durationMs: number;
  /** What is wrong with the run as a whole, such as a silent instance, or samples that were lost. */
  readonly problems: readonly string[];
  /** Whether k6 itself says that the test failed, perhaps by a threshold that is not among these. */
  readonly isFailed?: boolean | undefined;
  /** What is to be known about the results, without being wrong with the run. */
  readonly notes?: readonly string[] | undefined;
  readonly readings: readonly MetricReading[];
  readonly checks: readonly CheckResult[];
  readonly thresholds: readonly Judgement[];
  /** What was delivered; undefined if nothing was sent. */
  readonly delivery?: DeliveryReport | undefined;
}

/** The verdict on a run. */
export interface RunVerdict extends RunResults {
  readonly testid: string;
  /** The query API, without secrets. */
  readonly endpoint: string;
  readonly instances: readonly InstanceState[];
  /** Whether the thresholds are those that the run sent. */
  readonly areThresholdsSent: boolean;
  readonly comparison?: Comparison | undefined;
}

/** Reports whether results are a verdict. */
export function isVerdict(results: RunResults): results is RunVerdict {
  return "instances" in results;
}

/** Returns the conditions of a run: its thresholds, and the gates of a comparison. */
export function conditionsOf(results: RunResults): readonly Judgement[] {
  return isVerdict(results) ? [...results.thresholds, ...results.comparison?.gates ?? []] : results.thresholds;
}

/** Returns the exit code of a verdict: a crossed threshold or gate counts more than an unanswered one. */
export function exitCodeOf(results: RunResults): number {
  const { problems, isFailed = false } = results;
  const states = conditionsOf(results).map(({ state }) => state);
  if (isFailed || states.includes("crossed")) return verdictExitCodes.crossed;
  return states.includes("unanswered") || problems.length > 0 ? verdictExitCodes.unanswered : verdictExitCodes.passed;
}

/** Returns the values that both runs have. @throws QueryError */
export async function compareValues(current: RunReader, baseline: RunReader): Promise<ComparedValue[]> {
  const values: ComparedValue[] = [];
  for (const metric of current.metrics) {
    const other = baseline.find(metric.name);
    const [after, before] = [await current.read(metric), other && await baseline.read(other)];
    if (after === undefined || before === undefined || after.type !== before.type) continue;
    for (const aggregation of aggregationsOf(after)) {
      const [to, from] = [after.get(aggregation).value, before.get(aggregation).value];
      if (to === undefined || from === undefined) continue;
      const relative = relativeChange(from, to);
      values.push({
        ...{ metric: metric.name, aggregation: nameOf(aggregation), kind: kindOf(after) },
        ...{ baseline: from, current: to, change: relative === 0 ? 0 : to - from, relative },
      });
    }
  }
  return values;
}
