import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareUtf8 } from "../../src/model/labels.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import { slowRuns } from "../support/runs.ts";

const series: readonly [labels: [string, string][], expected: string][] = [
  [[], "{}"],
  [[["__name__", "up"]], "up"],
  [[["job", "a"], ["__name__", "up"], ["env", "b"]], 'up{env="b",job="a"}'],
  [[["job", 'a"b\n']], '{job="a\\"b\\n"}'],
  [[["__name__", "my.metric"]], '{__name__="my.metric"}'],
  [[["__name__", "up"], ["my-tag", "1"]], 'up{"my-tag"="1"}'],
];

for (const [labels, expected] of series) {
  test(`a series is formatted as ${expected}`, () => {
    assert.equal(formatSeries(labels.map(([name, value]) => ({ name, value }))), expected);
  });
}

test("series have the same format only if they have the same labels", () => {
  const part = fc.constantFrom("", "a", "__name__", 'a="', '",b="', "b", "é");
  const labels = fc.array(fc.record({ name: part, value: part }), { maxLength: 3 });
  const sorted = (list: readonly { name: string; value: string }[]): string =>
    JSON.stringify(list.map(({ name, value }) => JSON.stringify([name, value])).sort());
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      assert.equal(formatSeries(a) === formatSeries(b), sorted(a) === sorted(b));
    }),
    { seed: 3, numRuns: slowRuns(3000) },
  );
});

test("compareUtf8 compares strings in the order of their UTF-8 bytes", () => {
  const encoder = new TextEncoder();
  const text = fc.array(fc.constantFrom("a", "b", "\u{10000}", "\u{1f600}", "\uffff", "\ue000", "é"), { maxLength: 4 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const hex = (each: string): string =>
        [...encoder.encode(each)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const expected = hex(a) < hex(b) ? -1 : hex(a) > hex(b) ? 1 : 0;
      assert.equal(Math.sign(compareUtf8(a, b)), expected);
    }),
    { seed: 4, numRuns: slowRuns(3000) },
  );
});
