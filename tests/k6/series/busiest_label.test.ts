import assert from "node:assert/strict";
import { test } from "node:test";
import { busiestLabel, type LabelledSeries } from "../../../src/k6/series/busiest_label.ts";

function series(labels: Readonly<Record<string, string>>): LabelledSeries {
  return { output: { labels: Object.entries(labels).map(([name, value]) => ({ name, value })) } };
}

test("the label with the most values is returned, except for the metric's name", () => {
  const all = Array.from(
    { length: 50 },
    (_, index) => series({ __name__: `m${index}`, method: index % 2 ? "GET" : "POST", url: `/${index % 20}` }),
  );
  assert.deepEqual(busiestLabel(all), { name: "url", values: 20, series: 50 });
});

test("only the first 10,000 series are examined, and without labels the result is undefined", () => {
  function* endless(): Generator<LabelledSeries> {
    for (let index = 0;; index++) yield series({ id: String(index) });
  }
  assert.deepEqual(busiestLabel(endless()), { name: "id", values: 10_000, series: 10_000 });
  assert.equal(busiestLabel([series({}), { output: { labels: [] } }]), undefined);
});
