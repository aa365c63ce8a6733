/**
 * k6's vocabulary of metrics.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/
 * @module
 */

/** What a metric does with its samples: adds them up, keeps the last, counts the non-zero ones, or describes their spread. */
export type MetricType = "counter" | "gauge" | "rate" | "trend";

/** What a metric's values are: plain numbers, milliseconds, or bytes. */
export type ValueType = "default" | "time" | "data";

/** All metric types, in k6's order. */
export const metricTypes: readonly MetricType[] = ["counter", "gauge", "rate", "trend"];

/** All value types. */
export const valueTypes: readonly ValueType[] = ["default", "time", "data"];

/** A threshold in k6's form: an expression, such as `p(95)<500`, alone or with what the one who runs the test is to do. */
export type Threshold = string | {
  readonly threshold: string;
  readonly abortOnFail?: boolean | undefined;
  readonly delayAbortEval?: string | undefined;
};

/** A threshold's expression; undefined for what has not k6's form. */
export function thresholdText(threshold: unknown): string | undefined {
  const text = typeof threshold === "object" && threshold !== null && "threshold" in threshold
    ? threshold.threshold
    : threshold;
  return typeof text === "string" ? text : undefined;
}

/** A k6 metric, as the JSON output's Metric lines describe it. */
export interface Metric {
  /** As in the script: `http_req_duration`. */
  readonly name: string;
  /** How samples are aggregated. */
  readonly type: MetricType;
  /** Unit of the values; `time` is milliseconds. */
  readonly contains: ValueType;
  /** Threshold expressions, such as `p(95)<500`, if the source tells them. */
  readonly thresholds?: readonly string[] | undefined;
}
