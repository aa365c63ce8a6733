/**
 * Quantiles in bounded memory, each with an error of at most 0.5 %.
 *
 * @module
 */
import { ExponentialBuckets } from "./exponential_buckets.ts";
import type { OrderedValues } from "./ordered_values.ts";

/** 128 buckets per doubling: the centre of a bucket is at most 0.27 % off. With schema 6, it would be 0.54 %. */
const schema = 7;

/**
 * Counts values in buckets instead of keeping them. Every quantile has a relative error of at most 0.5 %, also with negative
 * values, zeros and mixtures. The smallest and the largest value, and the values next to zero on both sides, are exact, so
 * that an interpolation between values of different signs does not enlarge the error. Memory grows with the range of the
 * magnitudes (at most 2 KiB per doubling), not with the number of values.
 */
export class QuantileSketch implements OrderedValues {
  readonly #positive = new Magnitudes();
  readonly #negative = new Magnitudes();
  #zeros = 0;

  get count(): number {
    return this.#negative.count + this.#zeros + this.#positive.count;
  }

  /** Adds a value. NaN and infinite values must not come here. */
  add(value: number): void {
    if (value > 0) this.#positive.add(value);
    else if (value < 0) this.#negative.add(-value);
    else this.#zeros += 1;
  }

  at(rank: number): number {
    const negatives = this.#negative.count;
    if (rank < negatives) return -this.#negative.at(negatives - 1 - rank);
    const nonPositives = negatives + this.#zeros;
    return rank < nonPositives ? 0 : this.#positive.at(rank - nonPositives);
  }
}

/** The magnitudes of the values of one sign. */
class Magnitudes implements OrderedValues {
  readonly #buckets = new ExponentialBuckets(schema);
  #smallest = Infinity;
  #largest = 0;
  count = 0;

  add(magnitude: number): void {
    this.count += 1;
    if (magnitude < this.#smallest) this.#smallest = magnitude;
    if (magnitude > this.#largest) this.#largest = magnitude;
    this.#buckets.add(magnitude);
  }

  at(rank: number): number {
    if (rank === 0) return this.#smallest;
    if (rank === this.count - 1) return this.#largest;
    // Counts from the nearer end, because most percentiles that users ask for are high.
    const centre = this.#buckets.centreAt(2 * rank < this.count ? rank : rank - this.count);
    return Math.min(Math.max(centre, this.#smallest), this.#largest);
  }
}
