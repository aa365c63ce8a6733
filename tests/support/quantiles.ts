/**
 * Quantiles of histograms that were added up, computed as Prometheus does, and of the values themselves.
 */
import type { Histogram } from "../../src/model/time_series.ts";

/** A quantile, and the bucket that contains it. */
export interface Quantile {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
  /** The number of all observations. */
  readonly count: number;
}

/** Returns the quantile of values: the smallest one that at least this share of the values does not exceed. */
export function exactQuantile(share: number, values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? NaN;
}

/** Returns the quantile of buckets: their upper bounds, and how many observations are in each. */
function quantileOf(share: number, buckets: readonly (readonly [upper: number, count: number])[]): Quantile {
  const count = buckets.reduce((sum, [, inBucket]) => sum + inBucket, 0);
  let below = 0;
  let lower = 0;
  for (const [upper, inBucket] of buckets) {
    if (inBucket > 0 && below + inBucket >= share * count) {
      return { value: lower + (upper - lower) * (share * count - below) / inBucket, lower, upper, count };
    }
    below += inBucket;
    lower = upper;
  }
  return { value: NaN, lower, upper: NaN, count };
}

/** Returns the quantile of classic histograms. `cumulative` holds the sum of their buckets by the label `le`. */
export function classicQuantile(share: number, cumulative: ReadonlyMap<string, number>): Quantile {
  const bounds = [...cumulative].map(([le, count]) => [le === "+Inf" ? Infinity : Number(le), count] as const)
    .sort(([a], [b]) => a - b);
  return quantileOf(share, bounds.map(([upper, count], at) => [upper, count - (bounds[at - 1]?.[1] ?? 0)]));
}

/** Returns the quantile of native histograms without negative observations, in the resolution of the coarsest one. */
export function nativeQuantile(share: number, histograms: readonly Histogram[]): Quantile {
  const schema = Math.min(...histograms.map((each) => each.schema));
  const counts = new Map<number, number>();
  for (const { schema: own, positiveSpans, positiveCounts, zeroCount } of histograms) {
    counts.set(-Infinity, (counts.get(-Infinity) ?? 0) + zeroCount);
    let index = 0;
    let at = 0;
    for (const { offset, length } of positiveSpans) {
      index += offset;
      const end = index + length;
      for (; index < end; index++) {
        // Twice as wide for each step of the schema.
        const coarse = Math.ceil(index / 2 ** (own - schema));
        counts.set(coarse, (counts.get(coarse) ?? 0) + (positiveCounts[at++] ?? 0));
      }
    }
  }
  const filled = [...counts].sort(([a], [b]) => a - b);
  const upperOf = (index: number): number => index === -Infinity ? 0 : 2 ** (index * 2 ** -schema);
  // An empty bucket before each one, so that a gap is not part of it.
  return quantileOf(
    share,
    filled.flatMap(([index, count]) => [[upperOf(index - 1), 0] as const, [upperOf(index), count] as const]),
  );
}
