/**
 * Counts in exponential buckets, for native histograms and quantile sketches.
 *
 * @module
 */
import type { BucketSpan } from "../../model/time_series.ts";
import { bucketCentre, bucketIndex } from "./exponential_scale.ts";

/** Populated buckets, in the form of a native histogram. */
export interface BucketCounts {
  /** The places of the buckets. */
  readonly spans: readonly BucketSpan[];
  /** The counts of the buckets, not as differences. */
  readonly counts: readonly number[];
}

/** Up to this number of empty buckets are sent as zeros, because they take less room than a new span. */
const maxGap = 2;

/**
 * Counts magnitudes. Memory grows with their range, not with their number: at most 16 bytes per bucket between the smallest
 * and the largest magnitude, which is 2 KiB per doubling in schema 7.
 */
export class ExponentialBuckets {
  /** From -4 to 8; a higher schema has narrower buckets. Only `coarsen` changes it. */
  schema: number;
  /** The index of the bucket that `#counts` begins with. */
  #first = 0;
  #counts = new Float64Array(0);

  /** @param schema from -4 to 8 */
  constructor(schema: number) {
    this.schema = schema;
  }

  /** Counts a magnitude above 0, which may be infinite. */
  add(magnitude: number): void {
    this.#increase(bucketIndex(magnitude, this.schema), 1);
  }

  /** Returns the centre of the bucket with the magnitude of a rank. Rank 0 is the smallest, -1 the largest magnitude. */
  centreAt(rank: number): number {
    const counts = this.#counts;
    const step = rank < 0 ? -1 : 1;
    let at = rank < 0 ? counts.length - 1 : 0;
    let left = rank < 0 ? -1 - rank : rank;
    while ((left -= counts[at] ?? Infinity) >= 0) at += step;
    return bucketCentre(this.#first + at, this.schema);
  }

  /** Returns the populated buckets in fresh arrays. */
  populated(): BucketCounts {
    const spans: { offset: number; length: number }[] = [];
    const counts: number[] = [];
    let next = 0;
    this.#counts.forEach((count, at) => {
      if (count === 0) return;
      const index = this.#first + at;
      const gap = index - next;
      let span = spans.at(-1);
      if (span === undefined || gap > maxGap) {
        spans.push(span = { offset: gap, length: 0 });
      } else {
        for (let empty = 0; empty < gap; empty++) counts.push(0);
        span.length += gap;
      }
      counts.push(count);
      span.length += 1;
      next = index + 1;
    });
    return { spans, counts };
  }

  /** Changes to the next lower schema: merges each two buckets that are one bucket there. */
  coarsen(): void {
    const counts = this.#counts;
    const first = this.#first;
    this.schema -= 1;
    this.#counts = new Float64Array(0);
    counts.forEach((count, at) => {
      if (count > 0) this.#increase((first + at + 1) >> 1, count);
    });
  }

  #increase(index: number, by: number): void {
    let at = index - this.#first;
    if (at < 0 || at >= this.#counts.length) {
      this.#include(index);
      at = index - this.#first;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + by;
  }

  /** Makes room for a bucket. Doubles the number of buckets, on the side where the bucket is. */
  #include(index: number): void {
    const counts = this.#counts;
    if (counts.length === 0) this.#first = index;
    const end = Math.max(this.#first + counts.length, index + 1);
    const lowest = Math.min(this.#first, index);
    let length = 16;
    while (length < end - lowest) length *= 2;
    const first = index < this.#first ? end - length : lowest;
    this.#counts = new Float64Array(length);
    this.#counts.set(counts, this.#first - first);
    this.#first = first;
  }
}
