// The dashboard of the sender's own state, which `--self-metrics` sends.
import { growth, last, max, perSecond, run, select, sum, total } from "./expressions.mjs";
import { dashboard, graph, heatmap, queryVariable, row, stat } from "./panels.mjs";

const duration = (q) =>
  `histogram_quantile(${q}, ${sum(growth("remote_write_request_duration_seconds_bucket", run), "le")})`;

const lost = `${total("remote_write_samples_failed_total", run)} + ${total("remote_write_samples_dropped_total", run)}`;

/** The dashboard of the sender. */
export const sender = dashboard({
  uid: "k6-remote-write-sender",
  title: "k6-remote-write (sender)",
  description: "How sending goes. k6-remote-write sends these series with --self-metrics.",
  runs: run,
  variables: [
    queryVariable({
      name: "testid",
      label: "Run (testid)",
      query: "label_values(k6_remote_write_samples_total, testid)",
      multi: true,
    }),
  ],
  panels: [
    row("Run"),
    stat({
      title: "Samples sent",
      description: "Samples that were sent again count again.",
      queries: [{ expr: total("remote_write_samples_total", run), name: "sent" }],
    }),
    stat({
      title: "Samples lost",
      description: "Refused for good, given up, or never sent.",
      queries: [{ expr: lost, name: "lost" }],
    }),
    stat({
      title: "Samples that wait",
      queries: [{ expr: sum(last("remote_write_samples_pending", run)), name: "waiting" }],
    }),
    stat({ title: "Requests", queries: [{ expr: total("remote_write_requests_total", run), name: "requests" }] }),
    stat({
      title: "Bytes",
      unit: "bytes",
      queries: [{ expr: total("remote_write_bytes_total", run), name: "compressed" }],
    }),
    stat({
      title: "Bytes per sample",
      unit: "bytes",
      queries: [{
        expr: `${total("remote_write_bytes_total", run)} / ${total("remote_write_samples_total", run)}`,
        name: "bytes per sample",
      }],
    }),
    row("Over time"),
    graph({
      title: "Samples per second",
      unit: "wps",
      queries: [
        { expr: perSecond("remote_write_samples_total", run), name: "sent" },
        { expr: perSecond("remote_write_samples_retried_total", run), name: "sent again" },
        { expr: perSecond("remote_write_samples_failed_total", run), name: "failed" },
      ],
    }),
    graph({
      title: "Samples that were never sent, per second",
      description: "By reason, such as queue_full: more samples waited than --capacity allows.",
      unit: "wps",
      queries: [{ expr: perSecond("remote_write_samples_dropped_total", run, "reason"), name: "{{reason}}" }],
    }),
    graph({
      title: "Samples that wait, and the delay",
      description: "The delay is the time between a flush and the newest sample that was delivered before it.",
      queries: [
        { expr: sum(select("remote_write_samples_pending", run)), name: "waiting" },
        {
          expr: max(
            `timestamp(${select("remote_write_highest_sent_timestamp_seconds", run)}) - ${
              select("remote_write_highest_sent_timestamp_seconds", run)
            }`,
          ),
          name: "delay",
          unit: "s",
          axis: "right",
        },
      ],
    }),
    graph({
      title: "Duration of requests",
      unit: "s",
      queries: [
        { expr: duration(0.5), name: "median" },
        { expr: duration(0.95), name: "p95" },
        { expr: duration(0.99), name: "p99" },
      ],
    }),
    graph({
      title: "Requests per second",
      unit: "reqps",
      queries: [{ expr: perSecond("remote_write_requests_total", run), name: "requests" }],
    }),
    graph({
      title: "Bytes per second",
      unit: "Bps",
      queries: [{ expr: perSecond("remote_write_bytes_total", run), name: "compressed" }],
    }),
    heatmap({
      title: "Durations of requests",
      unit: "s",
      queries: [{
        expr: sum(growth("remote_write_request_duration_seconds_bucket", run), "le"),
        name: "{{le}}",
      }],
    }),
  ],
});
