// The dashboard that compares two runs, for trends as statistics or native histograms.
import {
  histogram,
  histogramAverage,
  histogramOfRun,
  last,
  max,
  perSecond,
  quantile,
  select,
  share,
  shareOfRun,
  total,
  weightedAverage,
} from "./expressions.mjs";
import { dashboard, graph, queryVariable, row, stat, table } from "./panels.mjs";

const baseline = 'testid="$baseline"';
const candidate = 'testid="$candidate"';

/** Both forms of trends: the one that a run does not have gives nothing. */
const averageOf = (labels, by) =>
  `${histogramAverage(histogramOfRun("http_req_duration_seconds", labels, by))} or ${
    weightedAverage(last, "http_req_duration", labels, by)
  }`;
const percentileOf = (p, labels, by) =>
  `${quantile(p / 100, histogramOfRun("http_req_duration_seconds", labels, by))} or ${
    max(last(`http_req_duration_p${p}`, labels), by)
  }`;

const change = (of) => `(${of(candidate)}) / (${of(baseline)}) - 1`;
const difference = (of) => `(${of(candidate)}) - (${of(baseline)})`;

/** The values of both runs, and the relative change, or the difference of shares. */
const compared = (title, { unit, of, description }) =>
  stat({
    title,
    description,
    unit,
    width: 6,
    queries: [
      { expr: of(baseline), name: "baseline" },
      { expr: of(candidate), name: "candidate" },
      unit === "percentunit"
        ? { expr: difference(of), name: "difference" }
        : { expr: change(of), name: "change", unit: "percentunit" },
    ],
  });

/**
 * Moves the course of the baseline to the start of the candidate. `$shift` is in seconds. A subquery can have an offset where its
 * expression has one already.
 */
const moved = (expression) => `last_over_time((${expression})[1s:1s] offset \${shift}s)`;

const overlaid = (title, { unit, of, description }) =>
  graph({
    title,
    unit,
    description,
    queries: [
      { expr: of(candidate), name: "candidate" },
      { expr: moved(of(baseline)), name: "baseline, moved" },
    ],
  });

const startOf = (labels) => `min(min_over_time(timestamp(${select("vus", labels)})[$__range:1s]))`;

const testids = 'label_values({__name__=~"k6_(vus|iterations_total|http_reqs_total)"}, testid)';

const highest =
  "With statistics, it is the highest p95 of all series. With native histograms, it is that of all requests.";

/** The dashboard that compares two runs. */
export const comparison = dashboard({
  uid: "k6-remote-write-comparison",
  title: "k6 (two runs)",
  description: "Compares two runs that k6-remote-write sent. The time range must contain both.",
  runs: 'testid=~"$baseline|$candidate"',
  variables: [
    queryVariable({ name: "baseline", label: "Baseline (testid)", query: testids }),
    queryVariable({ name: "candidate", label: "Candidate (testid)", query: testids }),
    queryVariable({
      name: "shift",
      label: "Seconds between the starts of both runs",
      query: `query_result(round(${startOf(candidate)} - ${startOf(baseline)}))`,
      // The result is "{} VALUE TIME".
      regex: "/ (-?[0-9]+) /",
      hidden: true,
    }),
  ],
  panels: [
    row("Baseline and candidate"),
    compared("Requests", { unit: "short", of: (labels) => total("http_reqs_total", labels) }),
    compared("Failed requests", { unit: "percentunit", of: (labels) => shareOfRun("http_req_failed", labels) }),
    compared("Average response time", { unit: "s", of: (labels) => averageOf(labels) }),
    compared("p95 of the response time", { unit: "s", description: highest, of: (labels) => percentileOf(95, labels) }),
    compared("p99 of the response time", { unit: "s", description: highest, of: (labels) => percentileOf(99, labels) }),
    compared("Checks that passed", { unit: "percentunit", of: (labels) => shareOfRun("checks", labels) }),
    compared("Iterations", { unit: "short", of: (labels) => total("iterations_total", labels) }),
    compared("Data received", { unit: "bytes", of: (labels) => total("data_received_total", labels) }),
    table({
      title: "URLs",
      description: highest,
      by: ["url"],
      largestFirst: "change of p95",
      height: 9,
      queries: [
        { expr: total("http_reqs_total", baseline, "url"), name: "requests, baseline" },
        { expr: total("http_reqs_total", candidate, "url"), name: "requests, candidate" },
        { expr: shareOfRun("http_req_failed", baseline, "url"), name: "failed, baseline", unit: "percentunit" },
        { expr: shareOfRun("http_req_failed", candidate, "url"), name: "failed, candidate", unit: "percentunit" },
        { expr: percentileOf(95, baseline, "url"), name: "p95, baseline", unit: "s" },
        { expr: percentileOf(95, candidate, "url"), name: "p95, candidate", unit: "s" },
        { expr: change((labels) => percentileOf(95, labels, "url")), name: "change of p95", unit: "percentunit" },
      ],
    }),
    row("The course of both runs, moved to the same start"),
    overlaid("Requests per second", { unit: "reqps", of: (labels) => perSecond("http_reqs_total", labels) }),
    overlaid("p95 of the response time", {
      unit: "s",
      description: `${highest} Statistics are those since the start of the run.`,
      of: (labels) =>
        `${quantile(0.95, histogram("http_req_duration_seconds", labels))} or ${
          max(select("http_req_duration_p95", labels))
        }`,
    }),
    overlaid("Failed requests", { unit: "percentunit", of: (labels) => share("http_req_failed", labels) }),
    overlaid("VUs", {
      unit: "short",
      of: (labels) => `sum(last_over_time(${select("vus", labels)}[$__rate_interval]))`,
    }),
  ],
});
