/**
 * The metrics that k6 itself emits. Other runners measure under the same names. A recording can be read even if it begins after
 * k6 announced these metrics.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";

const kinds = {
  browser_data_received: ["counter", "data"],
  browser_data_sent: ["counter", "data"],
  browser_http_req_duration: ["trend", "time"],
  browser_http_req_failed: ["rate", "default"],
  browser_web_vital_cls: ["trend", "default"],
  browser_web_vital_fcp: ["trend", "time"],
  browser_web_vital_inp: ["trend", "time"],
  browser_web_vital_lcp: ["trend", "time"],
  browser_web_vital_ttfb: ["trend", "time"],
  checks: ["rate", "default"],
  data_received: ["counter", "data"],
  data_sent: ["counter", "data"],
  dropped_iterations: ["counter", "default"],
  group_duration: ["trend", "time"],
  grpc_req_duration: ["trend", "time"],
  grpc_streams: ["counter", "default"],
  grpc_streams_msgs_received: ["counter", "default"],
  grpc_streams_msgs_sent: ["counter", "default"],
  http_req_blocked: ["trend", "time"],
  http_req_connecting: ["trend", "time"],
  http_req_duration: ["trend", "time"],
  http_req_failed: ["rate", "default"],
  http_req_receiving: ["trend", "time"],
  http_req_sending: ["trend", "time"],
  http_req_tls_handshaking: ["trend", "time"],
  http_req_waiting: ["trend", "time"],
  http_reqs: ["counter", "default"],
  iteration_duration: ["trend", "time"],
  iterations: ["counter", "default"],
  vus: ["gauge", "default"],
  vus_max: ["gauge", "default"],
  ws_connecting: ["trend", "time"],
  ws_msgs_received: ["counter", "default"],
  ws_msgs_sent: ["counter", "default"],
  ws_ping: ["trend", "time"],
  ws_session_duration: ["trend", "time"],
  ws_sessions: ["counter", "default"],
} as const;

/** The name of one of k6's own metrics. */
export type K6MetricName = keyof typeof kinds;

/** k6's own metrics by name. */
export const k6Metrics: Readonly<Record<K6MetricName, Metric>> = Object.fromEntries(
  Object.entries(kinds).map(([name, [type, contains]]) => [name, { name, type, contains }]),
) as Record<K6MetricName, Metric>;

/** Returns a sample of one of k6's own metrics. */
export function k6Sample(name: K6MetricName, value: number, at: Pick<Sample, "time" | "tags">): Sample {
  return { metric: k6Metrics[name], value, time: at.time, tags: at.tags };
}
