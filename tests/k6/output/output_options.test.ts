/** The effect of options on the series that arrive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Metric,
  type OutputCloseOptions,
  RemoteWriteOutput,
  type RemoteWriteOutputOptions,
  type Sample,
  type Tags,
} from "../../../mod.ts";
import { legacyMapping } from "../../../src/k6/mapping/legacy.ts";
import { relabelRules } from "../../../src/k6/relabel/mod.ts";
import { runInfo } from "../../../src/k6/run_metrics/run_info.ts";
import { thresholds } from "../../../src/k6/run_metrics/thresholds.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";

const requests: Metric = { name: "http_reqs", type: "counter", contains: "default", thresholds: ["count<3"] };
const duration: Metric = { name: "http_req_duration", type: "trend", contains: "time", thresholds: ["p(95)<500"] };
const checks: Metric = { name: "checks", type: "rate", contains: "default" };

function sample(tags: Tags, { metric = requests, time = 1000, value = 1 }: Partial<Sample> = {}): Sample {
  return { metric, tags, time, value };
}

/** Sends samples and returns what arrives, as `value@time` of each series. */
async function arriving(
  samples: readonly Sample[],
  options: RemoteWriteOutputOptions = {},
  closing: OutputCloseOptions = {},
): Promise<{ series: Record<string, string[]>; warnings: string[]; output: RemoteWriteOutput }> {
  const warnings: string[] = [];
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    fetch: receiver.fetch,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  output.add(samples);
  const report = await output.close(closing);
  assert.equal(report.delivered, report.samples);
  const series: Record<string, string[]> = {};
  for (const [name, arrived] of receiver.samples) {
    series[name] = arrived.map(({ value, timestamp, stale }) => `${stale ? "stale" : value}@${timestamp}`);
  }
  return { series, warnings, output };
}

test("every series has the external labels, and a tag of the same name wins; thresholds and run information are off by default", async () => {
  const { series } = await arriving([sample({ team: "web" }), sample({})], { labels: { team: "ops", site: "eu" } });
  assert.deepEqual(series, {
    'k6_http_reqs_total{site="eu",team="web"}': ["1@1000"],
    'k6_http_reqs_total{site="eu",team="ops"}': ["1@1000"],
  });
});

test("rules are applied before aggregation: series that become equal are added up", async () => {
  const samples = ["/item/1", "/item/2", "/"].map((url) => sample({ url, vu: "1" }));
  const { series } = await arriving(samples, {
    relabel: relabelRules([
      { source_labels: ["url"], regex: "/item/.*", target_label: "url", replacement: "/item" },
      { action: "labeldrop", regex: "vu" },
    ]),
  });
  assert.deepEqual(series, {
    'k6_http_reqs_total{url="/item"}': ["2@1000"],
    'k6_http_reqs_total{url="/"}': ["1@1000"],
  });
});

test("rules get the metric's name with the prefix, external labels, and valid tag names", async () => {
  const samples = [
    sample({ "my-tag": "a" }),
    sample({}, { metric: duration, value: 10 }),
    sample({}, { metric: checks }),
  ];
  const { series } = await arriving(samples, {
    labels: { site: "eu" },
    trendStats: ["avg"],
    relabel: relabelRules([
      { action: "drop", source_labels: ["__name__"], regex: "k6_checks" },
      { source_labels: ["__name__"], regex: "k6_http_(.*)", target_label: "__name__", replacement: "load_$1" },
      { source_labels: ["my_tag", "site"], target_label: "both" },
      { source_labels: ["site"], target_label: "__tmp" },
      { action: "labelkeep", regex: "__name__|both" },
    ]),
  });
  assert.deepEqual(series, {
    'load_reqs_total{both="a;eu"}': ["1@1000"],
    'load_req_duration_avg{both=";eu"}': ["0.01@1000"],
  });
});

test("a rule cannot drop the metric's name, and two metrics with one name stay separate", async () => {
  const other: Metric = { name: "other", type: "counter", contains: "default" };
  const { series, warnings } = await arriving([sample({ a: "b" }), sample({ a: "b" }, { metric: other })], {
    relabel: relabelRules([
      { source_labels: ["__name__"], regex: "k6_other", target_label: "__name__", replacement: "k6_http_reqs" },
      { action: "labelkeep", regex: "a" },
    ]),
  });
  assert.deepEqual(series, { 'k6_http_reqs_total{a="b"}': ["1@1000"], 'k6_other_total{a="b"}': ["1@1000"] });
  assert.deepEqual(warnings, []);
  const renamed = await arriving([sample({}), sample({}, { metric: other })], {
    relabel: relabelRules([{
      source_labels: ["__name__"],
      regex: "k6_other",
      target_label: "__name__",
      replacement: "k6_http_reqs",
    }]),
  });
  assert.deepEqual(renamed.series, { "k6_http_reqs_total": ["1@1000"], "k6_http_reqs_total_2": ["1@1000"] });
  assert.equal(renamed.warnings.length, 1);
});

for (const mapping of ["prometheus", "raw", legacyMapping({ prefix: "k6_" })] as const) {
  const mappingName = typeof mapping === "object" ? mapping.name : mapping;
  test(`a warning says once that a metric's name is changed (${mappingName})`, async () => {
    const metrics: readonly Metric[] = [
      { ...duration, name: "my-trend" },
      { ...requests, name: "my.count" },
      { ...checks, name: "checks" },
      { ...checks, name: "renamed-rate" },
    ];
    const samples = metrics.flatMap((
      metric,
    ) => [sample({}, { metric }), sample({ a: "b" }, { metric: { ...metric } })]);
    const { warnings } = await arriving(samples, {
      mapping,
      relabel: relabelRules([{
        source_labels: ["__name__"],
        regex: "k6_renamed_.*",
        target_label: "__name__",
        replacement: "k6_share",
      }]),
    });
    assert.deepEqual(warnings, [
      'The metric "my-trend" is sent as "k6_my_trend": the name "k6_my-trend" is not valid.',
      'The metric "my.count" is sent as "k6_my_count": the name "k6_my.count" is not valid.',
    ]);
  });
}

test("legacy aggregates each series separately, whereas the first releases added up all series of a metric", async () => {
  const users: Metric = { name: "vus", type: "gauge", contains: "default" };
  const of = (a: string, metric: Metric, values: readonly number[]): Sample[] =>
    values.map((value, index) => sample({ a }, { metric, value, time: 1000 + index }));
  const { series } = await arriving([
    ...of("x", duration, [30, 10, 20]),
    ...of("y", duration, [400]),
    ...of("x", requests, [1, 1]),
    ...of("y", requests, [5]),
    ...of("x", checks, [1, 0, 0, 0]),
    ...of("y", checks, [1]),
    ...of("x", users, [3, 2]),
    ...of("y", users, [7]),
  ], { mapping: legacyMapping({ prefix: "k6_" }) });
  assert.deepEqual(series, {
    'k6_http_req_duration_min{a="x"}': ["10@1002"],
    'k6_http_req_duration_max{a="x"}': ["30@1002"],
    'k6_http_req_duration_avg{a="x"}': ["20@1002"],
    'k6_http_req_duration_med{a="x"}': ["20@1002"],
    'k6_http_req_duration_p90{a="x"}': ["28@1002"],
    'k6_http_req_duration_p95{a="x"}': ["29@1002"],
    'k6_http_req_duration_min{a="y"}': ["400@1000"],
    'k6_http_req_duration_max{a="y"}': ["400@1000"],
    'k6_http_req_duration_avg{a="y"}': ["400@1000"],
    'k6_http_req_duration_med{a="y"}': ["400@1000"],
    'k6_http_req_duration_p90{a="y"}': ["400@1000"],
    'k6_http_req_duration_p95{a="y"}': ["400@1000"],
    'k6_http_reqs{a="x"}': ["2@1001"],
    'k6_http_reqs{a="y"}': ["5@1000"],
    'k6_checks{a="x"}': ["0.25@1003"],
    'k6_checks{a="y"}': ["1@1000"],
    'k6_vus{a="x"}': ["2@1001"],
    'k6_vus{a="y"}': ["7@1000"],
  });
});

test("samples of too many series are rejected and counted, and a warning names the label that causes them", async () => {
  const samples = Array.from({ length: 30 }, (_, index) => sample({ method: "GET", url: `/${index}` }));
  const { output, warnings } = await arriving([...samples, ...samples], { maxSeries: 10 });
  assert.equal(output.stats.samplesRefused.maxSeries, 40);
  assert.deepEqual(warnings, [
    'Rejected a sample of http_reqs: there are 10 series already (maxSeries); the label "url" has the most values, ' +
    "10 in 10 series. Further samples are only counted.",
  ]);
});

test("thresholds are series: the bounds during the run, and the verdicts at the end", async () => {
  const samples = [
    sample({}, { time: 1000 }),
    sample({ a: "b" }, { time: 2000 }),
    sample({}, { metric: duration, time: 1500, value: 800 }),
  ];
  const options = { thresholds: thresholds(), trendStats: ["max"], labels: { testid: "t" }, keepTags: false };
  const { series } = await arriving(samples, options);
  assert.deepEqual(series, {
    'k6_http_reqs_total{testid="t"}': ["2@2000"],
    'k6_http_req_duration_max{testid="t"}': ["0.8@1500"],
    'k6_threshold{expression="count<3",metric="http_reqs",testid="t"}': ["3@2000"],
    'k6_threshold{expression="p(95)<500",metric="http_req_duration",testid="t"}': ["0.5@1500"],
    'k6_threshold_passed{expression="count<3",metric="http_reqs",testid="t"}': ["1@2000"],
    'k6_threshold_passed{expression="p(95)<500",metric="http_req_duration",testid="t"}': ["0@1500"],
  });
});

test("k6_run_info has the given labels and the testid of the samples; a given testid wins", async () => {
  const { series } = await arriving([sample({ testid: "from-k6" }), sample({ testid: "from-k6" }, { time: 3000 })], {
    runInfo: runInfo({ branch: "main" }),
  });
  assert.deepEqual(series, {
    'k6_http_reqs_total{testid="from-k6"}': ["2@3000"],
    'k6_run_info{branch="main",testid="from-k6"}': ["1@3000"],
    'k6_run_ended{branch="main",testid="from-k6"}': ["1@3000"],
  });
  const { series: given } = await arriving([sample({ testid: "from-k6" })], { runInfo: runInfo({ testid: "given" }) });
  assert.deepEqual(given['k6_run_info{testid="given"}'], ["1@1000"]);
});

test("after the run, the verdicts are still visible: only k6's series become stale, and all have the run's testid", async () => {
  const samples = [sample({ testid: "from-k6" }), sample({ testid: "from-k6" }, { time: 3000 })];
  const { series } = await arriving(samples, { thresholds: thresholds(), runInfo: runInfo(), staleMarkers: true });
  assert.deepEqual(series, {
    'k6_http_reqs_total{testid="from-k6"}': ["2@3000", "stale@3001"],
    'k6_run_info{testid="from-k6"}': ["1@3000"],
    'k6_run_ended{testid="from-k6"}': ["1@3000"],
    'k6_threshold{expression="count<3",metric="http_reqs",testid="from-k6"}': ["3@3000"],
    'k6_threshold_passed{expression="count<3",metric="http_reqs",testid="from-k6"}': ["1@3000"],
  });
});

test("a run that was cut off has no end: no verdicts and no markers, but its last samples", async () => {
  const options = { thresholds: thresholds(), runInfo: runInfo(), staleMarkers: true };
  const { series } = await arriving([sample({ testid: "t" })], options, { ended: false });
  assert.deepEqual(series, {
    'k6_http_reqs_total{testid="t"}': ["1@1000"],
    'k6_run_info{testid="t"}': ["1@1000"],
    'k6_threshold{expression="count<3",metric="http_reqs",testid="t"}': ["3@1000"],
  });
});

test("an empty label is not sent, neither with k6's series nor with run metrics", async () => {
  const { series } = await arriving([sample({ testid: "" })], {
    labels: { site: "" },
    runInfo: runInfo({ branch: "", name: "n", url: "u" }),
    thresholds: thresholds(),
    keepTags: false,
  });
  assert.deepEqual(Object.keys(series).sort(), [
    "k6_http_reqs_total",
    'k6_run_ended{name="n",url="u"}',
    'k6_run_info{name="n",url="u"}',
    'k6_threshold_passed{expression="count<3",metric="http_reqs"}',
    'k6_threshold{expression="count<3",metric="http_reqs"}',
  ]);
});

test("label values that are equal in UTF-8 are one series", async () => {
  const samples = ["x\ud800", "x\udfff", "x\ufffd"].map((a) => sample({ a }));
  const { series } = await arriving([...samples, sample({}, { metric: checks })], {
    labels: { site: "\udc00" },
    rateCounters: false,
  });
  assert.deepEqual(series, {
    'k6_http_reqs_total{a="x\ufffd",site="\ufffd"}': ["3@1000"],
    'k6_checks_rate{site="\ufffd"}': ["1@1000"],
  });
});

test("run metrics do not count for maxSeries", async () => {
  const { series } = await arriving([sample({})], { thresholds: thresholds(), runInfo: runInfo(), maxSeries: 1 });
  assert.equal(Object.keys(series).length, 5);
});

test("a zero sample is sent before the first sample", async () => {
  const { series } = await arriving([sample({}), sample({}, { metric: checks, value: 0, time: 5000 })], {
    zeroSample: true,
  });
  assert.deepEqual(series, {
    "k6_http_reqs_total": ["0@999", "1@1000"],
    "k6_checks_rate": ["0@5000"],
    "k6_checks_passes_total": ["0@4999", "0@5000"],
    "k6_checks_samples_total": ["0@4999", "1@5000"],
  });
});
