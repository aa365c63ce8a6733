/**
 * The metrics that k6 itself emits, as far as a runner outside k6 can measure them.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";

/** Names of the built-in metrics. */
export type BuiltinMetricName =
  | "vus"
  | "vus_max"
  | "iterations"
  | "iteration_duration"
  | "checks"
  | "group_duration"
  | "http_reqs"
  | "http_req_duration"
  | "http_req_waiting"
  | "http_req_receiving"
  | "http_req_failed"
  | "data_sent"
  | "data_received";

/** The built-in metrics by name. */
export const builtinMetrics: Readonly<Record<BuiltinMetricName, Metric>> = {
  vus: { name: "vus", type: "gauge", contains: "default" },
  vus_max: { name: "vus_max", type: "gauge", contains: "default" },
  iterations: { name: "iterations", type: "counter", contains: "default" },
  iteration_duration: { name: "iteration_duration", type: "trend", contains: "time" },
  checks: { name: "checks", type: "rate", contains: "default" },
  group_duration: { name: "group_duration", type: "trend", contains: "time" },
  http_reqs: { name: "http_reqs", type: "counter", contains: "default" },
  http_req_duration: { name: "http_req_duration", type: "trend", contains: "time" },
  http_req_waiting: { name: "http_req_waiting", type: "trend", contains: "time" },
  http_req_receiving: { name: "http_req_receiving", type: "trend", contains: "time" },
  http_req_failed: { name: "http_req_failed", type: "rate", contains: "default" },
  data_sent: { name: "data_sent", type: "counter", contains: "data" },
  data_received: { name: "data_received", type: "counter", contains: "data" },
};

/** A sample of a built-in metric. */
export function builtinSample(name: BuiltinMetricName, value: number, at: Pick<Sample, "time" | "tags">): Sample {
  return { metric: builtinMetrics[name], value, time: at.time, tags: at.tags };
}
