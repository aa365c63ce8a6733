import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTrendStats } from "../../../src/k6/sinks/trend_stats.ts";
import { ConfigurationError } from "../../../src/model/errors.ts";

test("stats keep the given order", () => {
  assert.deepEqual(parseTrendStats(["sum", "p(95)", "med", "avg", "min", "max", "count"]), [
    { name: "sum", suffix: "_sum", of: "sum" },
    { name: "p(95)", suffix: "_p95", of: { quantile: 0.95 } },
    { name: "med", suffix: "_med", of: { quantile: 0.5 } },
    { name: "avg", suffix: "_avg", of: "avg" },
    { name: "min", suffix: "_min", of: "min" },
    { name: "max", suffix: "_max", of: "max" },
    { name: "count", suffix: "_count", of: "count" },
  ]);
});

test("a percentile has k6's suffix, but between 1 and 10 the dot of a fraction becomes _", () => {
  const suffixes: Record<string, string> = {
    "p(0)": "_p0",
    "p(0.5)": "_p05",
    "p(.5)": "_p05",
    "p(0.05)": "_p005",
    "p(5)": "_p5",
    "p(05.0)": "_p5",
    "p(1.25)": "_p1_25",
    "p(9.5)": "_p9_5",
    "p(9.95)": "_p9_95",
    "p(10)": "_p10",
    "p(10.5)": "_p105",
    "p(90)": "_p90",
    "p(99.)": "_p99",
    "p(99.9)": "_p999",
    "p(99.990)": "_p9999",
    "p(100)": "_p100",
    "p(100.0)": "_p100",
  };
  for (const [name, suffix] of Object.entries(suffixes)) assert.equal(parseTrendStats([name])[0]?.suffix, suffix, name);
});

test("percentiles with up to two decimals have different suffixes", () => {
  const names = Array.from({ length: 10_001 }, (_, hundredths) => `p(${hundredths / 100})`);
  assert.equal(new Set(parseTrendStats(names).map(({ suffix }) => suffix)).size, names.length);
});

test("two stats with the same suffix are an error that names both", () => {
  for (const pair of [["p(95)", "p(95.0)"], ["p(.5)", "p(0.50)"], ["max", "max"]]) {
    assert.throws(
      () => parseTrendStats(["min", ...pair]),
      (error) => error instanceof ConfigurationError && pair.every((name) => error.message.includes(name)),
    );
  }
});

test("an unknown stat is an error that says what was expected", () => {
  for (
    const name of [
      "",
      "median",
      "p95",
      "p()",
      "p(.)",
      "p(-1)",
      "p(100.1)",
      "p(1e1)",
      "p(NaN)",
      " p(95)",
      "p(95)x",
      "Avg",
    ]
  ) {
    assert.throws(
      () => parseTrendStats([name]),
      (error) =>
        error instanceof ConfigurationError && error.message.includes(JSON.stringify(name)) &&
        error.message.includes("expected avg, min, med, max, count, sum or p(x)"),
      name,
    );
  }
  assert.throws(() => parseTrendStats([]), ConfigurationError);
});
