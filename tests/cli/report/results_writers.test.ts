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
