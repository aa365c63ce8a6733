import assert from "node:assert/strict";
import { test } from "node:test";
import { middleOf, Search } from "../../src/send/bisect.ts";
import type { BatchSlice } from "../../src/protocol/batch.ts";
import { SeriesNames } from "../support/sending.ts";

/** Returns a slice with one sample for each letter, which is the name of its series. */
function slice(letters: string, series: SeriesNames = new SeriesNames()): BatchSlice {
  const batch = series.batch([...letters].map((name, index) => [name, index, index]));
  return { batch, from: 0, to: batch.length };
}

test("a range is cut near its middle, and within a series only if it has no other", () => {
  for (
    const [letters, expected] of [["abcd", 2], ["aaab", 3], ["abbb", 1], ["aabbbb", 2], ["aaaa", 2], ["ab", 1]] as const
  ) {
    assert.equal(middleOf(slice(letters)), expected, letters);
  }
});

/** Returns how many samples are rejected, and how many unknown, at the end of a search. */
function endOf(search: Search): readonly [rejected: number, unknown: number] {
  const doubts = search.end();
  const sum = (unknown: boolean): number =>
    doubts.filter((doubt) => doubt.unknown === unknown).reduce((sum, { refused }) => sum + refused, 0);
  return [sum(false), sum(true)];
}

/** Returns a search in which the older of two samples of each of these series was refused. */
function doubting(letters: string, series: SeriesNames): Search {
  const search = new Search(0);
  for (const letter of letters) search.doubt(slice(letter, series), "no");
  return search;
}

test("older samples are rejected if no newer one is accepted, and unknown otherwise", () => {
  const series = new SeriesNames();
  const search = doubting("abc", series);
  assert.equal(search.doubtful, 3);
  search.spare(slice("a", series), true);
  search.spare(slice("b", series), false);
  assert.deepEqual(endOf(search), [1, 2]);
  assert.equal(search.doubtful, 0);
});

test("if nothing else explains the refusal, one of the older samples is rejected", () => {
  const series = new SeriesNames();
  for (const isExplained of [false, true]) {
    const search = doubting("abc", series);
    search.isExplained = isExplained;
    search.spare(slice("abc", series), true);
    assert.deepEqual(endOf(search), isExplained ? [0, 3] : [1, 2]);
  }
});

test("a receiver that accepts several samples of a series again had stored nothing, so that refused samples are bad", () => {
  const series = new SeriesNames();
  const search = doubting("abc", series);
  search.spare(slice("abc", series), true);
  assert.ok(search.storedGoodPart);
  search.spare(slice("dd", series), true);
  assert.ok(!search.storedGoodPart);
  assert.deepEqual(endOf(search), [3, 0]);
});

test("only the newest samples are sent to a receiver that stored the good part", () => {
  const search = new Search(0);
  const newest = search.newestOf(slice("aaabcc"), "no");
  assert.deepEqual(newest.series.map(({ name }) => name), ["a", "b", "c"]);
  assert.deepEqual([...newest.values.subarray(0, 3)], [2, 3, 5]);
  assert.equal(search.doubtful, 3);
});
