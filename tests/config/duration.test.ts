import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDurationMs, parseDurationMs } from "../../src/config/duration.ts";

const durations: readonly [string, number | undefined][] = [
  ["1s", 1000],
  ["500ms", 500],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["1d", 86_400_000],
  [".5s", 500],
  ["250us", 0.25],
  [" 2s ", 2000],
  ["1500", 1500],
  ["", undefined],
  ["s", undefined],
  ["1x", undefined],
  ["-1s", undefined],
  ["1s2", undefined],
  ["1 s", undefined],
];
for (const [text, ms] of durations) {
  test(`the duration "${text}" is ${ms} ms`, () => assert.equal(parseDurationMs(text), ms));
}

test("durations are formatted in a suitable unit", () => {
  assert.deepEqual([0.5, 30, 1500, 61_000].map(formatDurationMs), ["0.5ms", "30ms", "1.5s", "1m1s"]);
});
