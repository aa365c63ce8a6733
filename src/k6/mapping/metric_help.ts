/**
 * What the metrics of k6 and of the output mean. Receivers show these sentences next to a metric's name.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/
 * @module
 */
import type { Metric, MetricType } from "../metric.ts";

/** Sentences without their full stop, by type: a script may use one of these names for a metric of another type. */
const sentences: Readonly<Record<MetricType, Readonly<Record<string, string>>>> = {
  counter: {
    browser_data_received: "Bytes received by browsers",
    browser_data_sent: "Bytes sent by browsers",
    data_received: "Bytes received",
    data_sent: "Bytes sent",
    dropped_iterations: "Iterations that could not start in time",
    grpc_streams: "gRPC streams opened",
    grpc_streams_msgs_received: "gRPC stream messages received",
    grpc_streams_msgs_sent: "gRPC stream messages sent",
    http_reqs: "HTTP requests made",
    iterations: "Iterations completed",
    ws_msgs_received: "WebSocket messages received",
    ws_msgs_sent: "WebSocket messages sent",
    ws_sessions: "WebSocket sessions started",
  },
  gauge: {
    run_ended: "1 when the sender of a run has ended",
    run_info: "Always 1; the labels describe the run",
    threshold: "Bound of a threshold",
    threshold_passed: "1 if a threshold passed, 0 if it failed",
    vus: "Active virtual users",
    vus_max: "Virtual users, active or not",
  },
  rate: {
    browser_http_req_failed: "Share of browser requests that failed",
    checks: "Share of checks that passed",
    http_req_failed: "Share of HTTP requests that failed",
  },
  trend: {
    browser_http_req_duration: "Duration of browser requests",
    browser_web_vital_cls: "Cumulative Layout Shift of pages",
    browser_web_vital_fcp: "First Contentful Paint of pages",
    browser_web_vital_fid: "First Input Delay of pages",
    browser_web_vital_inp: "Interaction to Next Paint of pages",
    browser_web_vital_lcp: "Largest Contentful Paint of pages",
    browser_web_vital_ttfb: "Time to First Byte of pages",
    group_duration: "Duration of groups",
    grpc_req_duration: "Duration of gRPC requests",
    http_req_blocked: "Time that HTTP requests waited for a free connection",
    http_req_connecting: "Time to connect for HTTP requests",
    http_req_duration: "Duration of HTTP requests: sending, waiting and receiving",
    http_req_receiving: "Time to receive HTTP responses",
    http_req_sending: "Time to send HTTP requests",
    http_req_tls_handshaking: "Time of TLS handshakes for HTTP requests",
    http_req_waiting: "Time to the first byte of HTTP responses",
    iteration_duration: "Duration of iterations",
    ws_connecting: "Time to connect for WebSocket sessions",
    ws_ping: "Time from a WebSocket ping to its pong",
    ws_session_duration: "Duration of WebSocket sessions",
  },
};

/** Returns what a metric means, or undefined for a metric of the script. */
export function helpOf({ name, type }: Metric): string | undefined {
  const ofType = sentences[type];
  return Object.hasOwn(ofType, name) ? `${ofType[name]}.` : undefined;
}
