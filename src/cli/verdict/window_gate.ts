/**
 * The default gate of a comparison: is the 95th percentile of a trend higher than in the other run?
 *
 * It divides both runs into windows and compares the windows in pairs, by their distance from the start of their run: what belongs
 * to the load profile, such as a ramp, is in both of a pair. The first windows are left out, because connections, caches and
 * compilers warm up. The gate fails if two things hold: the Wilcoxon signed-rank test finds the differences significant, and the
 * Hodges-Lehmann estimate of the shift is above a minimum.
 *
 * @module
 */
import { type Histogram, histogramQuantile } from "./histogram_quantile.ts";
import { median, quantileOf, type ShiftTest, testShift } from "./rank_test.ts";

/** The numbers of the default gate. */
export const windowGateDefaults = {
  quantile: 0.95,
  /** The probability of a false alarm by the noise within the runs. */
  significance: 0.01,
  /** A smaller change is not a failure: two runs of the same code differ as much. */
  minChange: 0.05,
  /** With fewer pairs of windows, hardly any difference is significant. */
  minPairs: 8,
  /** The quantile of fewer values says little. */
  minValues: 20,
  /** The share of the windows at the start that is left out. */
  warmUp: 0.1,
  /** Buckets that are wider than this share of the quantile hide changes. Those of k6's native histograms have 0.09. */
  maxBucketWidth: 0.25,
} as const;

/** The median of the windows of a run, and their quartiles. */
interface WindowSpread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What the comparison of windows shows. The changes are relative: 0.1 is 10 % more. */
export interface WindowComparison {
  readonly pairs: number;
  readonly baseline: WindowSpread;
  readonly current: WindowSpread;
  readonly change: number;
  /** The bounds of the change with 95 % confidence. */
  readonly low: number;
  readonly high: number;
  readonly pValue: number;
  /** Whether the run is slower. */
  readonly failed: boolean;
  /** Whether the buckets are too wide to see whether the run is slower. */
  readonly isBlind: boolean;
}

/** The same window of two runs. */
export interface WindowPair {
  readonly baseline: Histogram | undefined;
  readonly current: Histogram | undefined;
}

/**
 * Compares the windows of two runs, in their order.
 *
 * @returns undefined if there are too few windows with values in both runs
 */
export function compareWindows(windows: readonly WindowPair[]): WindowComparison | undefined {
  const { quantile, significance, minChange, minPairs, minValues, warmUp, maxBucketWidth } = windowGateDefaults;
  const afterWarmUp = windows.slice(Math.max(1, Math.ceil(windows.length * warmUp)));
  const widths: number[] = [];
  const valueOf = (histogram: Histogram | undefined): number => {
    if (histogram === undefined || histogram.count < minValues) return NaN;
    const { value = NaN, low = NaN, high = NaN } = histogramQuantile(histogram, quantile) ?? {};
    widths.push((high - low) / value);
    return value;
  };
  const pairs = afterWarmUp.map(({ baseline, current }) => [valueOf(baseline), valueOf(current)] as const)
    .filter(([baseline, current]) => baseline > 0 && current > 0);
  if (pairs.length < minPairs) return undefined;
  // Of logarithms, because latencies change by factors.
  const test: ShiftTest = testShift(pairs.map(([baseline, current]) => Math.log(current / baseline)), {
    confidence: 0.95,
  });
  const change = Math.expm1(test.shift);
  return {
    pairs: pairs.length,
    baseline: spreadOf(pairs.map(([baseline]) => baseline)),
    current: spreadOf(pairs.map(([, current]) => current)),
    change,
    low: Math.expm1(test.low),
    high: Math.expm1(test.high),
    pValue: test.pValue,
    failed: test.pValue < significance && change > minChange,
    isBlind: median(widths) > maxBucketWidth,
  };
}

function spreadOf(values: readonly number[]): WindowSpread {
  return { median: median(values), low: quantileOf(values, 0.25), high: quantileOf(values, 0.75) };
}
