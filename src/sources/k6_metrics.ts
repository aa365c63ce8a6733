/**
 * The metrics that k6 emits itself: their types are known even where a recording begins after they were announced.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/
 * @module
 */
import type { Metric, MetricType, ValueType } from "../metric.ts";

const table: readonly (readonly [MetricType, ValueType, string])[] = [
  ["counter", "default", "dropped_iterations http_reqs iterations ws_msgs_received ws_msgs_sent ws_sessions"],
  ["counter", "data", "browser_data_received browser_data_sent data_received data_sent"],
  ["gauge", "default", "vus vus_max"],
  ["rate", "default", "browser_http_req_failed checks http_req_failed"],
  ["trend", "default", "browser_web_vital_cls"],
  [
    "trend",
    "time",
    "browser_http_req_duration browser_web_vital_fcp browser_web_vital_inp browser_web_vital_lcp browser_web_vital_ttfb " +
    "group_duration grpc_req_duration http_req_blocked http_req_connecting http_req_duration http_req_receiving " +
    "http_req_sending http_req_tls_handshaking http_req_waiting iteration_duration ws_connecting ws_ping " +
    "ws_session_duration",
  ],
];

/** All of them. */
export const k6Metrics: readonly Metric[] = table.flatMap(([type, contains, names]) =>
  names.split(" ").map((name) => ({ name, type, contains }))
);
