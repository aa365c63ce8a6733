// The dashboards of one run (or of several runs together): one for trends as statistics, one for native histograms. They differ
// only in how they read trends.
import {
  histogram,
  histogramAverage,
  histogramOfRun,
  last,
  max,
  min,
  peak,
  perSecond,
  quantile,
  requests,
  run,
  select,
  share,
  shareOfRun,
  sum,
  total,
  weightedAverage,
} from "./expressions.mjs";
import { dashboard, graph, heatmap, passedOrFailed, queryVariable, row, stat, table } from "./panels.mjs";

/** The metrics of k6 itself; all others are the script's own. */
const k6Metrics = "k6_(http|data|iteration|dropped|vus|checks|group|ws|grpc|browser|remote_write|run|threshold)";

const ownMetrics = (suffix) => `__name__=~"k6_.+${suffix}",__name__!~"${k6Metrics}.*",${run}`;
const ownLast = (suffix) => `last_over_time({${ownMetrics(suffix)}}[$__range])`;
const withoutSuffix = (suffix) => `label_replace(${ownLast(suffix)}, "metric", "$1", "__name__", "k6_(.+)${suffix}")`;

/** The metric that the user chooses, if it is neither a counter nor a ratio. */
const chosenMetric = `__name__="$metric",${run}`;

const phases = ["blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving"];

/** How trends are read that are gauges: one series for each statistic of each combination of labels. */
const stats = {
  ofRun: {
    average: (by) => weightedAverage(last, "http_req_duration", requests, by),
    percentile: (p, by) => max(last(`http_req_duration_p${p}`, requests), by),
    smallest: (by) => min(last("http_req_duration_min", requests), by),
    largest: (by) => max(last("http_req_duration_max", requests), by),
  },
  overTime: {
    average: () => weightedAverage(select, "http_req_duration", requests),
    percentile: (p, by) => max(select(`http_req_duration_p${p}`, requests), by),
    largest: () => max(select("http_req_duration_max", requests)),
    phase: (phase) => weightedAverage(select, `http_req_${phase}`, requests),
    iteration: (by) => max(select("iteration_duration_p95", run), by),
  },
  own: table({
    title: "Trends of the script, p95",
    width: 8,
    by: ["metric"],
    queries: [{ expr: max(withoutSuffix("_p95"), "metric"), name: "p95" }],
  }),
  exemplar: false,
  percentiles: "The highest of all series. The value of all requests together is not higher.",
  time: "Of all requests since the start of the run, unless the run was sent with --trend-window interval.",
};

/** How trends are read that are native histograms, which add up. */
const native = {
  ofRun: {
    average: (by) => histogramAverage(histogramOfRun("http_req_duration_seconds", requests, by)),
    percentile: (p, by) => quantile(p / 100, histogramOfRun("http_req_duration_seconds", requests, by)),
    smallest: (by) => quantile(0, histogramOfRun("http_req_duration_seconds", requests, by)),
    largest: (by) => quantile(1, histogramOfRun("http_req_duration_seconds", requests, by)),
  },
  overTime: {
    average: () => histogramAverage(histogram("http_req_duration_seconds", requests)),
    percentile: (p, by) => quantile(p / 100, histogram("http_req_duration_seconds", requests, by)),
    largest: () => quantile(1, histogram("http_req_duration_seconds", requests)),
    phase: (phase) => histogramAverage(histogram(`http_req_${phase}_seconds`, requests)),
    iteration: (by) => quantile(0.95, histogram("iteration_duration_seconds", run, by)),
  },
  // Prometheus 2.42 cannot label histograms by their names, so the user chooses one.
  own: graph({
    title: "A metric of the script",
    description: "The quantiles of a trend, or the value of a gauge. The variable at the top chooses it.",
    width: 8,
    queries: [
      { expr: quantile(0.5, `sum (rate({${chosenMetric}}[$__rate_interval]))`), name: "median" },
      {
        expr: `${quantile(0.95, `sum (rate({${chosenMetric}}[$__rate_interval]))`)} or max ({${chosenMetric}})`,
        name: "p95, or value",
      },
    ],
  }),
  exemplar: true,
  percentiles: "Of all requests together, to within the width of a bucket (9 % by default).",
  time: "Of the requests in the window, which is 20 s or longer.",
};

function overview({ ofRun, percentiles }) {
  return [
    row("Run"),
    stat({ title: "Requests", queries: [{ expr: total("http_reqs_total", requests), name: "requests" }] }),
    stat({
      title: "Failed requests",
      unit: "percentunit",
      queries: [{ expr: shareOfRun("http_req_failed", requests), name: "failed" }],
    }),
    stat({
      title: "Highest request rate",
      unit: "reqps",
      queries: [{ expr: peak(perSecond("http_reqs_total", requests)), name: "requests per second" }],
    }),
    stat({ title: "Average response time", unit: "s", queries: [{ expr: ofRun.average(), name: "average" }] }),
    stat({
      title: "p95 of the response time",
      description: percentiles,
      unit: "s",
      queries: [{ expr: ofRun.percentile(95), name: "p95" }],
    }),
    stat({ title: "Longest response time", unit: "s", queries: [{ expr: ofRun.largest(), name: "longest" }] }),
    stat({
      title: "Checks that passed",
      unit: "percentunit",
      queries: [{ expr: shareOfRun("checks", run), name: "passed" }],
    }),
    stat({ title: "Iterations", queries: [{ expr: total("iterations_total", run), name: "iterations" }] }),
    stat({
      title: "Highest number of VUs",
      queries: [{ expr: `max (sum by (testid) (max_over_time(${select("vus", run)}[$__range])))`, name: "VUs" }],
    }),
    stat({
      title: "Data received",
      unit: "bytes",
      queries: [{ expr: total("data_received_total", run), name: "received" }],
    }),
    stat({ title: "Data sent", unit: "bytes", queries: [{ expr: total("data_sent_total", run), name: "sent" }] }),
    stat({
      title: "Dropped iterations",
      description: "Iterations that could not start in time.",
      queries: [{ expr: `${total("dropped_iterations_total", run)} or vector(0)`, name: "dropped" }],
    }),
    table({
      title: "Thresholds",
      description: "A run sends its thresholds with --thresholds, and the results at its end.",
      height: 6,
      by: ["testid", "metric", "expression"],
      queries: [
        {
          expr: max(last("threshold_passed", run), "testid, metric, expression"),
          name: "result",
          mappings: passedOrFailed,
        },
        { expr: max(last("threshold", run), "testid, metric, expression"), name: "bound" },
      ],
    }),
  ];
}

function course({ overTime, exemplar, percentiles, time }) {
  return [
    row("Over time"),
    graph({
      title: "Requests per second and VUs",
      unit: "reqps",
      queries: [
        { expr: perSecond("http_reqs_total", requests), name: "requests", exemplar: true },
        { expr: perSecond("http_req_failed_passes_total", requests), name: "failed requests" },
        {
          expr: sum(`last_over_time(${select("vus", run)}[$__rate_interval])`),
          name: "VUs",
          unit: "short",
          axis: "right",
        },
      ],
    }),
    graph({
      title: "Response time",
      description: `${percentiles} ${time}`,
      unit: "s",
      queries: [
        { expr: overTime.average(), name: "average" },
        { expr: overTime.percentile(90), name: "p90" },
        { expr: overTime.percentile(95), name: "p95", exemplar },
        { expr: overTime.percentile(99), name: "p99" },
        { expr: overTime.largest(), name: "longest" },
      ],
    }),
    graph({
      title: "Failed requests over time",
      unit: "percentunit",
      queries: [{ expr: share("http_req_failed", requests), name: "failed" }],
    }),
    graph({
      title: "Checks that passed, over time",
      unit: "percentunit",
      max: 1,
      queries: [{ expr: share("checks", run, "check"), name: "{{check}}" }],
    }),
    ...exemplar
      ? [heatmap({
        title: "Response times",
        unit: "s",
        queries: [{ expr: histogram("http_req_duration_seconds", requests), name: "response times", exemplar }],
      })]
      : [],
  ];
}

function urls({ ofRun, overTime, exemplar, percentiles, time }) {
  return [
    row("By URL"),
    table({
      title: "URLs",
      description: `p95 and p99: ${percentiles}`,
      by: ["url"],
      largestFirst: "p95",
      height: 9,
      queries: [
        { expr: total("http_reqs_total", requests, "url"), name: "requests" },
        { expr: shareOfRun("http_req_failed", requests, "url"), name: "failed", unit: "percentunit" },
        { expr: ofRun.average("url"), name: "average", unit: "s" },
        { expr: ofRun.smallest("url"), name: "shortest", unit: "s" },
        { expr: ofRun.percentile(95, "url"), name: "p95", unit: "s" },
        { expr: ofRun.percentile(99, "url"), name: "p99", unit: "s" },
        { expr: ofRun.largest("url"), name: "longest", unit: "s" },
      ],
    }),
    graph({
      title: "Requests per second by URL",
      unit: "reqps",
      queries: [{ expr: perSecond("http_reqs_total", requests, "url"), name: "{{url}}", exemplar: true }],
    }),
    graph({
      title: "p95 by URL",
      description: `${percentiles} ${time}`,
      unit: "s",
      queries: [{ expr: overTime.percentile(95, "url"), name: "{{url}}", exemplar }],
    }),
    graph({
      title: "Failed requests by URL",
      unit: "percentunit",
      queries: [{ expr: share("http_req_failed", requests, "url"), name: "{{url}}" }],
    }),
    graph({
      title: "Requests per second by status",
      unit: "reqps",
      queries: [{ expr: perSecond("http_reqs_total", requests, "status"), name: "{{status}}" }],
    }),
    row("Phases, iterations and data"),
    graph({
      title: "Average time of each phase of a request",
      description: "Sending, waiting and receiving make up the response time.",
      unit: "s",
      queries: phases.map((phase) => ({ expr: overTime.phase(phase), name: phase })),
    }),
    graph({
      title: "p95 of the duration of iterations, by scenario",
      description: `${percentiles} ${time}`,
      unit: "s",
      queries: [{ expr: overTime.iteration("scenario"), name: "{{scenario}}" }],
    }),
    graph({
      title: "Iterations per second",
      unit: "ops",
      queries: [
        { expr: perSecond("iterations_total", run, "scenario"), name: "{{scenario}}" },
        { expr: `${perSecond("dropped_iterations_total", run)} or vector(0)`, name: "dropped" },
      ],
    }),
    graph({
      title: "Data per second",
      unit: "Bps",
      queries: [
        { expr: perSecond("data_received_total", run), name: "received" },
        { expr: perSecond("data_sent_total", run), name: "sent" },
      ],
    }),
  ];
}

function script({ own }) {
  const checks = "group, check";
  return [
    row("Checks and the script's own metrics"),
    table({
      title: "Checks",
      by: ["group", "check"],
      queries: [
        { expr: total("checks_samples_total", run, checks), name: "times" },
        { expr: total("checks_passes_total", run, checks), name: "passed" },
        { expr: shareOfRun("checks", run, checks), name: "share", unit: "percentunit" },
      ],
    }),
    table({
      title: "Counters of the script",
      width: 8,
      by: ["metric"],
      queries: [{
        // A rate has counters as well; they are in the next table.
        expr: sum(
          `label_replace(last_over_time({${ownMetrics("_total")},__name__!~".+_(passes|samples)_total"}[$__range]), ` +
            '"metric", "$1", "__name__", "k6_(.+)_total")',
          "metric",
        ),
        name: "total",
      }],
    }),
    table({
      title: "Rates of the script",
      width: 8,
      by: ["metric"],
      queries: [{
        expr: `${sum(withoutSuffix("_passes_total"), "metric")} / ${sum(withoutSuffix("_samples_total"), "metric")}`,
        name: "share",
        unit: "percentunit",
      }],
    }),
    own,
  ];
}

const variables = [
  queryVariable({
    name: "testid",
    label: "Run (testid)",
    query: 'label_values({__name__=~"k6_(vus|iterations_total|http_reqs_total)"}, testid)',
    multi: true,
  }),
  queryVariable({
    name: "url",
    label: "URL",
    query: `label_values(k6_http_reqs_total{${run}}, url)`,
    multi: true,
  }),
];

const panelsOf = (trends) => [...overview(trends), ...course(trends), ...urls(trends), ...script(trends)];

/** The dashboard for trends as statistics (`--trend-as stats`, the default). */
export const trendStats = dashboard({
  uid: "k6-remote-write-stats",
  title: "k6 (trends as statistics)",
  description: "The results of k6, sent by k6-remote-write with --trend-as stats, the default.",
  variables,
  runs: run,
  panels: panelsOf(stats),
});

const metricVariable = queryVariable({
  name: "metric",
  label: "Metric of the script",
  query: `label_values({__name__=~"k6_.+",__name__!~"${k6Metrics}.*|.+_(total|rate)",${run}}, __name__)`,
});

/** The dashboard for trends as native histograms (`--trend-as native`). */
export const nativeHistograms = dashboard({
  uid: "k6-remote-write-native",
  title: "k6 (native histograms)",
  description: "The results of k6, sent by k6-remote-write with --trend-as native.",
  variables: [...variables, metricVariable],
  runs: run,
  panels: panelsOf(native),
});
