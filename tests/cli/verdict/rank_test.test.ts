import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantileOf, signedRankPValue, testShift } from "../../../src/cli/verdict/rank_test.ts";

// The critical values of the signed-rank test for one side: https://en.wikipedia.org/wiki/Wilcoxon_signed-rank_test
const cases: readonly (readonly [differences: readonly number[], p: number])[] = [
  // All of five positive: 1 of 32 combinations of signs.
  [[1, 2, 3, 4, 5], 1 / 32],
  [[-1, -2, -3, -4, -5], 1],
  // The sums of positive ranks that are at least 9: 10 and 9.
  [[-1, 2, 3, 4], 2 / 16],
  // Ties share their ranks: of the ranks 1.5, 1.5 and 3, the sum is 6 in one of eight combinations.
  [[1, 1, 2], 1 / 8],
  // At least 4.5: 6 and twice 4.5.
  [[-1, 1, 2], 3 / 8],
  // Zeros do not count.
  [[0, 0, 1, 2], 1 / 4],
  [[], 1],
];

for (const [differences, p] of cases) {
  test(`the p-value of ${JSON.stringify(differences)} is ${p}`, () => {
    assert.ok(Math.abs(signedRankPValue(differences) - p) < 1e-12, String(signedRankPValue(differences)));
  });
}

test("the p-value agrees with the published table: n = 10, sum of negative ranks 10, one side 0.05", () => {
  // Ranks 1, 2, 3 and 4 are negative: their sum is 10, the largest that is significant at 0.05.
  const differences = [-1, -2, -3, -4, 5, 6, 7, 8, 9, 10];
  assert.ok(signedRankPValue(differences) <= 0.05);
  assert.ok(signedRankPValue([-1, -2, -3, 4, -5, 6, 7, 8, 9, 10]) > 0.05);
});

test("the shift is the median of the means of all pairs, and does not follow an outlier", () => {
  const { shift, low, high } = testShift([1, 2, 3, 4, 1000], { confidence: 0.8 });
  // The means: 1 1.5 2 2.5 500.5, 2 2.5 3 501, 3 3.5 501.5, 4 502, 1000.
  assert.equal(shift, 3);
  assert.ok(low <= 2 && high >= 4, `${low} to ${high}`);
});

test("medians and quantiles interpolate", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantileOf([1, 2, 3, 4, 5], 0.25), 2);
  assert.ok(Number.isNaN(median([])));
});
