/**
 * Adds up native histograms bucket by bucket, at the coarsest of their resolutions.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import type { BucketSpan, HistogramValue } from "../model/time_series.ts";

/** The counts of buckets, by the index of the bucket. */
type Buckets = Map<number, number>;

/** A native histogram whose buckets can be changed. */
export class NativeSum {
  #schema: number;
  #zeroThreshold: number;
  #zeroCount: number;
  #count: number;
  #sum: number;
  #positive: Buckets;
  #negative: Buckets;
  #float: boolean;
  readonly #customValues: readonly number[] | undefined;

  /** Begins with a copy of a histogram, which itself does not change. */
  constructor(histogram: HistogramValue) {
    this.#schema = histogram.schema;
    this.#zeroThreshold = histogram.zeroThreshold;
    this.#zeroCount = histogram.zeroCount;
    this.#count = histogram.count;
    this.#sum = histogram.sum;
    this.#positive = toBuckets(histogram.positiveSpans, histogram.positiveCounts);
    this.#negative = toBuckets(histogram.negativeSpans, histogram.negativeCounts);
    this.#float = histogram.float ?? false;
    this.#customValues = histogram.customValues;
  }

  /** The estimated memory of the buckets, in bytes. */
  get bytes(): number {
    return 16 * (this.#positive.size + this.#negative.size) + 8 * (this.#customValues?.length ?? 0);
  }

  /**
   * Reports whether a histogram can be added: its buckets fit the buckets of this one, and the count stays exact. Custom bounds fit
   * only equal bounds.
   */
  fits({ schema, customValues, count }: HistogramValue): boolean {
    if (this.#count + count > Number.MAX_SAFE_INTEGER) return false;
    const own = this.#customValues;
    if (own === undefined || customValues === undefined) {
      return own === customValues && isCustom(schema) === isCustom(this.#schema);
    }
    return own.length === customValues.length && own.every((bound, index) => bound === customValues[index]);
  }

  /**
   * Adds what a histogram has gained since an earlier one of the same sender.
   *
   * @param earlier undefined if the sender is new or began again
   * @returns whether the sender began again, because a count is smaller than before. Then all its observations are added.
   */
  addIncrease(now: HistogramValue, earlier: HistogramValue | undefined): boolean {
    const increase = new NativeSum(now);
    const isReset = earlier !== undefined && !increase.#subtract(earlier);
    this.#add(isReset ? new NativeSum(now) : increase);
    return isReset;
  }

  /** Subtracts an earlier histogram. Returns false if that is impossible; this histogram is then unusable. */
  #subtract(earlier: HistogramValue): boolean {
    if (!this.fits(earlier)) return false;
    const before = new NativeSum(earlier);
    this.#align(before);
    this.#count -= before.#count;
    this.#zeroCount -= before.#zeroCount;
    this.#sum -= before.#sum;
    const isLess = (own: Buckets, others: Buckets): boolean => {
      for (const [index, count] of others) own.set(index, (own.get(index) ?? 0) - count);
      return [...own.values()].some((count) => count < 0);
    };
    const isBucketLess = [isLess(this.#positive, before.#positive), isLess(this.#negative, before.#negative)];
    return this.#count >= 0 && this.#zeroCount >= 0 && !isBucketLess.includes(true);
  }

  #add(other: NativeSum): void {
    this.#align(other);
    this.#count += other.#count;
    this.#zeroCount += other.#zeroCount;
    this.#sum += other.#sum;
    this.#float ||= other.#float;
    for (const [index, count] of other.#positive) this.#positive.set(index, (this.#positive.get(index) ?? 0) + count);
    for (const [index, count] of other.#negative) this.#negative.set(index, (this.#negative.get(index) ?? 0) + count);
  }

  /** Gives both histograms the same resolution and the same zero bucket. */
  #align(other: NativeSum): void {
    if (isCustom(this.#schema)) return;
    const schema = Math.min(this.#schema, other.#schema);
    this.#coarsen(schema);
    other.#coarsen(schema);
    if (this.#zeroThreshold === other.#zeroThreshold) return;
    const [narrow, wide] = this.#zeroThreshold < other.#zeroThreshold ? [this, other] : [other, this];
    // This is also an end of a bucket of the wide one, because the schemas are equal.
    const threshold = narrow.#endAcross(wide.#zeroThreshold);
    narrow.#widenZero(threshold);
    wide.#widenZero(threshold);
  }

  #coarsen(schema: number): void {
    const steps = this.#schema - schema;
    if (steps <= 0) return;
    const coarsened = (buckets: Buckets): Buckets => {
      const merged: Buckets = new Map();
      for (const [index, count] of buckets) {
        // A bucket includes its upper bound, so the indices 1 and 2 make the coarser bucket 1.
        const target = ((index - 1) >> steps) + 1;
        merged.set(target, (merged.get(target) ?? 0) + count);
      }
      return merged;
    };
    this.#positive = coarsened(this.#positive);
    this.#negative = coarsened(this.#negative);
    this.#schema = schema;
  }

  /** Returns the upper end of the bucket that lies across a threshold; the threshold if there is none. */
  #endAcross(threshold: number): number {
    for (const buckets of [this.#positive, this.#negative]) {
      for (const [index, count] of buckets) {
        const end = this.#endOf(index);
        if (count > 0 && this.#endOf(index - 1) < threshold && end > threshold) return end;
      }
    }
    return threshold;
  }

  /** Moves the buckets below a threshold into the zero bucket. */
  #widenZero(threshold: number): void {
    for (const buckets of [this.#positive, this.#negative]) {
      for (const [index, count] of buckets) {
        if (this.#endOf(index) > threshold) continue;
        this.#zeroCount += count;
        buckets.delete(index);
      }
    }
    this.#zeroThreshold = threshold;
  }

  /** Returns the upper end of a bucket. The largest finite one stands for 2^1024, which is no number. */
  #endOf(index: number): number {
    const exponent = index * 2 ** -this.#schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }

  /** Returns the histogram in its plain form. */
  toValue(): HistogramValue {
    const [positiveSpans, positiveCounts] = toSpans(this.#positive);
    const [negativeSpans, negativeCounts] = toSpans(this.#negative);
    return {
      count: this.#count,
      sum: this.#sum,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zeroCount,
      ...{ positiveSpans, positiveCounts, negativeSpans, negativeCounts },
      ...this.#float && { float: true },
      ...this.#customValues !== undefined && { customValues: this.#customValues },
    };
  }
}

function isCustom(schema: number): boolean {
  return schema === -53;
}

function toBuckets(spans: readonly BucketSpan[], counts: readonly number[]): Buckets {
  const buckets: Buckets = new Map();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let each = 0; each < length; each++) {
      const count = counts[at++] ?? 0;
      if (count !== 0) buckets.set(index, count);
      index++;
    }
  }
  return buckets;
}

function toSpans(buckets: Buckets): [spans: BucketSpan[], counts: number[]] {
  const sorted = [...buckets].filter(([, count]) => count !== 0).sort(([a], [b]) => a - b);
  const spans: { offset: number; length: number }[] = [];
  let end = 0;
  for (const [index] of sorted) {
    const last = spans.at(-1);
    if (last !== undefined && index === end) last.length++;
    else spans.push({ offset: index - end, length: 1 });
    end = index + 1;
  }
  return [spans, sorted.map(([, count]) => count)];
}
