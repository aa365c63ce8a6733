/**
 * What k6's own metrics mean, and the output's, in a sentence each: for the metadata that receivers show beside a series.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/
 * @module
 */
import type { Metric, MetricType } from "../metric.ts";

/** By type, as a script may give one of these names to a metric of its own that is something else. */
const sentences: Readonly<Record<MetricType, Readonly<Record<string, string>>>> = {
  counter: {
    browser_data_received: "Bytes that browsers received.",
    browser_data_sent: "Bytes that browsers sent.",
    data_received: "Bytes received.",
    data_sent: "Bytes sent.",
    dropped_iterations: "Iterations that were due and not begun, for want of virtual users or of time.",
    grpc_streams: "gRPC streams that were opened.",
    grpc_streams_msgs_received: "Messages received in gRPC streams.",
    grpc_streams_msgs_sent: "Messages sent in gRPC streams.",
    http_reqs: "HTTP requests made.",
    iterations: "Times that virtual users ran the script's function to its end.",
    ws_msgs_received: "WebSocket messages received.",
    ws_msgs_sent: "WebSocket messages sent.",
    ws_sessions: "WebSocket sessions begun.",
  },
  gauge: {
    run_info: "Always 1; its labels say which run this is.",
    threshold: "Bound of a threshold of the script.",
    threshold_passed: "Whether a threshold held at the end: 1 if it did, 0 if not.",
    vus: "Virtual users that are active.",
    vus_max: "Virtual users that are there, active or not.",
  },
  rate: {
    browser_http_req_failed: "Share of the browsers' requests that failed.",
    checks: "Share of the checks that passed.",
    http_req_failed: "Share of the HTTP requests that failed.",
  },
  trend: {
    browser_http_req_duration: "How long requests of browsers took.",
    browser_web_vital_cls: "How much the layout of pages shifted unexpectedly (Cumulative Layout Shift).",
    browser_web_vital_fcp: "How long until pages first showed something (First Contentful Paint).",
    browser_web_vital_fid: "How long pages took to react to the first input (First Input Delay).",
    browser_web_vital_inp: "How long pages took to react to inputs (Interaction to Next Paint).",
    browser_web_vital_lcp: "How long until pages showed their largest part (Largest Contentful Paint).",
    browser_web_vital_ttfb: "How long until the first byte of pages came (Time to First Byte).",
    group_duration: "How long groups of the script took.",
    grpc_req_duration: "How long gRPC calls took.",
    http_req_blocked: "How long HTTP requests waited for a free connection.",
    http_req_connecting: "How long it took to connect for HTTP requests.",
    http_req_duration: "How long HTTP requests took: sending, waiting and receiving.",
    http_req_receiving: "How long it took to receive HTTP responses.",
    http_req_sending: "How long it took to send HTTP requests.",
    http_req_tls_handshaking: "How long TLS handshakes for HTTP requests took.",
    http_req_waiting: "How long until the first byte of HTTP responses came.",
    iteration_duration: "How long iterations took, from beginning to end.",
    ws_connecting: "How long it took to connect for WebSocket sessions.",
    ws_ping: "How long it took from a WebSocket ping to its pong.",
    ws_session_duration: "How long WebSocket sessions lasted.",
  },
};

/** What a metric means; undefined for one of the script's own. */
export function helpOf({ name, type }: Metric): string | undefined {
  const ofType = sentences[type];
  return Object.hasOwn(ofType, name) ? ofType[name] : undefined;
}
