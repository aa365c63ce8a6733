import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSeries } from "../../src/receive/format_series.ts";
import { seriesKey } from "../../src/receive/series_key.ts";

test("series have the same key if they have the same labels, and only then", () => {
  const part = fc.constantFrom("", "a", "ab", "b", "__name__", "é");
  const labels = fc.array(fc.record({ name: part, value: part }), { maxLength: 3 });
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      assert.equal(seriesKey(a) === seriesKey(b), formatSeries(a) === formatSeries(b));
      assert.equal(seriesKey(a.toReversed()), seriesKey(a));
    }),
    { seed: 5, numRuns: 3000 },
  );
});

test("keys of 200,000 series that differ little are all different, and whole numbers below 2^53", () => {
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
