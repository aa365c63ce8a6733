import assert from "node:assert/strict";
import { test } from "node:test";
import { formatResults } from "../../../src/cli/verdict/format_results.ts";
import { MetricReading } from "../../../src/cli/verdict/metric_reading.ts";
import { exitCodeOf, type RunVerdict } from "../../../src/cli/verdict/run_verdict.ts";
import { reportFormatOf } from "../../../src/cli/report/results_report.ts";

const startMs = Date.UTC(2026, 10, 22, 11, 19, 49);
const endMs = startMs + 60_000;

const histogram = { form: "native", count: 100, sum: 20, buckets: [{ low: 0.125, high: 0.25, count: 100 }] } as const;
const judged: RunVerdict = {
  title: "<night>",
  testid: "<night>",
  endpoint: "http://host/api/v1",
  extent: { startMs, endMs },
  durationMs: 60_000,
  instances: [{ name: "a", startMs, endMs, ended: true }, { name: "b", startMs, endMs, ended: false }],
  problems: ["The instance b went silent."],
  areThresholdsSent: false,
  readings: [
    new MetricReading({ name: "checks", contains: "default" }, { type: "rate", passes: 9, samples: 10 }),
    new MetricReading({ name: "data_sent", contains: "data" }, { type: "counter", count: 1_250_000, seconds: 60 }),
    new MetricReading({ name: "http_req_duration", contains: "time" }, { type: "trend", histogram }),
    new MetricReading({ name: "vus", contains: "default" }, { type: "gauge", value: 8, min: 1, max: 10 }),
  ],
  checks: [
    { name: "status is 200", group: "::home page::assets", passes: 5, samples: 5 },
    { name: "is | `fast`", group: "", passes: 4, samples: 5 },
  ],
  thresholds: [
    {
      metric: "http_req_duration{name:a|b}",
      expression: "p(95)<500",
      state: "passed",
      value: 240,
      detail: "p(95)=240ms",
    },
    { metric: "checks", expression: "rate>0.95", state: "crossed", value: 0.9, detail: "rate=90.00%" },
    { metric: 'x"&', expression: "count>1", state: "unanswered", detail: "the run has no series of \u001bx" },
  ],
};

test("the exit code is 99 for a crossed threshold, 2 for what is not answered, 0 otherwise", () => {
  const [passed, , unanswered] = judged.thresholds.map((threshold) => [threshold]);
  const code = (changes: Partial<RunVerdict>): number => exitCodeOf({ ...judged, problems: [], ...changes });
  assert.equal(exitCodeOf(judged), 99);
  assert.equal(code({ thresholds: unanswered ?? [] }), 2);
  assert.equal(code({ thresholds: passed ?? [] }), 0);
  assert.equal(code({ thresholds: [] }), 0);
  assert.equal(exitCodeOf({ ...judged, thresholds: passed ?? [] }), 2);
  const comparison = { testid: "", extent: judged.extent, durationMs: 1, values: [] };
  assert.equal(code({ thresholds: [], comparison: { ...comparison, gates: judged.thresholds } }), 99);
});

test("the summary is in the manner of k6", () => {
  assert.equal(
    formatResults(judged),
    `     testid  <night> at http://host/api/v1
       time  2026-11-22T11:19:49.000Z to 2026-11-22T11:20:49.000Z, about 1m
  instances  2 (1 ended): a, b
    problem  The instance b went silent.

  █ THRESHOLDS

    http_req_duration{name:a|b}
    ✓ 'p(95)<500' p(95)=240ms

    checks
    ✗ 'rate>0.95' rate=90.00%

    x"&
    ? 'count>1' not answered: the run has no series of x

  █ TOTAL RESULTS

    checks_total...................: 10
    checks_succeeded...............: 90.00% 9 out of 10
    checks_failed..................: 10.00% 1 out of 10

    ✓ home page / assets / status is 200
    ✗ is | \`fast\`
     ↳  80% — ✓ 4 / ✗ 1

    data_sent......................: 1.25 MB 20.83 kB/s
    http_req_duration..............: avg=200ms min≥125ms med=176.77ms max≤250ms p(90)=233.25ms p(95)=241.48ms p(99)=248.27ms count=100 (p(95) from 125ms to 250ms)
    vus............................: 8 min=1 max=10

    ↳ Trends are histograms: med and p(x) are estimates. The true p(95) lies between the bounds in brackets.
`,
  );
});

test("a JUnit report has thresholds and problems as cases, and is well-formed", () => {
  const xml = reportFormatOf("out/verdict.xml")(judged);
  assert.match(xml, /<testsuites name="k6 &#60;night&#62;" tests="4" failures="1" errors="2" time="60">/);
  assert.match(
    xml,
    /<testcase classname="k6\.thresholds" name="checks rate&#62;0\.95"><failure message="rate=90\.00%"\/>/,
  );
  assert.match(xml, /name="x&#34;&#38; count&#62;1"><error message="the run has no series of x"\/>/);
  assert.match(xml, /classname="k6\.instances" name="The instance b went silent\."><error/);
  // Every tag that is opened is closed, in order.
  const open: string[] = [];
  for (const [, closing, name = "", rest = ""] of xml.matchAll(/<(\/?)([a-z-]+)([^<>]*)>/g)) {
    if (closing === "/") assert.equal(open.pop(), name);
    else if (!rest.endsWith("/")) open.push(name);
  }
  assert.deepEqual(open, []);
});

test("a JUnit report has no character that XML does not allow", () => {
  const xml = reportFormatOf("verdict.xml")({
    ...judged,
    problems: ["a\u0000\u001b\u009b\ud800\udc00\ud800\ufffe\uffff\u202eb"],
  });
  // https://www.w3.org/TR/xml/#charsets
  assert.match(xml, /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
  assert.ok(xml.includes("\u{10000}\ufffd\ufffd\ufffd b"), xml);
});

test("Markdown shows names as text, and has the summary", () => {
  const markdown = reportFormatOf("verdict.md")(judged);
  assert.match(markdown, /^## k6 verdict: &#60;night&#62; failed\n\n> The instance b went silent\./);
  assert.match(markdown, /\| ✓ \| `http_req_duration\{name:a\\\|b\}` \| `p\(95\)<500` \| p\(95\)=240ms \|/);
  assert.match(markdown, /<details><summary>All results<\/summary>\n\n```text\n/);
  assert.equal(markdown.match(/```/g)?.length, 2);
});

test("JSON has all values with their bounds", () => {
  const json = JSON.parse(reportFormatOf("verdict.JSON")(judged));
  assert.equal(json.exitCode, 99);
  assert.deepEqual([json.start, json.durationMs], ["2026-11-22T11:19:49.000Z", 60_000]);
  assert.deepEqual(json.metrics.checks, {
    ...{ type: "rate", contains: "default", count: 10, passes: 9, values: { rate: 0.9 } },
  });
  assert.deepEqual(json.metrics.http_req_duration.bounds["p(95)"], [125, 250]);
  assert.equal(json.metrics.http_req_duration.values.avg, 200);
  assert.deepEqual(json.instances[1], { name: "b", ended: false, start: json.start, end: json.end });
});

test("another kind of report is an error", () => {
  for (const path of ["verdict.html", "verdict", "md"]) {
    assert.throws(
      () => reportFormatOf(path),
      /Cannot use --report: it is ".*", expected a name that ends in \.md, \.json or \.xml/,
    );
  }
});
