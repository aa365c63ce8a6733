import assert from "node:assert/strict";
import { test } from "node:test";
import type { Histogram } from "../../../src/cli/verdict/histogram_quantile.ts";
import { compareWindows, type WindowPair } from "../../../src/cli/verdict/window_gate.ts";
import { slowRuns } from "../../support/runs.ts";

/** Returns random numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normalOf(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The bounds of k6's native histograms grow by the eighth root of 2. */
const growth = 2 ** (1 / 8);

function nativeOf(values: readonly number[]): Histogram {
  const counts = new Map<number, number>();
  for (const value of values) {
    const index = Math.ceil(Math.log(value) / Math.log(growth));
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return {
    form: "native",
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    buckets: [...counts].sort(([a], [b]) => a - b)
      .map(([index, count]) => ({ low: growth ** (index - 1), high: growth ** index, count })),
  };
}

/**
 * Simulates the windows of a run: requests with a long tail, a slow start, a load that grows, and noise from window to window that
 * lasts for some of them.
 */
function simulate(seed: number, { slower = 1, windows = 30, requests = 300 } = {}): Histogram[] {
  const normal = normalOf(randomOf(seed));
  let noise = 0;
  return Array.from({ length: windows }, (_, index) => {
    noise = 0.3 * noise + 0.03 * normal();
    const warmUp = index < 2 ? 1.5 : 1;
    const load = 1 + index / windows;
    const scale = 0.1 * slower * warmUp * load * Math.exp(noise);
    return nativeOf(Array.from({ length: requests }, () => scale * Math.exp(0.5 * normal())));
  });
}

function pairsOf(seed: number, slower: number): WindowPair[] {
  const [baseline, current] = [simulate(2 * seed), simulate(2 * seed + 1, { slower })];
  return baseline.map((window, index) => ({ baseline: window, current: current[index] }));
}

// Of fewer seeds, more than 5 % can fail by chance.
const seeds = Array.from({ length: Math.max(20, slowRuns(200)) }, (_, index) => index + 1);

test("over equal simulated runs, at most 5 of 100 gates fail", () => {
  const failed = seeds.filter((seed) => compareWindows(pairsOf(seed, 1))?.failed === true);
  assert.ok(failed.length <= 0.05 * seeds.length, `${failed.length} of ${seeds.length}`);
});

test("a 95th percentile that is 10 % higher fails at least 95 of 100 gates", () => {
  const results = seeds.map((seed) => compareWindows(pairsOf(seed + 10_000, 1.1)));
  const found = results.filter((result) => result?.failed === true);
  assert.ok(found.length >= 0.95 * seeds.length, `${found.length} of ${seeds.length}`);
  const changes = results.map((result) => result?.change ?? NaN);
  const mean = changes.reduce((sum, change) => sum + change, 0) / changes.length;
  assert.ok(Math.abs(mean - 0.1) < 0.02, String(mean));
});

test("a faster run passes", () => {
  assert.equal(compareWindows(pairsOf(7, 0.8))?.failed, false);
});

test("too few windows, or windows with too few values, give no answer", () => {
  const pairs = pairsOf(3, 1);
  assert.equal(compareWindows(pairs.slice(0, 8)), undefined);
  assert.notEqual(compareWindows(pairs.slice(0, 9)), undefined);
  assert.equal(compareWindows(pairs.map(({ baseline }) => ({ baseline, current: undefined }))), undefined);
  const sparse = simulate(1, { requests: 19 });
  assert.equal(compareWindows(sparse.map((window) => ({ baseline: window, current: window }))), undefined);
});

test("wide buckets hide a change, and the result says so", () => {
  const widen = (histogram: Histogram | undefined): Histogram | undefined => {
    if (histogram === undefined) return undefined;
    return { ...histogram, form: "classic", buckets: [{ low: 0.05, high: 1, count: histogram.count }] };
  };
  const wide = pairsOf(5, 1.1).map(({ baseline, current }) => ({ baseline: widen(baseline), current: widen(current) }));
  const { failed, isBlind } = compareWindows(wide) ?? assert.fail();
  assert.deepEqual([failed, isBlind], [false, true]);
  assert.equal(compareWindows(pairsOf(5, 1.1))?.isBlind, false);
});
