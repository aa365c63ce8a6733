/**
 * Compares pairs of measurements without an assumption about their distribution: the Wilcoxon signed-rank test and the
 * Hodges-Lehmann estimate that belongs to it.
 *
 * @see https://en.wikipedia.org/wiki/Wilcoxon_signed-rank_test
 * @module
 */

/** The result of a comparison. */
export interface ShiftTest {
  /** The Hodges-Lehmann estimate of the typical difference: the median of the means of all pairs of differences. */
  readonly shift: number;
  /** The bounds between which the shift lies, with the confidence that was asked for. */
  readonly low: number;
  readonly high: number;
  /** The probability of such differences, or of larger ones, if there is no shift above 0. */
  readonly pValue: number;
}

/** Returns the median; NaN for an empty list. */
export function median(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** Returns a quantile with linear interpolation; NaN for an empty list. */
export function quantileOf(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [below = NaN, above = NaN] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * Tests whether differences lie above 0.
 *
 * @param options confidence: that of the bounds, from 0 to 1
 */
export function testShift(
  differences: readonly number[],
  { confidence }: { readonly confidence: number },
): ShiftTest {
  const means = differences.flatMap((a, index) => differences.slice(index).map((b) => (a + b) / 2))
    .sort((a, b) => a - b);
  const cut = lowerTailCut(differences.length, (1 - confidence) / 2);
  const [low = NaN, high = NaN] = [means[cut], means.at(-1 - cut)];
  return { shift: median(means), low, high, pValue: signedRankPValue(differences) };
}

/** Returns the exact one-sided p-value of the signed-rank test, also with ties. Differences of 0 do not count. */
export function signedRankPValue(differences: readonly number[]): number {
  const others = differences.filter((difference) => difference !== 0);
  const sizes = others.map(Math.abs).sort((a, b) => a - b);
  // Twice the mean rank of equal sizes, which is a whole number.
  const doubleRank = (size: number): number => sizes.indexOf(size) + sizes.lastIndexOf(size) + 2;
  const ranks = others.map((difference) => doubleRank(Math.abs(difference)));
  const positive = others.reduce((sum, difference, index) => difference > 0 ? sum + (ranks[index] ?? 0) : sum, 0);
  return distributionOf(ranks).slice(positive).reduce((sum, share) => sum + share, 0);
}

/** Returns how many of the smallest means of pairs lie outside of a confidence interval, at each end. */
function lowerTailCut(count: number, tail: number): number {
  const distribution = distributionOf(Array.from({ length: count }, (_, index) => index + 1));
  let sum = 0;
  const cut = distribution.findIndex((share) => (sum += share) > tail);
  return Math.max(0, cut);
}

/** Returns the probability of each sum of ranks, if each rank counts with the probability one half. */
function distributionOf(ranks: readonly number[]): number[] {
  return ranks.reduce((distribution, rank) => {
    const next = new Array<number>(distribution.length + rank).fill(0);
    distribution.forEach((share, sum) => {
      next[sum] = (next[sum] ?? 0) + share / 2;
      next[sum + rank] = (next[sum + rank] ?? 0) + share / 2;
    });
    return next;
  }, [1]);
}
