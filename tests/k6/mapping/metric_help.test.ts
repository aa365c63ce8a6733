import assert from "node:assert/strict";
import { test } from "node:test";
import { helpOf } from "../../../src/k6/mapping/metric_help.ts";
import { k6Metrics } from "../../../src/k6/read/k6_metrics.ts";

test("each metric of k6's own is explained in a sentence of its own", () => {
  const sentences = new Set<string>();
  for (const metric of Object.values(k6Metrics)) {
    const help = helpOf(metric) ?? "";
    assert.match(help, /^[A-Za-z][^\n.]*\.$/, metric.name);
    sentences.add(`${metric.name} ${help}`);
  }
  assert.equal(new Set([...sentences].map((text) => text.slice(text.indexOf(" ")))).size, sentences.size);
});

test("a script's metric is not explained, whatever its name", () => {
  assert.equal(helpOf({ name: "orders", type: "counter", contains: "default" }), undefined);
  assert.equal(helpOf({ name: "http_reqs", type: "gauge", contains: "default" }), undefined);
  assert.equal(helpOf({ name: "constructor", type: "trend", contains: "default" }), undefined);
});
