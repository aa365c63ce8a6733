/**
 * k6's metrics: their types, their units and their thresholds.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/
 * @module
 */

/** How a metric aggregates its samples: adds them up, keeps the last, counts the non-zero ones, or describes their distribution. */
export type MetricType = Metric["type"];

/** The unit of a metric's values: none, milliseconds, or bytes. */
export type ValueType = Metric["contains"];

/** All metric types, in k6's order. */
export const metricTypes: readonly MetricType[] = ["counter", "gauge", "rate", "trend"];

/** All value types: numbers, milliseconds and bytes. */
export const valueTypes: readonly ValueType[] = ["default", "time", "data"];

/** A threshold in k6's form: an expression such as `p(95)<500`, or an object with the expression and k6's further settings. */
export type Threshold = string | {
  readonly threshold: string;
  readonly abortOnFail?: boolean | undefined;
  readonly delayAbortEval?: string | undefined;
};

/** Returns the expression of a threshold, or undefined if the value is not in k6's form. */
export function thresholdText(threshold: unknown): string | undefined {
  const text = typeof threshold === "object" && threshold !== null && "threshold" in threshold
    ? threshold.threshold
    : threshold;
  return typeof text === "string" ? text : undefined;
}

/** A k6 metric. It has the fields of a Metric line in k6's JSON output. */
export interface Metric {
  /** The name in the script, such as `http_req_duration`. */
  readonly name: string;
  /** How the metric aggregates its samples. */
  readonly type: "counter" | "gauge" | "rate" | "trend";
  /** The unit of the values. `time` is milliseconds. */
  readonly contains: "default" | "time" | "data";
  /** The metric's threshold expressions, such as `p(95)<500`, if the source contains them. */
  readonly thresholds?: readonly string[] | undefined;
}
