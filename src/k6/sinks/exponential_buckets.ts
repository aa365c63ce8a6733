/**
 * Counts in exponential buckets: what a native histogram and a quantile sketch are made of.
 *
 * @module
 */
import type { BucketSpan } from "../../model/time_series.ts";
import { bucketCentre, bucketIndex } from "./exponential_scale.ts";

/** Populated buckets, as a native histogram carries them. */
export interface BucketCounts {
  /** Where they lie. */
  readonly spans: readonly BucketSpan[];
  /** Their counts, as they are. */
  readonly counts: readonly number[];
}

/** Empty buckets between two populated ones that are sent as zeros, as they cost less than a new span. */
const maxGap = 2;

/**
 * Counts of magnitudes. Memory grows with their range, not with their number: at most sixteen bytes for each bucket
 * between the smallest and the largest seen, which is 2 KiB for each doubling in schema 7.
 */
export class ExponentialBuckets {
  #schema: number;
  /** Index of the bucket that `#counts` begins with. */
  #first = 0;
  #counts = new Float64Array(0);

  /** @param schema -4 to 8 */
  constructor(schema: number) {
    this.#schema = schema;
  }

  /** -4 to 8: the higher, the narrower the buckets. */
  get schema(): number {
    return this.#schema;
  }

  /** @param magnitude more than 0; infinity is allowed */
  add(magnitude: number): void {
    this.#increase(bucketIndex(magnitude, this.#schema), 1);
  }

  /** The centre of the bucket that holds the magnitude of a rank: 0 is the smallest, -1 the largest. */
  centreAt(rank: number): number {
    const counts = this.#counts;
    const step = rank < 0 ? -1 : 1;
    let at = rank < 0 ? counts.length - 1 : 0;
    let left = rank < 0 ? -1 - rank : rank;
    while ((left -= counts[at] ?? Infinity) >= 0) at += step;
    return bucketCentre(this.#first + at, this.#schema);
  }

  /** What is populated, in fresh arrays. */
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
        span = { offset: gap, length: 0 };
        spans.push(span);
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

  /** Goes to the schema below: merges each two buckets that share one there. */
  coarsen(): void {
    const counts = this.#counts;
    const first = this.#first;
    this.#schema -= 1;
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

  /** Makes room for a bucket, twice as much as before, on the side where it is needed. */
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
