/**
 * Quantiles of a histogram, with the bounds between which the true value lies.
 *
 * @module
 */

/** A part of a histogram. */
export interface Bucket {
  readonly low: number;
  readonly high: number;
  /** The number of values in it. */
  readonly count: number;
}

/** An estimate and its bounds. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A histogram whose buckets rise and do not overlap. */
export interface Histogram {
  readonly form: "native" | "classic";
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly Bucket[];
}

/**
 * Estimates a quantile as Prometheus does: linearly within a bucket of a classic histogram, exponentially within one of a native
 * histogram. Returns undefined for an empty histogram.
 *
 * @param q from 0 to 1
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
 */
export function histogramQuantile({ form, buckets }: Histogram, q: number): Estimate | undefined {
  const filled = buckets.filter(({ count }) => count > 0);
  // The buckets of a classic histogram of several requests may not add up to its count, so they count themselves.
  const rank = q * filled.reduce((sum, { count }) => sum + count, 0);
  let before = 0;
  for (const [index, { low, high, count }] of filled.entries()) {
    if (before + count < rank && index < filled.length - 1) {
      before += count;
      continue;
    }
    // Nothing is known about the values above the last bound.
    if (high === Infinity) return { value: low, low, high };
    if (low === -Infinity) return { value: high, low, high };
    const share = Math.min(1, Math.max(0, (rank - before) / count));
    const isExponential = form === "native" && low > 0;
    const value = isExponential ? low * (high / low) ** share : low + (high - low) * share;
    return { value, low, high };
  }
  return undefined;
}

/** Returns the bounds of the smallest value; the estimate is its lower bound. */
export function histogramMin(histogram: Histogram): Estimate | undefined {
  const first = histogram.buckets.find(({ count }) => count > 0);
  return first && { ...first, value: first.low === -Infinity ? first.high : first.low };
}

/** Returns the bounds of the largest value; the estimate is its upper bound. */
export function histogramMax(histogram: Histogram): Estimate | undefined {
  const last = histogram.buckets.findLast(({ count }) => count > 0);
  return last && { ...last, value: last.high === Infinity ? last.low : last.high };
}

/**
 * Returns the buckets of a classic histogram from its cumulative counts.
 *
 * @param counts pairs of an upper bound and the number of values up to it
 */
export function classicBuckets(counts: Iterable<readonly [bound: number, cumulative: number]>): Bucket[] {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  // As in Prometheus, the first bucket begins at 0 if its bound is positive.
  let low = (sorted[0]?.[0] ?? 0) > 0 ? 0 : -Infinity;
  let before = 0;
  return sorted.map(([high, cumulative]) => {
    // Series of different age may be a little out of step.
    const bucket = { low, high, count: Math.max(0, cumulative - before) };
    low = high;
    before = Math.max(before, cumulative);
    return bucket;
  });
}

/** The bucket of zero is much narrower than this. */
const almostZero = 1e-30;

/**
 * Adds up native histograms. Their buckets have the same bounds, or those of a coarser scale, whose bounds are also bounds of the
 * finer one.
 */
export function mergeNative(
  histograms: readonly { readonly count: number; readonly sum: number; readonly buckets: readonly Bucket[] }[],
): Histogram {
  const all = histograms.flatMap(({ buckets }) => buckets).map(withoutZero).sort((a, b) =>
    a.low - b.low || b.high - a.high
  );
  const buckets: Bucket[] = [];
  for (const bucket of all) {
    const last = buckets.at(-1);
    // The bounds of one bucket may differ in the last digits.
    const isWithin = last !== undefined && bucket.low < last.high &&
      (last.high - bucket.low) > 1e-9 * Math.abs(last.high);
    const isSame = last !== undefined && last.low === bucket.low && last.high === bucket.high;
    if (last === undefined || !isWithin && !isSame) buckets.push(bucket);
    else buckets[buckets.length - 1] = { ...last, count: last.count + bucket.count };
  }
  return {
    form: "native",
    count: histograms.reduce((total, { count }) => total + count, 0),
    sum: histograms.reduce((total, { sum }) => total + sum, 0),
    buckets,
  };
}

function withoutZero({ low, high, count }: Bucket): Bucket {
  return Math.abs(low) < almostZero && Math.abs(high) < almostZero ? { low: 0, high: 0, count } : { low, high, count };
}
