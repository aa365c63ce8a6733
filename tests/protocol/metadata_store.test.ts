import assert from "node:assert/strict";
import { test } from "node:test";
import { MetadataStore } from "../../src/protocol/metadata_store.ts";

test("a series' family is its name, or what a classic histogram's series have in common", () => {
  const families = new MetadataStore();
  families.add("x", { type: "histogram", help: "X." });
  families.add("y_sum", { type: "gauge" });
  assert.deepEqual(["x_bucket", "x_sum", "x", "y_sum", "y"].map((name) => families.of(name)?.type), [
    "histogram",
    "histogram",
    "histogram",
    "gauge",
    undefined,
  ]);
});

test("what is new is returned, and the same again is not new", () => {
  const families = new MetadataStore();
  assert.deepEqual(families.add("x", { type: "gauge", help: "X.", unit: "" }), { type: "gauge", help: "X." });
  assert.equal(families.add("x", { type: "gauge", help: "X." }), undefined);
  assert.deepEqual(families.add("x", { type: "counter" }), { type: "counter" });
});

test("long texts are not remembered, nor families of a long name", () => {
  const families = new MetadataStore();
  const long = "x".repeat(1001);
  families.add("x", { type: "gauge", help: long, unit: long });
  assert.equal(families.add("x", { type: "gauge", help: `${long}y` }), undefined);
  families.add(long, { type: "gauge" });
  assert.deepEqual([...families.all], [["x", { type: "gauge" }]]);
});

test("memory is bounded by the length of all texts, and what is known can still change", () => {
  const families = new MetadataStore({ maxLength: 1000 });
  for (let index = 0; index < 100; index++) families.add(`x${index}`, { type: "gauge", help: "x".repeat(100) });
  assert.equal(families.all.size, 6);
  families.add("x0", { type: "gauge", help: "y".repeat(90) });
  assert.equal(families.of("x0")?.help?.[0], "y");
  families.add("x0", { type: "gauge", help: "y".repeat(900) });
  assert.equal(families.of("x0")?.help?.length, 90);
});
