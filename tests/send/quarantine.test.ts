import assert from "node:assert/strict";
import { test } from "node:test";
import { Quarantine, type SortedQuarantine, type SortedWindow } from "../../src/send/quarantine.ts";
import { Batch, emptyHistogram } from "../../src/protocol/batch.ts";
import { type EncodedSeries, encodeSeries } from "../../src/protocol/encoded_series.ts";
import { SeriesNames } from "../support/sending.ts";

const names = (batch: Batch | undefined): string[] => batch?.series.map(({ name }) => name) ?? [];

/** Begins a window, in which at most 10 samples are tried again. */
function sort(
  quarantine: Quarantine,
  batch: Batch,
  { isLast = false }: { readonly isLast?: boolean } = {},
): Partial<SortedWindow & SortedQuarantine> {
  const sorted = quarantine.sort(batch);
  if (sorted === undefined) return {};
  const { good, held } = sorted;
  return { good, held, ...quarantine.choose(held, { maxProbe: 10, isWhole: good.length === 0, isLast }) };
}

const accepted = { hasHistograms: false };

/** Returns a batch with one sample of each of these series. */
function batchOf(series: SeriesNames, ...names: readonly string[]): Batch {
  return series.batch(names.map((name) => [name, 1, 1]));
}

test("without refused series, nothing is sorted out", () => {
  const quarantine = new Quarantine();
  assert.equal(quarantine.sort(batchOf(new SeriesNames(), "a", "b")), undefined);
});

test("refused series are tried again in the next window, together; others are sent as they are", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.add([series.get("b"), series.get("d")], "status 400: no");
  const sorted = sort(quarantine, batchOf(series, "a", "b", "c", "d"));
  assert.deepEqual([names(sorted?.good), names(sorted?.probe)], [["a", "c"], ["b", "d"]]);
  assert.deepEqual([...sorted?.refused ?? []], []);
});

test("a group that is refused is halved, and each half waits twice as long; one series waits at most 32 windows", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.add(["a", "b", "c"].map((name) => series.get(name)), "status 400: no");
  const tries: string[] = [];
  const windows = new Map<string, number[]>();
  for (let window = 1; window <= 400; window++) {
    const { good, probe, refused } = sort(quarantine, batchOf(series, "x", "a", "b", "c"));
    assert.equal(good?.length, 1);
    assert.equal((probe?.length ?? 0) + (refused?.get("status 400: no") ?? 0), 3);
    if (probe === undefined || probe.length === 0) continue;
    const tried = names(probe).join("");
    tries.push(tried);
    windows.set(tried, [...windows.get(tried) ?? [], window]);
    quarantine.refused(probe.series);
  }
  assert.deepEqual(tries.slice(0, 5), ["abc", "ab", "c", "a", "b"]);
  const pauses = (windows.get("a") ?? []).map((window, index, all) => window - (all[index - 1] ?? window));
  assert.ok(Math.max(...pauses) <= 34, pauses.join());
  assert.deepEqual(pauses.slice(-2).map((pause) => pause >= 32), [true, true]);
});

test("a group that is accepted leaves, and the next window searches among all others", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.add(["a", "b", "c", "d"].map((name) => series.get(name)), "no");
  const window = (): ReturnType<typeof sort> => sort(quarantine, batchOf(series, "x", "a", "b", "c", "d"));
  quarantine.refused(window().probe?.series ?? []);
  assert.deepEqual(names(window().probe), []);
  const half = window().probe;
  assert.deepEqual(names(half), ["a", "b"]);
  quarantine.accepted(half?.series ?? [], accepted);
  const others = window();
  assert.deepEqual([names(others.probe), others.isSearched], [["c", "d"], true]);
  assert.equal(window().isSearched, false, "a search that saved nothing is not repeated");
});

test("without good series, each window tries a group or all series, so that all return when their time is right", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.add(["a", "b", "c"].map((name) => series.get(name)), "too old");
  const tries: string[] = [];
  for (let window = 1; window <= 40; window++) {
    const { probe } = sort(quarantine, batchOf(series, "a", "b", "c"));
    tries.push(names(probe).join(""));
    quarantine.refused(probe?.series ?? []);
  }
  assert.ok(tries.every((tried) => tried !== ""), tries.join());
  assert.ok(tries.every((tried, at) => tried === "abc" || tries[at + 1] === "abc" || at === 39), tries.join());
});

test("the last window tries all series, whenever they are due", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.add(["b", "c"].map((name) => series.get(name)), "no");
  const batch = batchOf(series, "a", "b", "c");
  quarantine.refused(sort(quarantine, batch).probe?.series ?? []);
  assert.deepEqual(names(sort(quarantine, batch).probe), []);
  const { probe, isSearched } = sort(quarantine, batch, { isLast: true });
  assert.deepEqual([names(probe), isSearched], [["b", "c"], true]);
});

test("a series is recognised by its labels, also if a caller makes a new object for each call, and if hashes are equal", () => {
  const quarantine = new Quarantine();
  const make = (value: string): EncodedSeries =>
    encodeSeries([{ name: "__name__", value: "up" }, { name: "job", value }]);
  const sameHash = (value: string): EncodedSeries => Object.defineProperty(make(value), "hash", { value: 7 });
  quarantine.add([sameHash("a"), sameHash("b")], "no");
  const batch = new Batch();
  for (const value of ["a", "b", "c"]) batch.push(sameHash(value), 1, 1);
  const values = (batch: Batch | undefined): (string | undefined)[] | undefined =>
    batch?.series.map(({ labels }) => labels[1]?.value);
  const { good, probe } = sort(quarantine, batch);
  assert.deepEqual([values(good), values(probe)], [["c"], ["a", "b"]]);
  quarantine.accepted([sameHash("a")], accepted);
  assert.deepEqual(values(sort(quarantine, batch).good), ["a", "c"], "the other series with this hash stays");
});

test("samples of a series keep their histograms, exemplars, markers and start times", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.add([series.get("bad")], "no");
  const batch = batchOf(series, "bad", "a");
  batch.setStart(1, 5);
  batch.setExemplars(1, [{ labels: [], value: 1, timestamp: 1 }]);
  batch.pushHistogram(series.get("h"), emptyHistogram, 2);
  batch.pushStale(series.get("s"), 3);
  const { good } = sort(quarantine, batch);
  assert.deepEqual(names(good), ["a", "h", "s"]);
  assert.deepEqual([good?.starts?.[0], good?.exemplars.get(0)?.length], [5, 1]);
  assert.deepEqual([good?.histograms.get(1), good?.stale.has(2), good?.times[2]], [emptyHistogram, true, 3]);
});

test("if the receiver accepts no native histograms, new ones are not sent with the others", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  quarantine.addHistograms([series.get("h1")], "status 500: no");
  const window = (): Batch => {
    const batch = batchOf(series, "a");
    for (const name of ["h1", "h2"]) batch.pushHistogram(series.get(name), emptyHistogram, 1);
    return batch;
  };
  const first = sort(quarantine, window());
  assert.deepEqual([names(first.good), names(first.probe)], [["a"], ["h1"]]);
  assert.deepEqual([...first.refused ?? []], [["status 500: no", 1]]);
  quarantine.accepted(first.probe?.series ?? [], { hasHistograms: true });
  const second = sort(quarantine, window());
  assert.deepEqual([names(second.good), names(second.probe)], [["a", "h1"], ["h2"]]);
});

test("memory is bounded: the oldest of more than 10,000 series leave", () => {
  const series = new SeriesNames();
  const quarantine = new Quarantine();
  for (let n = 0; n < 10_010; n++) quarantine.add([series.get(`s${n}`)], "no");
  const { good } = sort(quarantine, batchOf(series, ...Array.from({ length: 10_010 }, (_, n) => `s${n}`)));
  assert.equal(good?.length, 10);
});
