import assert from "node:assert/strict";
import { test } from "node:test";
import { helpOf } from "../../../src/k6/mapping/metric_help.ts";
import { k6Metrics } from "../../../src/k6/read/k6_metrics.ts";

test("each metric of k6 has a help text of one sentence, different from all others", () => {
  const sentences = new Set<string>();
  for (const metric of Object.values(k6Metrics)) {
    const help = helpOf(metric) ?? "";
    assert.match(help, /^[A-Za-z][^\n.]*\.$/, metric.name);
    sentences.add(`${metric.name} ${help}`);
  }
  assert.equal(new Set([...sentences].map((text) => text.slice(text.indexOf(" ")))).size, sentences.size);
});

test("a metric of the script has no help text, even if its name is that of a metric of k6", () => {
  assert.equal(helpOf({ name: "orders", type: "counter", contains: "default" }), undefined);
  assert.equal(helpOf({ name: "http_reqs", type: "gauge", contains: "default" }), undefined);
  assert.equal(helpOf({ name: "constructor", type: "trend", contains: "default" }), undefined);
});
