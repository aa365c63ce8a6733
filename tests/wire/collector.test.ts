import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesStore } from "../../src/aggregate/series_store.ts";
import { rawMapping } from "../../src/mapping/raw.ts";
import type { Mapping } from "../../src/mapping/mapping.ts";
import type { Metric } from "../../src/metric.ts";
import { NativeHistogramSink } from "../../src/aggregate/native_histogram_sink.ts";
import { CounterSink } from "../../src/aggregate/sink.ts";
import { Collector } from "../../src/wire/collector.ts";
import { SeriesFactory } from "../../src/wire/series_factory.ts";
import type { Batch } from "../../src/wire/batch.ts";
import type { WireSeries } from "../../src/wire/wire_series.ts";

const counter: Metric = { name: "c", type: "counter", contains: "default" };
const counters: Mapping = {
  name: "counters",
  mapMetric: ({ name }) => ({
    outputs: [{ name, metadata: { type: "counter" } }],
    createSink: () => new CounterSink(),
  }),
};

function newStore(mapping: Mapping): { store: SeriesStore<WireSeries>; warnings: string[] } {
  const warnings: string[] = [];
  const factory = new SeriesFactory({
    prefix: "",
    mapping,
    keepTags: true,
    keepNameTag: false,
    keepUrlTag: true,
    labels: {},
    onWarning: (message) => warnings.push(message),
  });
  const store = new SeriesStore<WireSeries>({
    open: (metric, tags) => factory.open(metric, tags),
    maxSeries: 1000,
    onRefused: (reason) => assert.fail(reason),
  });
  return { store, warnings };
}

function points(batch: Batch | undefined): [string, number | undefined, number | undefined][] {
  return (batch?.series ?? []).map((series, index) => [series.name, batch?.values[index], batch?.times[index]]);
}

test("a series is stamped with its latest sample's millisecond, or 1 ms after what was sent before", () => {
  const { store } = newStore(counters);
  const collector = new Collector(1);
  const add = (time: number): void => store.add({ metric: counter, time, value: 1, tags: {} });
  const stamps = [1000, 1000, 1000.7, 900, 5000].map((time) => {
    add(time);
    return points(collector.collect(store.takePending())[0]);
  });
  assert.deepEqual(stamps.flat(), [["c", 1, 1000], ["c", 2, 1001], ["c", 3, 1002], ["c", 4, 1003], ["c", 5, 5000]]);
});

test("a heartbeat sends the value again, at the time given", () => {
  const { store } = newStore(counters);
  const collector = new Collector(1);
  store.add({ metric: counter, time: 1000, value: 7, tags: {} });
  collector.collect(store.takePending());
  assert.deepEqual(points(collector.collect(store.series(), 61_000)[0]), [["c", 7, 61_000]]);
});

test("staleness markers come 1 ms after the last sample, once for each series that was sent", () => {
  const { store } = newStore(counters);
  const collector = new Collector(1);
  store.add({ metric: counter, time: 1000, value: 7, tags: {} });
  collector.collect(store.takePending());
  store.add({ metric: { ...counter, name: "never_sent" }, time: 1000, value: 7, tags: {} });
  const batch = collector.collectStale(store.series())[0];
  assert.deepEqual([batch?.length, batch?.times[0], [...batch?.stale ?? []]], [1, 1001, [0]]);
});

test("raw sends every sample in rising order; those that share a millisecond are moved to the next free one", () => {
  const { store } = newStore(rawMapping({ prefix: "k6_" }));
  const collector = new Collector(1);
  const add = (time: number, value: number): void => store.add({ metric: counter, time, value, tags: {} });
  for (const [time, value] of [[1000, 1], [1000, 2], [999, 3], [1001, 4], [1010, 5]] as const) add(time, value);
  assert.deepEqual(points(collector.collect(store.takePending())[0]), [
    ["k6_c", 3, 999],
    ["k6_c", 1, 1000],
    ["k6_c", 2, 1001],
    ["k6_c", 4, 1002],
    ["k6_c", 5, 1010],
  ]);
  add(1005, 6);
  assert.deepEqual(points(collector.collect(store.takePending())[0]), [["k6_c", 6, 1011]]);
  assert.deepEqual(collector.collect(store.series(), 99_000), []);
  add(1012, 7);
  assert.deepEqual(points(collector.collect(store.takePending())[0]), [["k6_c", 7, 1012]]);
});

test("a series always goes to the same shard", () => {
  const { store } = newStore(counters);
  const collector = new Collector(4);
  const shardOf = (): Map<string, number> => {
    const found = new Map<string, number>();
    for (let index = 0; index < 50; index++) {
      store.add({ metric: counter, time: 1, value: 1, tags: { index: String(index) } });
    }
    collector.collect(store.takePending()).forEach((batch, shard) => {
      for (const { labels } of batch?.series ?? []) found.set(JSON.stringify(labels), shard);
    });
    return found;
  };
  const first = shardOf();
  assert.deepEqual(shardOf(), first);
  assert.equal(new Set(first.values()).size, 4);
});

test("two metrics that come to the same name get different ones, and it is said", () => {
  const { store, warnings } = newStore(counters);
  store.add({ metric: { ...counter, name: "a b" }, time: 1, value: 1, tags: {} });
  store.add({ metric: { ...counter, name: "a b", type: "gauge" }, time: 1, value: 2, tags: {} });
  assert.deepEqual(points(new Collector(1).collect(store.takePending())[0]), [["a_b", 1, 1], ["a_b_2", 2, 1]]);
  assert.deepEqual(warnings, [
    'The metric "a b" is sent as "a_b": the name "a b" is not valid or taken.',
    'The metric "a b" is sent as "a_b_2": the name "a b" is not valid or taken.',
  ]);
});

test("a sink that emits an output the mapping does not have is an error", () => {
  const { store } = newStore({
    name: "wrong",
    mapMetric: () => ({ outputs: [], createSink: () => new CounterSink() }),
  });
  store.add({ metric: counter, time: 1, value: 1, tags: {} });
  assert.throws(() => new Collector(1).collect(store.takePending()), RangeError);
});

test("counters and histograms begin with a 0 before their first sample, once, in batches of their own; gauges do not", () => {
  const mapping: Mapping = {
    name: "mixed",
    mapMetric: ({ type }) => {
      const native = type === "trend";
      return {
        outputs: [{ name: type, metadata: { type: native ? "histogram" : type === "counter" ? "counter" : "gauge" } }],
        createSink: () => native ? new NativeHistogramSink() : new CounterSink(),
      };
    },
  };
  const { store } = newStore(mapping);
  const collector = new Collector(1, { zeroSample: true });
  for (const time of [1000, 1500]) {
    for (const type of ["counter", "gauge", "trend"] as const) {
      store.add({ metric: { name: type, type, contains: "default" }, time, value: 5, tags: {} });
    }
  }
  const values = collector.collect(store.takePending())[0];
  const zeros = collector.takeZeros()[0];
  assert.deepEqual(points(zeros), [["counter", 0, 999], ["trend", 0, 999]]);
  const { schema, count, sum, zeroCount, positiveCounts } = zeros!.histograms.get(1)!;
  assert.deepEqual([schema, count, sum, zeroCount, positiveCounts], [3, 0, 0, 0, []]);
  assert.deepEqual(points(values).map(([name, , time]) => [name, time]), [["counter", 1500], ["gauge", 1500], [
    "trend",
    1500,
  ]]);
  store.add({
    metric: { name: "counter", type: "counter", contains: "default" },
    time: 3000,
    value: 5,
    tags: { a: "b" },
  });
  collector.collect(store.takePending());
  collector.collect(store.series(), 9000);
  assert.deepEqual(collector.takeZeros().flatMap((batch) => points(batch)), [["counter", 0, 2999]]);
});

test("the staleness marker of a native histogram is a histogram, that of a float a float", () => {
  const mapping: Mapping = {
    name: "both",
    mapMetric: ({ type }) => ({
      outputs: [{ name: type, metadata: { type: "unknown" } }],
      createSink: () => type === "trend" ? new NativeHistogramSink() : new CounterSink(),
    }),
  };
  const { store } = newStore(mapping);
  const collector = new Collector(1);
  for (const type of ["counter", "trend"] as const) {
    store.add({ metric: { name: type, type, contains: "default" }, time: 1000, value: 5, tags: {} });
  }
  collector.collect(store.takePending());
  const [batch] = collector.collectStale(store.series());
  assert.deepEqual(points(batch).map(([name, , time]) => [name, time]), [["counter", 1001], ["trend", 1001]]);
  assert.deepEqual([[...batch!.stale], [...batch!.histograms.keys()]], [[0, 1], [1]]);
});
