import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSeries } from "../../src/receive/format_series.ts";
import { seriesKey } from "../../src/receive/series_key.ts";
import { slowRuns } from "../support/runs.ts";

test("series have the same key exactly if they have the same labels, in any order", () => {
  const part = fc.constantFrom("", "a", "ab", "b", "__name__", "é");
  const labels = fc.array(fc.record({ name: part, value: part }), { maxLength: 3 });
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      assert.equal(seriesKey(a) === seriesKey(b), formatSeries(a) === formatSeries(b));
      assert.equal(seriesKey(a.toReversed()), seriesKey(a));
    }),
    { seed: 5, numRuns: slowRuns(3000) },
  );
});

test("200,000 similar series have different keys, which are whole numbers below 2^53", () => {
  const keys = new Set<number>();
  for (let index = 0; index < 200_000; index++) {
    const key = seriesKey([{ name: "__name__", value: "k6_http_reqs_total" }, {
      name: "url",
      value: `/item/${index}`,
    }]);
    assert.ok(Number.isSafeInteger(key) && key >= 0);
    keys.add(key);
  }
  assert.equal(keys.size, 200_000);
});

test("frozen labels have the same key as equal labels, also the second time", () => {
  const labels = [{ name: "__name__", value: "up" }, { name: "job", value: "x".repeat(100) }];
  const frozen = Object.freeze(structuredClone(labels));
  for (let round = 0; round < 2; round++) assert.equal(seriesKey(frozen), seriesKey(labels));
  // Labels that can change are hashed each time.
  const before = seriesKey(labels);
  labels.reverse().push({ name: "zone", value: "a" });
  assert.notEqual(seriesKey(labels), before);
});
