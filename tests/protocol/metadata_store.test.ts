import assert from "node:assert/strict";
import { test } from "node:test";
import { MetadataStore } from "../../src/protocol/metadata_store.ts";

test("a series is a family of its own, and the series of a classic histogram share one", () => {
  const store = new MetadataStore();
  store.add("x", { type: "histogram", help: "X." });
  store.add("y_sum", { type: "gauge" });
  assert.deepEqual(["x_bucket", "x_sum", "x", "y_sum", "y"].map((name) => store.of(name)?.type), [
    "histogram",
    "histogram",
    "histogram",
    "gauge",
    undefined,
  ]);
});

test("`add` returns only metadata that is new", () => {
  const store = new MetadataStore();
  assert.deepEqual(store.add("x", { type: "gauge", help: "X.", unit: "" }), { type: "gauge", help: "X." });
  assert.equal(store.add("x", { type: "gauge", help: "X." }), undefined);
  assert.deepEqual(store.add("x", { type: "counter" }), { type: "counter" });
});

test("long strings and families with a long name are not remembered", () => {
  const store = new MetadataStore();
  const long = "x".repeat(1001);
  store.add("x", { type: "gauge", help: long, unit: long });
  assert.equal(store.add("x", { type: "gauge", help: `${long}y` }), undefined);
  store.add(long, { type: "gauge" });
  assert.deepEqual([...store.all], [["x", { type: "gauge" }]]);
});

test("the length of all strings is limited, and known metadata can still change", () => {
  const store = new MetadataStore({ maxLength: 1000 });
  for (let index = 0; index < 100; index++) store.add(`x${index}`, { type: "gauge", help: "x".repeat(100) });
  assert.equal(store.all.size, 6);
  store.add("x0", { type: "gauge", help: "y".repeat(90) });
  assert.equal(store.of("x0")?.help?.[0], "y");
  store.add("x0", { type: "gauge", help: "y".repeat(900) });
  assert.equal(store.of("x0")?.help?.length, 90);
});
