import assert from "node:assert/strict";
import { test } from "node:test";
import { formatJson, formatJUnit, formatMarkdown } from "../../../src/cli/report/results_report.ts";
import { SampleResults } from "../../../src/cli/report/sample_results.ts";
import { parseThresholdGroups } from "../../../src/k6/run_metrics/thresholds.ts";
import { readK6Json } from "../../../mod.ts";
import { recordedJson } from "../../support/recorded_run.ts";

interface Point {
  readonly metric: string;
  readonly value: number;
  readonly timeMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

const points: readonly Point[] = new TextDecoder().decode(recordedJson("basic")).trimEnd().split("\n")
  .map((line) => JSON.parse(line))
  .filter(({ type }) => type === "Point")
  .map(({ metric, data }) => ({ metric, value: data.value, timeMs: Date.parse(data.time), tags: data.tags }));

const valuesOf = (metric: string, tags: Readonly<Record<string, string>> = {}): number[] =>
  points.filter((point) =>
    point.metric === metric && Object.entries(tags).every(([name, value]) => point.tags[name] === value)
  ).map(({ value }) => value);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Interpolates as k6 does: https://github.com/grafana/k6/blob/master/metrics/sink.go */
function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (p / 100) * (sorted.length - 1);
  const [below = NaN, above = NaN] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

async function resultsOfRecording(groups: Parameters<typeof parseThresholdGroups>[0] = {}): Promise<SampleResults> {
  const results = new SampleResults(parseThresholdGroups(groups));
  const stream = new Blob([recordedJson("basic")]).stream();
  for await (const samples of readK6Json(stream)) results.add(samples);
  return results;
}

test("the results of all samples are exact", async () => {
  const results = await (await resultsOfRecording()).results({ title: "run.json.gz" });
  const json = JSON.parse(formatJson(results));
  const seconds = (Math.max(...points.map(({ timeMs }) => timeMs)) - Math.min(...points.map(({ timeMs }) => timeMs))) /
    1000;
  assert.deepEqual([json.title, json.testid, json.state], ["run.json.gz", "basic", "passed"]);
  assert.deepEqual(Object.keys(json.metrics).sort(), [...new Set(points.map(({ metric }) => metric))].sort());
  const durations = valuesOf("http_req_duration");
  const { values, count, form } = json.metrics.http_req_duration;
  assert.deepEqual([count, form], [durations.length, "samples"]);
  for (const p of [90, 95, 99]) assert.ok(Math.abs(values[`p(${p})`] - percentile(durations, p)) < 1e-9, `p(${p})`);
  assert.ok(Math.abs(values.med - percentile(durations, 50)) < 1e-9);
  assert.ok(Math.abs(values.avg - sum(durations) / durations.length) < 1e-9);
  assert.deepEqual([values.min, values.max], [Math.min(...durations), Math.max(...durations)]);
  const requests = valuesOf("http_reqs").length;
  assert.equal(json.metrics.http_reqs.values.count, requests);
  assert.ok(Math.abs(json.metrics.http_reqs.values.rate - requests / seconds) < 0.01);
  const failed = valuesOf("http_req_failed");
  assert.deepEqual(json.metrics.http_req_failed.passes, sum(failed));
  assert.deepEqual(json.metrics.http_req_failed.values.rate, sum(failed) / failed.length);
  const cache = valuesOf("cache_size");
  assert.deepEqual(
    [json.metrics.cache_size.values.value, json.metrics.cache_size.min, json.metrics.cache_size.max],
    [cache.at(-1), Math.min(...cache), Math.max(...cache)],
  );
  assert.deepEqual(
    json.checks,
    ['is "quoted" ünï', "status is 200"].map((name) => {
      const samples = valuesOf("checks", { check: name });
      return { name, group: "::home page", passes: sum(samples), samples: samples.length };
    }),
  );
});

test("thresholds of the run are judged, and those on tags that are given", async () => {
  const failing = valuesOf("http_req_duration", { status: "500" });
  const all = await resultsOfRecording({
    "http_req_duration{status:500}": ["count==0", `max<${Math.max(...failing)}`, "p(50)>=0"].slice(1),
    "http_req_duration{status:404}": ["p(95)<500"],
    "http_req_duration": ["p(95)<500"],
    "login_ok": ["rate>0.9"],
  });
  const { thresholds } = await all.results({ title: "a" });
  assert.deepEqual(thresholds.map(({ metric, expression, state }) => [metric, expression, state]), [
    // The script has these two.
    ["http_req_duration", "p(95)<500", "passed"],
    ["login_ok", "rate>0.5", "passed"],
    ["http_req_duration{status:500}", `max<${Math.max(...failing)}`, "crossed"],
    ["http_req_duration{status:500}", "p(50)>=0", "passed"],
    ["http_req_duration{status:404}", "p(95)<500", "unanswered"],
    ["login_ok", "rate>0.9", "crossed"],
  ]);
  assert.equal(thresholds[4]?.detail, "the run has no series of http_req_duration with status=404");
});

test("Markdown begins with the thresholds and has the summary, and JUnit has the thresholds and the delivery", async () => {
  const delivery = {
    ...{ samples: 791, delivered: 790, rejected: 1, failed: 0, unknown: 0, dropped: 0, deferred: 0, merged: 0 },
    ...{ requests: 8, retries: 0, bytes: 33_900, reasons: [] },
  };
  const results = await (await resultsOfRecording()).results({ title: "script.js", delivery });
  const markdown = formatMarkdown(results);
  assert.match(markdown, /^## k6 results: script\.js passed\n\n\|/);
  assert.match(markdown, /\| ✓ \| `http_req_duration` \| `p\(95\)<500` \| p\(95\)=15\.03ms \|/);
  assert.match(
    markdown,
    /<details open>.*\n\n```text\n +run {2}script\.js\n +testid {2}basic\n +time .*\n +delivered {2}790 of 791 samples\n/,
  );
  assert.match(markdown, /http_req_duration\.+: avg=.* p\(99\)=16\.25ms count=373\n/);
  const xml = formatJUnit(results);
  assert.match(xml, /<testsuites name="k6 script\.js" tests="3" failures="0" errors="1" /);
  assert.match(xml, /<testcase classname="k6\.thresholds" name="login_ok rate&#62;0\.5"><system-out>rate=/);
  assert.match(
    xml,
    /<testcase classname="k6\.run" name="every sample is delivered"><error message="1 of 791 samples not/,
  );
});

test("results without samples say so; without thresholds, Markdown names no state", async () => {
  const empty = await new SampleResults().results({ title: "run" });
  assert.deepEqual(empty.problems, ["There were no samples."]);
  assert.match(formatMarkdown(empty), /^## k6 results: run\n\n> There were no samples\./);
  assert.match(formatJUnit(empty), /tests="1" failures="0" errors="1"/);
  const results = new SampleResults();
  const metric = { name: "vus", type: "gauge", contains: "default" } as const;
  results.add([{ metric, time: 1, value: 2, tags: {} }, { metric, time: NaN, value: 9, tags: {} }]);
  results.add([{ metric: { ...metric }, time: 2, value: 3, tags: {} }, { metric, time: 3, value: Infinity, tags: {} }]);
  const [vus] = (await results.results({ title: "run" })).readings;
  assert.deepEqual(vus?.values, { type: "gauge", value: 3, min: 2, max: 3 });
});
