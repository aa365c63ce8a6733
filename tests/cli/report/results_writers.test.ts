import assert from "node:assert/strict";
import { test } from "node:test";
import { resultsWriters } from "../../../src/cli/report/results_writers.ts";
import { SampleResults } from "../../../src/cli/report/sample_results.ts";
import { metadataOf, MetadataStore } from "../../../src/protocol/metadata_store.ts";

const store = {
  series: new Map([[1, { name: "load_http_reqs_total", labels: [], times: [0, 1000], values: [1, 5], length: 2 }]]),
  metadataOf: (name: string) => metadataOf(name, new MetadataStore({ maxLength: 1 }).all),
};

test("a report is of the samples if they are known, and of the series otherwise, which may have another prefix", async () => {
  const samples = new SampleResults();
  const metric = { name: "http_reqs", type: "counter", contains: "default" } as const;
  samples.add([1, 2, 3].map((time) => ({ metric, time, value: 1, tags: {} })));
  const count = async (run: Parameters<typeof resultsWriters.json.write>[0]): Promise<unknown> =>
    JSON.parse(await resultsWriters.json.write(run)).metrics.http_reqs?.values.count;
  assert.equal(await count({ title: "run", store, samples }), 3);
  assert.equal(await count({ title: "run", store, prefix: "load_" }), 5);
  assert.equal(await count({ title: "run", store }), undefined);
  const { testid } = JSON.parse(await resultsWriters.json.write({ title: "run", testid: "night", store, samples }));
  assert.equal(testid, "night");
  assert.match(await resultsWriters.md.write({ title: "run", store, samples }), /^## k6 results: run\n/);
  assert.match(await resultsWriters.xml.write({ title: "run", store, samples }), /^<\?xml/);
});

const duration = {
  ...{ name: "http_req_duration", type: "trend", contains: "time" } as const,
  thresholds: ["p(95)<500"],
};

const endings: readonly (readonly [
  title: string,
  run: { readonly end?: { readonly code: number; readonly signal?: string }; readonly isPart?: boolean },
  expected: { readonly ms?: number; readonly state: string; readonly problems: readonly RegExp[] },
])[] = [
  ["0 is no problem", { end: { code: 0 } }, { state: "passed", problems: [] }],
  [
    "99 without a crossed threshold means one that k6 did not tell",
    { end: { code: 99 } },
    { state: "failed", problems: [/^k6 ended with 99 \(thresholds failed\), but no threshold that is known here was/] },
  ],
  ["99 with a crossed threshold is no further problem", { end: { code: 99 } }, {
    ms: 600,
    state: "failed",
    problems: [],
  }],
  [
    "an exception of the script",
    { end: { code: 107 } },
    { state: "not answered", problems: [/^k6 ended with 107 \(the script threw an exception\)\.$/] },
  ],
  ["test.fail() is a failure", { end: { code: 110 } }, { state: "failed", problems: [/test\.fail\(\)/] }],
  [
    "a signal, in the middle of a line",
    { end: { code: 137, signal: "SIGKILL" }, isPart: true },
    { state: "not answered", problems: [/^SIGKILL ended k6\.$/, /^Only a part of the results was read/] },
  ],
  ["a recording that is cut", { isPart: true }, { state: "not answered", problems: [/^Only a part/] }],
];
for (const [title, run, { ms = 1, state, problems }] of endings) {
  test(`the results are not passed unless k6 ended well: ${title}`, async () => {
    const samples = new SampleResults();
    samples.add([{ metric: duration, time: 1, value: ms, tags: {} }]);
    const all = { title: "run", store, samples, ...run };
    const json = JSON.parse(await resultsWriters.json.write(all));
    assert.deepEqual([json.state, json.problems.length], [state, problems.length]);
    for (const [index, problem] of problems.entries()) assert.match(json.problems[index], problem);
    assert.match(await resultsWriters.md.write(all), new RegExp(`^## k6 results: run ${state}\n`));
    const failing = /<testsuites .*? failures="0" errors="0" /.test(await resultsWriters.xml.write(all));
    assert.equal(failing, state === "passed");
    // Of series, too.
    const ofSeries = JSON.parse(await resultsWriters.json.write({ ...all, samples: undefined, prefix: "load_" }));
    assert.equal(ofSeries.state === "passed", state === "passed");
  });
}

test("without thresholds, Markdown says that k6 failed", async () => {
  const light = { title: "run", store, prefix: "load_", end: { code: 99 } };
  assert.match(await resultsWriters.md.write(light), /^## k6 results: run failed\n\n> k6 ended with 99/);
});

test("the unit of a script's trend is not known in the light mode, so that a time in seconds is not shown as a number", async () => {
  const point = { labels: [], times: [1000], values: [0.003], length: 1 };
  const series = new Map([[1, { name: "k6_checkout_time_p99", ...point }], [2, {
    name: "k6_http_req_waiting_p99",
    ...point,
  }]]);
  const run = { title: "run", store: { series, metadataOf: () => ({ type: "gauge" } as const) } };
  const metricsOf = async (isLight: boolean): Promise<Record<string, { values: unknown; unknown: unknown }>> =>
    JSON.parse(await resultsWriters.json.write({ ...run, isLight })).metrics;
  const { checkout_time: time, http_req_waiting: waiting } = await metricsOf(true);
  assert.deepEqual([time?.values, waiting?.values], [{}, { "p(99)": 3 }]);
  assert.match(JSON.stringify(time?.unknown), /its unit is not known; send with --trend-as native/);
  assert.deepEqual((await metricsOf(false)).checkout_time?.values, { "p(99)": 0.003 });
});
