import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { hasAggregation, parseThreshold } from "../../../src/k6/run_metrics/threshold_expression.ts";

const expressions: readonly [string, unknown, number][] = [
  ["p(95)<500", { quantile: 0.95 }, 500],
  ["p(99.9) <= 1.5e3", { quantile: 99.9 / 100 }, 1500],
  ["p(0)>0", { quantile: 0 }, 0],
  ["  rate > 0.5 ", "rate", 0.5],
  ["count==10", "count", 10],
  ["count===10", "count", 10],
  ["value!=-3", "value", -3],
  ["med>=.5", { quantile: 0.5 }, 0.5],
  ["avg<+2", "avg", 2],
  ["min>1", "min", 1],
  ["max<1", "max", 1],
];
for (const [text, aggregation, bound] of expressions) {
  test(`"${text}" is a threshold expression`, () => {
    const expression = parseThreshold(text);
    assert.deepEqual([expression.text, expression.aggregation, expression.bound], [text, aggregation, bound]);
  });
}

for (
  const text of [
    "",
    "p95<500",
    "p(101)<1",
    "p(-1)<1",
    "p(x)<1",
    "avg",
    "avg<",
    "<5",
    "avg=5",
    "avg<5ms",
    "avg<0x5",
    "sum<1",
  ]
) {
  test(`"${text}" is rejected`, () => {
    assert.throws(() => parseThreshold(text), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.ok(error.message.includes(JSON.stringify(text)), error.message);
      return true;
    });
  });
}

test("each comparison passes for the right values", () => {
  const held = (operator: string): string =>
    [1, 2, 3].filter((value) => parseThreshold(`avg${operator}2`).holds(value)).join("");
  assert.deepEqual(
    ["<", "<=", ">", ">=", "==", "===", "!="].map(held),
    ["1", "12", "3", "23", "2", "2", "13"],
  );
});

test("each metric type allows the same values as in k6", () => {
  const all = ["value", "count", "rate", "avg", "min", "max"] as const;
  const of = (type: "counter" | "gauge" | "rate" | "trend"): string[] =>
    all.filter((name) => hasAggregation(type, name));
  assert.deepEqual([of("counter"), of("gauge"), of("rate"), of("trend")], [
    ["count", "rate"],
    ["value"],
    ["rate"],
    ["avg", "min", "max"],
  ]);
  assert.deepEqual([hasAggregation("trend", { quantile: 0.5 }), hasAggregation("rate", { quantile: 0.5 })], [
    true,
    false,
  ]);
});
