import assert from "node:assert/strict";
import { test } from "node:test";
import { validLabelName, validMetricName } from "../../src/model/labels.ts";

const names: readonly [string, string][] = [
  ["method", "method"],
  ["my-tag", "my_tag"],
  ["a.b", "a_b"],
  ["1st", "_1st"],
  ["", "_"],
  ["ü", "_"],
  ["𝕏", "_"],
  ["__name__", "tag__name__"],
  ["__x", "tag__x"],
  ["--", "tag__"],
];
for (const [from, to] of names) {
  test(`the valid label name for "${from}" is "${to}"`, () => assert.equal(validLabelName(from), to));
}

test("a valid metric name keeps its colons", () => {
  assert.equal(validMetricName("k6_a:b c"), "k6_a:b_c");
  assert.equal(validMetricName("9"), "_9");
});
