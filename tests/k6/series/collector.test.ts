import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesStore } from "../../../src/k6/series/series_store.ts";
import { rawMapping } from "../../../src/k6/mapping/raw.ts";
import type { Mapping } from "../../../src/k6/mapping/mapping.ts";
import type { Metric } from "../../../src/k6/metric.ts";
import { NativeHistogramSink } from "../../../src/k6/sinks/native_histogram_sink.ts";
import { CounterSink } from "../../../src/k6/sinks/sink.ts";
import { Collector, type CollectorOptions } from "../../../src/k6/series/collector.ts";
import { SeriesFactory } from "../../../src/k6/series/series_factory.ts";
import type { Batch } from "../../../src/protocol/batch.ts";
import { type EncodedSeries, isSameSeries } from "../../../src/protocol/encoded_series.ts";

const counter: Metric = { name: "c", type: "counter", contains: "default" };
const counters: Mapping = {
  name: "counters",
  mapMetric: ({ name }) => ({
    outputs: [{ name, metadata: { type: "counter" } }],
    createSink: () => new CounterSink(),
  }),
};

function newStore(mapping: Mapping): { store: SeriesStore<EncodedSeries>; warnings: string[] } {
  const warnings: string[] = [];
  const factory = new SeriesFactory({
    prefix: "",
    mapping,
    keepTags: true,
    keepNameTag: false,
    keepUrlTag: true,
    keepFeatureTags: true,
    labels: {},
    relabel: undefined,
    runMetrics: new Set(),
    onWarning: (message) => warnings.push(message),
  });
  const store = new SeriesStore<EncodedSeries>({
    open: (metric, tags) => factory.open(metric, tags),

    isSame: isSameSeries,
    maxSeries: 1000,
    onRefused: (reason) => assert.fail(reason),
  });
  return { store, warnings };
}

function newCollector(options: Partial<CollectorOptions> & { readonly shards?: number } = {}): Collector {
  return new Collector(options.shards ?? 1, {
    zeroSample: false,
    onWarning: (message) => assert.fail(message),
    onFailed(_lost, error): void {
      throw error;
    },
    ...options,
  });
}

function points(batch: Batch | undefined): [string, number | undefined, number | undefined][] {
  return Array.from({ length: batch?.length ?? 0 }, (_, index) => [
    batch?.seriesAt(index)?.name ?? "",
    batch?.values[index],
    batch?.times[index],
  ]);
}

test("a series has the timestamp of its latest sample, or 1 ms after its last sent timestamp if that is later", () => {
  const { store } = newStore(counters);
  const collector = newCollector();
  const add = (time: number): void => store.add({ metric: counter, time, value: 1, tags: {} });
  const stamps = [1000, 1000, 1000.7, 900, 5000].map((time) => {
    add(time);
    return points(collector.collect(store.takePending())[0]);
  });
  assert.deepEqual(stamps.flat(), [["c", 1, 1000], ["c", 2, 1001], ["c", 3, 1002], ["c", 4, 1003], ["c", 5, 5000]]);
});

test("a heartbeat repeats the value, and its timestamp advances by the elapsed time of the clock", () => {
  const { store } = newStore(counters);
  const collector = newCollector();
  store.add({ metric: counter, time: 1000, value: 7, tags: {} });
  collector.collect(store.takePending(), 500_000);
  assert.deepEqual(points(collector.collectAgain(store.series(), 560_000)[0]), [["c", 7, 61_000]]);
  assert.deepEqual(points(collector.collectAgain(store.series(), 620_000.5)[0]), [["c", 7, 121_000]]);
  // The clock was set back.
  assert.deepEqual(points(collector.collectAgain(store.series(), 0)[0]), [["c", 7, 121_001]]);
});

test("staleness markers are 1 ms after the last sample, one for each series that was sent", () => {
  const { store } = newStore(counters);
  const collector = newCollector();
  store.add({ metric: counter, time: 1000, value: 7, tags: {} });
  collector.collect(store.takePending());
  store.add({ metric: { ...counter, name: "never_sent" }, time: 1000, value: 7, tags: {} });
  const batch = collector.collectStale(store.series())[0];
  assert.deepEqual([batch?.length, batch?.times[0], [...batch?.stale ?? []]], [1, 1001, [0]]);
});

test("raw sends every sample in rising order; samples of the same millisecond move to the next free one", () => {
  const { store } = newStore(rawMapping({ prefix: "k6_" }));
  const collector = newCollector();
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
  assert.deepEqual(collector.collectAgain(store.series(), 99_000), []);
  add(1012, 7);
  assert.deepEqual(points(collector.collect(store.takePending())[0]), [["k6_c", 7, 1012]]);
});

test("a series always has the same shard", () => {
  const { store } = newStore(counters);
  const collector = newCollector({ shards: 4 });
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

test("two metrics with the same valid name get different names, with a warning", () => {
  const { store, warnings } = newStore(counters);
  store.add({ metric: { ...counter, name: "a b" }, time: 1, value: 1, tags: {} });
  store.add({ metric: { ...counter, name: "a b", type: "gauge" }, time: 1, value: 2, tags: {} });
  assert.deepEqual(points(newCollector().collect(store.takePending())[0]), [["a_b", 1, 1], ["a_b_2", 2, 1]]);
  assert.deepEqual(warnings, [
    'The metric "a b" is sent as "a_b": the name "a b" is not valid.',
    'The metric "a b" is sent as "a_b_2": the name "a b" is not valid, and "a_b" is taken.',
  ]);
});

test("names that differ only in numbers give one warning, and the number of warnings is limited", () => {
  const { store, warnings } = newStore(counters);
  const word = (index: number): string => String.fromCharCode(97 + index % 26, 97 + Math.floor(index / 26) % 26);
  for (let index = 0; index < 500; index++) {
    store.add({ metric: counter, time: 1, value: 1, tags: { [`user-${index}`]: "a" } });
    store.add({ metric: counter, time: 1, value: 1, tags: { [`user-${word(index)}`]: "a" } });
  }
  assert.equal(warnings[0], 'The tag "user-0" is sent as "user_0": the name "user-0" is not valid.');
  assert.equal(warnings.length, 100);
});

test("a sink that emits an unknown output is an error", () => {
  const { store } = newStore({
    name: "wrong",
    mapMetric: () => ({ outputs: [], createSink: () => new CounterSink() }),
  });
  store.add({ metric: counter, time: 1, value: 1, tags: {} });
  assert.throws(() => newCollector().collect(store.takePending()), RangeError);
});

test("a failed sink loses the values that it did not emit, and the other series are sent", () => {
  const failing: Mapping = {
    name: "failing",
    mapMetric: ({ name }) => ({
      outputs: [{ name, metadata: { type: "gauge" } }, { name: `${name}_2`, metadata: { type: "gauge" } }],
      createSink: () => ({
        add(): void {},
        collect(emit): void {
          emit(0, 1);
          emit(name === "bad" ? 5 : 1, 2);
        },
      }),
    }),
  };
  const { store } = newStore(failing);
  const lost: [number, string][] = [];
  const collector = newCollector({ onFailed: (samples, error) => void lost.push([samples, String(error)]) });
  for (const time of [1000, 2000]) {
    for (const name of ["first", "bad", "last"]) {
      store.add({ metric: { ...counter, name }, time, value: 1, tags: {} });
    }
    assert.deepEqual(points(collector.collect(store.takePending())[0]), [
      ["first", 1, time],
      ["first_2", 2, time],
      ["bad", 1, time],
      ["last", 1, time],
      ["last_2", 2, time],
    ]);
  }
  const failure = "RangeError: Cannot collect: a sink emitted output 5, expected an index of its mapping's outputs";
  assert.deepEqual(lost, [[1, failure], [1, failure]]);
});

test("if a sink emits times, each of its time series has its own timestamps", () => {
  const emitted: (readonly [output: number, value: number, time?: number])[] = [];
  const { store } = newStore({
    name: "timed",
    mapMetric: () => ({
      outputs: ["a", "b"].map((name) => ({ name, metadata: { type: "counter" } })),
      createSink: () => ({
        add(): void {},
        collect(emit): void {
          for (const [output, value, time] of emitted.splice(0)) emit(output, value, time);
        },
      }),
    }),
  });
  const collector = newCollector({ zeroSample: true });
  const collect = (...next: typeof emitted): unknown => {
    emitted.push(...next);
    store.add({ metric: counter, time: 1001, value: 1, tags: {} });
    return points(collector.collect(store.takePending())[0]).map(([name, , time]) => [name, time]);
  };
  const expected = [["a", 1000], ["b", 1000], ["a", 1001], ["b", 1001]];
  assert.deepEqual(collect([0, 1, 1000], [1, 1, 1000], [0, 1, 1001], [1, 1, 1001]), expected);
  assert.deepEqual(points(collector.takeZeros()[0]), [["a", 0, 1000], ["b", 0, 1000]]);
  // A late sample moves to the next free millisecond of its time series.
  assert.deepEqual(collect([0, 1, 3000], [1, 1, 900]), [["a", 3000], ["b", 1002]]);
  // Without times, all time series continue after the newest timestamp; then times follow again.
  assert.deepEqual(collect([0, 1], [1, 1]), [["a", 3001], ["b", 3001]]);
  assert.deepEqual(collect([1, 1, 2000], [0, 1, 2000]), [["b", 3002], ["a", 3002]]);
  assert.deepEqual(points(collector.collectStale(store.series())[0]).map(([name, , time]) => [name, time]), [
    ["a", 3003],
    ["b", 3003],
  ]);
  assert.deepEqual(collector.takeZeros(), []);
  for (const time of [NaN, 1.5, Infinity]) {
    assert.throws(() => collect([0, 1, time]), /emitted the time .*, expected whole milliseconds/);
  }
});

test("the 0 of a histogram with bounds of its own has these bounds", () => {
  const shape = { schema: -53, customValues: [1, 2], float: true, zeroThreshold: 0, zeroCount: 0 };
  const emitted = {
    ...{ ...shape, count: 3, sum: 3, negativeSpans: [], negativeCounts: [] },
    ...{ positiveSpans: [{ offset: 0, length: 1 }], positiveCounts: [3] },
  };
  const { store } = newStore({
    name: "custom",
    mapMetric: ({ name }) => ({
      outputs: [{ name, metadata: { type: "histogram" } }],
      createSink: () => ({ add: () => {}, collect: (emit) => emit(0, emitted) }),
    }),
  });
  const collector = newCollector({ zeroSample: true });
  store.add({ metric: counter, time: 1000, value: 1, tags: {} });
  collector.collect(store.takePending());
  assert.deepEqual(collector.takeZeros()[0]?.histograms.get(0), {
    ...{ ...shape, count: 0, sum: 0, negativeSpans: [], negativeCounts: [] },
    ...{ positiveSpans: [], positiveCounts: [] },
  });
});

for (const mapping of [counters, rawMapping({ prefix: "" })]) {
  test(`one warning says that samples are moved by more than 5 s (${mapping.name})`, () => {
    const { store } = newStore(mapping);
    const warnings: string[] = [];
    const collector = newCollector({ onWarning: (message) => warnings.push(message) });
    const stamps = [1000, 90_000_000, 89_996_000, 2000, 3000].map((time) => {
      store.add({ metric: counter, time, value: 1, tags: {} });
      return [points(collector.collect(store.takePending())[0])[0]?.[2], warnings.length];
    });
    assert.deepEqual(stamps, [[1000, 0], [90_000_000, 0], [90_000_001, 0], [90_000_002, 1], [90_000_003, 1]]);
    assert.match(warnings[0] ?? "", /^A sample of c is sent with a time 89998 s after its own, because the times/);
  });
}

test("counters and histograms, but not gauges, begin with one 0 before their first sample, in separate batches", () => {
  const mapping: Mapping = {
    name: "mixed",
    mapMetric: ({ type }) => {
      const native = type === "trend";
      return {
        outputs: [{ name: type, metadata: { type: native ? "histogram" : type === "counter" ? "counter" : "gauge" } }],
        createSink: () =>
          native ? new NativeHistogramSink({ bucketFactor: 1.1, maxBuckets: 160, scale: 1 }) : new CounterSink(),
      };
    },
  };
  const { store } = newStore(mapping);
  const collector = newCollector({ zeroSample: true });
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
  collector.collectAgain(store.series(), 9000);
  assert.deepEqual(collector.takeZeros().flatMap((batch) => points(batch)), [["counter", 0, 2999]]);
});

test("the staleness marker of a native histogram is a histogram, and that of a float is a float", () => {
  const mapping: Mapping = {
    name: "both",
    mapMetric: ({ type }) => ({
      outputs: [{ name: type, metadata: { type: "unknown" } }],
      createSink: () =>
        type === "trend"
          ? new NativeHistogramSink({ bucketFactor: 1.1, maxBuckets: 160, scale: 1 })
          : new CounterSink(),
    }),
  };
  const { store } = newStore(mapping);
  const collector = newCollector();
  for (const type of ["counter", "trend"] as const) {
    store.add({ metric: { name: type, type, contains: "default" }, time: 1000, value: 5, tags: {} });
  }
  collector.collect(store.takePending());
  const [batch] = collector.collectStale(store.series());
  assert.deepEqual(points(batch).map(([name, , time]) => [name, time]), [["counter", 1001], ["trend", 1001]]);
  assert.deepEqual([[...batch!.stale], [...batch!.histograms.keys()]], [[0, 1], [1]]);
});
