import assert from "node:assert/strict";
import { test } from "node:test";
import { isMergeable, mergeBatches } from "../../src/send/merge_batches.ts";
import { SeriesNames } from "../support/sending.ts";

test("the newest sample of each series stays, also of series that are in some batches only", () => {
  const series = new SeriesNames();
  const merged = mergeBatches([
    series.batch([["a", 1, 1], ["b", 1, 10]]),
    series.batch([["a", 2, 2], ["c", 2, 100]]),
    series.batch([["c", 3, 200]]),
  ]);
  const samples = merged.series.map(({ name }, index) => [name, merged.times[index], merged.values[index]]);
  assert.deepEqual(samples, [["a", 2, 2], ["b", 1, 10], ["c", 3, 200]]);
});

test("the exemplars of the newest sample stay, and those of the others go with them", () => {
  const series = new SeriesNames();
  const batches = [1, 2].map((time) => {
    const batch = series.batch([["a", time, time]]);
    batch.setExemplars(0, [{ labels: [], value: time, timestamp: time }]);
    return batch;
  });
  assert.deepEqual(mergeBatches(batches).exemplars.get(0)?.map(({ value }) => value), [2]);
});

test("a batch with several samples of a series or with staleness markers cannot be merged", () => {
  const series = new SeriesNames();
  assert.ok(isMergeable(series.batch([["a", 1, 1], ["b", 1, 1]])));
  assert.ok(!isMergeable(series.batch([["a", 1, 1], ["a", 2, 1]])));
  const stale = series.batch([["a", 1, 1]]);
  stale.pushStale(series.get("b"), 1);
  assert.ok(!isMergeable(stale));
});
