import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesStore } from "../../../src/k6/series/series_store.ts";
import { CounterSink } from "../../../src/k6/sinks/sink.ts";
import type { Metric } from "../../../src/k6/metric.ts";
import type { Sample, Tags } from "../../../src/k6/sample.ts";

const counter: Metric = { name: "c", type: "counter", contains: "default" };

function newStore(options: { maxSeries?: number; identity?: (tags: Tags) => string } = {}): {
  store: SeriesStore<string>;
  refused: string[];
  opened: Tags[];
} {
  const refused: string[] = [];
  const opened: Tags[] = [];
  const store = new SeriesStore<string>({
    open(metric, tags) {
      opened.push(tags);
      if (metric.name === "dropped") return undefined;
      return {
        sink: new CounterSink(),
        output: options.identity?.(tags) ?? JSON.stringify(tags),
        // Equal for all, so that the store must tell series with equal hashes apart.
        hash: 7,
      };
    },
    isSame: (one, other) => one === other,
    maxSeries: options.maxSeries ?? 100,
    onRefused: (reason) => refused.push(reason),
  });
  return { store, refused, opened };
}

function sample(tags: Tags, value = 1, time = 1000, metric = counter): Sample {
  return { metric, tags, value, time };
}

function values(store: SeriesStore<string>): number[] {
  const result: number[] = [];
  for (const series of store.series()) series.sink.collect((_, value) => result.push(Number(value)));
  return result;
}

test("samples with equal metrics and tags share a series, in any objects", () => {
  const { store, opened } = newStore();
  const tags = { a: "1", b: "2" };
  store.add(sample(tags));
  store.add(sample(tags));
  store.add(sample({ a: "1", b: "2" }));
  store.add(sample({ a: "1", b: "2" }, 1, 1000, { ...counter }));
  assert.deepEqual(values(store), [4]);
  assert.equal(opened.length, 1);
});

test("tags in another order are the same series if their labels are equal", () => {
  const { store } = newStore({ identity: (tags) => JSON.stringify(Object.entries(tags).sort()) });
  store.add(sample({ a: "1", b: "2" }));
  store.add(sample({ b: "2", a: "1" }));
  assert.deepEqual(values(store), [2]);
});

test("tags whose joined strings are equal are different series", () => {
  const { store } = newStore();
  store.add(sample({ a: "bc" }, 1));
  store.add(sample({ ab: "c" }, 2));
  store.add(sample({ a: "b", c: "" }, 4));
  store.add(sample({ a: "1:b1:c" }, 8));
  store.add(sample({ a: "1", b: "c" }, 16));
  assert.deepEqual(values(store), [1, 2, 4, 8, 16]);
});

test("metrics with the same name and different types are different series", () => {
  const { store } = newStore();
  store.add(sample({}));
  store.add(sample({}, 5, 1000, { ...counter, type: "gauge" }));
  assert.equal(store.size, 2);
});

test("a metric that the mapping drops makes no series", () => {
  const { store, refused } = newStore();
  store.add(sample({}, 1, 1000, { ...counter, name: "dropped" }));
  assert.deepEqual([store.size, refused], [0, []]);
});

test("pending series are taken once, with their latest time", () => {
  const { store } = newStore();
  store.add(sample({ a: "1" }, 1, 3000.9));
  store.add(sample({ a: "1" }, 1, 2000));
  store.add(sample({ a: "2" }, 1, 1000));
  assert.deepEqual(store.takePending().map(({ firstTime, latestTime }) => [firstTime, latestTime]), [[3000, 3000], [
    1000,
    1000,
  ]]);
  assert.deepEqual(store.takePending(), []);
  store.add(sample({ a: "2" }));
  assert.equal(store.takePending().length, 1);
});

test("values and times that cannot be sent are refused and not aggregated", () => {
  const { store, refused } = newStore();
  for (const value of [NaN, Infinity, -Infinity]) store.add(sample({}, value));
  for (const time of [NaN, Infinity, 1e17]) store.add(sample({}, 1, time));
  assert.deepEqual(refused, [
    "invalidValue",
    "invalidValue",
    "invalidValue",
    "invalidTime",
    "invalidTime",
    "invalidTime",
  ]);
  assert.equal(store.size, 0);
});

test("samples of series beyond maxSeries are refused, and known series continue", () => {
  const { store, refused } = newStore({ maxSeries: 2 });
  for (const a of ["1", "2", "3", "3", "1"]) store.add(sample({ a }));
  assert.deepEqual([store.size, refused, values(store)], [2, ["maxSeries", "maxSeries"], [2, 1]]);
});

test("a series beyond maxSeries is opened only once", () => {
  const { store, refused, opened } = newStore({ maxSeries: 1 });
  store.add(sample({ a: "1" }));
  for (let index = 0; index < 100; index++) store.add(sample({ a: "2" }));
  assert.deepEqual([refused.length, opened.length], [100, 2]);
});

test("tags that never repeat share a series if their labels are equal", () => {
  const { store } = newStore({ identity: () => "same" });
  for (let index = 0; index < 250_000; index++) store.add(sample({ name: String(index) }));
  assert.deepEqual([store.size, values(store)], [1, [250_000]]);
});
