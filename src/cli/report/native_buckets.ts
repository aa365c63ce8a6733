/**
 * The buckets of a native histogram with their bounds.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import type { BucketSpan, HistogramValue } from "../../model/time_series.ts";
import type { Bucket } from "../verdict/histogram_quantile.ts";

/** The schema of buckets with bounds of their own. */
const customBuckets = -53;

/** Returns the buckets that are not empty, in rising order. */
export function nativeBuckets(histogram: HistogramValue): Bucket[] {
  const { schema, zeroThreshold, zeroCount, customValues = [] } = histogram;
  const bound = (index: number): number => {
    if (schema !== customBuckets) return 2 ** (index * 2 ** -schema);
    return index < 0 ? -Infinity : customValues[index] ?? Infinity;
  };
  const sideOf = (spans: readonly BucketSpan[], counts: readonly number[]): Bucket[] => {
    const buckets: Bucket[] = [];
    let [index, at] = [0, 0];
    for (const { offset, length } of spans) {
      index += offset;
      const end = at + length;
      for (; at < end; at++, index++) {
        const count = counts[at] ?? 0;
        if (count > 0) buckets.push({ low: bound(index - 1), high: bound(index), count });
      }
    }
    return buckets;
  };
  const negative = sideOf(histogram.negativeSpans, histogram.negativeCounts).reverse()
    .map(({ low, high, count }) => ({ low: -high, high: -low, count }));
  // As in Prometheus, the bucket of zero begins at 0 if there are no negative values.
  const zero = { low: negative.length > 0 ? -zeroThreshold : 0, high: zeroThreshold, count: zeroCount };
  return [...negative, ...zeroCount > 0 ? [zero] : [], ...sideOf(histogram.positiveSpans, histogram.positiveCounts)];
}
