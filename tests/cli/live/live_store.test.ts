import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveStore } from "../../../src/cli/live/live_store.ts";
import type { Histogram, TimeSeries } from "../../../src/model/time_series.ts";

const unlimited = { retentionMs: 3_600_000, maxBytes: 1e9 };

function series(name: string, samples: readonly (readonly [time: number, value: number])[], url = "/"): TimeSeries {
  return {
    labels: [{ name: "__name__", value: name }, { name: "url", value: url }],
    samples: samples.map(([timestamp, value]) => ({ timestamp, value })),
  };
}

/** Returns the points of each series. */
function pointsOf(store: LiveStore): Record<string, [number, number][]> {
  return Object.fromEntries(
    [...store.series.values()].map((each) => [
      `${each.name} ${each.label("url")}`,
      Array.from({ length: each.length }, (_, at): [number, number] => [each.times[at] ?? 0, each.values[at] ?? 0]),
    ]),
  );
}

const histogram: Histogram = {
  timestamp: 3000,
  count: 4,
  sum: 10,
  schema: 2,
  zeroThreshold: 0.001,
  zeroCount: 1,
  positiveSpans: [{ offset: -3, length: 1 }, { offset: 4, length: 2 }],
  positiveCounts: [1, 1, 1],
  negativeSpans: [],
  negativeCounts: [],
};

test("points are sorted by time, and the same time has the newest value", () => {
  const store = new LiveStore(unlimited);
  store.add([series("a", [[1000, 1], [3000, 3]]), series("a", [[1000, 5]], "/b")]);
  store.add([series("a", [[2000, 2], [3000, 4]])]);
  assert.deepEqual(pointsOf(store), { "a /": [[1000, 1], [2000, 2], [3000, 4]], "a /b": [[1000, 5]] });
  assert.equal(store.newestMs, 3000);
});

test("a store that gets the snapshot and then the changes of another one has the same content", () => {
  const from = new LiveStore(unlimited);
  from.collectsChanges = true;
  from.add([
    { ...series("a_total", [[1000, 1]]), metadata: { type: "counter", help: "Things.", unit: "" } },
    series("b", [[1000, NaN], [2000, Infinity], [2500, -0.1]]),
  ], new Map([["c", { type: "gauge", help: "C." }]]));
  const to = new LiveStore(unlimited);
  for (const chunk of from.snapshot({ maxPoints: 1 })) to.apply(JSON.parse(chunk));
  // What was collected before the snapshot comes again.
  from.add([series("a_total", [[1500, 2]]), { labels: [{ name: "__name__", value: "h" }], histograms: [histogram] }]);
  from.add([{
    labels: [{ name: "__name__", value: "b" }, { name: "url", value: "/" }],
    samples: [{ value: 0, timestamp: 4000, stale: true }],
  }]);
  to.apply(JSON.parse(from.takeChanges() ?? ""));
  assert.equal(from.takeChanges(), undefined);
  assert.deepEqual(pointsOf(to), pointsOf(from));
  assert.deepEqual(pointsOf(to)["b /"], [[1000, NaN], [2000, Infinity], [2500, -0.1], [4000, NaN]]);
  const { timestamp: _, ...value } = histogram;
  const found = [...to.series.values()].find(({ name }) => name === "h")?.histograms?.[0];
  assert.deepEqual(found, { ...value, customValues: [] });
  assert.deepEqual(to.metadataOf("a_total"), { type: "counter", help: "Things." });
  assert.deepEqual(to.metadataOf("c"), { type: "gauge", help: "C." });
});

test("points that are too old for their series are removed, and series that are no longer sent", () => {
  let now = 1_000_000;
  const store = new LiveStore({ retentionMs: 10_000, maxBytes: 1e9 }, () => now);
  // The times of recorded runs are old, and those of several runs are far apart.
  store.add([series("old run", [[0, 1]]), series("kept", [[0, 1], [9000, 2]])]);
  store.add([series("kept", [[15_000, 3]])]);
  assert.deepEqual(pointsOf(store), { "old run /": [[0, 1]], "kept /": [[9000, 2], [15_000, 3]] });
  assert.deepEqual([...store.series.values()].map(({ isCut }) => isCut), [false, true]);
  now += 10_001;
  store.add([series("kept", [[16_000, 4]])]);
  assert.deepEqual(pointsOf(store), { "kept /": [[9000, 2], [15_000, 3], [16_000, 4]] });
  assert.equal(store.removedSeries, 1);
  // A series that comes back is a new one.
  store.add([series("old run", [[17_000, 7]])]);
  assert.deepEqual(pointsOf(store)["old run /"], [[17_000, 7]]);
});

test("with too little memory, the resolution in time becomes coarser, but the newest totals stay", () => {
  const store = new LiveStore({ retentionMs: 1e9, maxBytes: 100_000 });
  for (let second = 0; second <= 3600; second++) {
    store.add(Array.from({ length: 10 }, (_, url) => series("a_total", [[second * 1000, second]], `/${url}`)));
  }
  assert.ok(store.bytes <= 100_000, String(store.bytes));
  assert.ok(store.resolutionMs >= 4000, String(store.resolutionMs));
  for (const points of Object.values(pointsOf(store))) {
    assert.deepEqual(points.at(-1), [3_600_000, 3600]);
    assert.ok(points.length > 100, String(points.length));
    const steps = points.map(([time]) => Math.floor(time / store.resolutionMs));
    assert.equal(new Set(steps).size, steps.length, "one point in each step");
  }
});

test("series for which there is no room are counted, and the others go on", () => {
  const store = new LiveStore({ retentionMs: 1e9, maxBytes: 1_000_000 });
  const all = Array.from({ length: 5000 }, (_, url) => series("a", [[1000, 1]], `/${url}`));
  store.add(all);
  assert.ok(store.series.size > 500 && store.series.size < 2000, String(store.series.size));
  assert.equal(store.refusedSamples, 5000 - store.series.size);
  assert.ok(store.bytes <= 1_000_000);
  store.add([series("a", [[2000, 2]], "/0")]);
  assert.deepEqual(pointsOf(store)["a /0"]?.at(-1), [2000, 2]);
});
