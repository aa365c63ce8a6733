/**
 * Values in rising order, and quantiles of them as k6 computes them.
 *
 * @module
 */

/** Values that can be read in rising order. */
export interface OrderedValues {
  /** The number of values that were added. */
  readonly count: number;
  /** Returns the value at a rank; rank 0 is the smallest value. */
  at(rank: number): number;
}

/** Returns the value at a quantile from 0 to 1, interpolated between the two nearest ranks, or 0 if there are no values. */
export function quantileOf(values: OrderedValues, quantile: number): number {
  if (values.count === 0) return 0;
  const position = quantile * (values.count - 1);
  const rank = Math.floor(position);
  const lower = values.at(rank);
  if (position === rank) return lower;
  return lower + (values.at(rank + 1) - lower) * (position - rank);
}

/** Up to this number of steps, moving values one by one is faster than a binary search and a call. */
const maxSteps = 32;

/** Keeps every value up to a limit; each takes eight bytes. */
export class ExactValues implements OrderedValues {
  readonly #limit: number;
  /** The first `#sorted` values are in order; the others are in the order in which they were added. */
  #values: Float64Array;
  #sorted = 0;
  count = 0;

  /** @param limit the largest number of values */
  constructor(limit: number) {
    this.#limit = limit;
    this.#values = new Float64Array(Math.min(8, limit));
  }

  /** Whether the limit is reached. */
  get full(): boolean {
    return this.count >= this.#limit;
  }

  /** Adds a finite value. The caller checks `full` first. */
  add(value: number): void {
    if (this.count === this.#values.length) {
      const values = new Float64Array(Math.min(2 * this.count, this.#limit));
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.count] = value;
    this.count += 1;
  }

  at(rank: number): number {
    if (this.#sorted < this.count) this.#sort();
    return this.#values[rank] ?? 0;
  }

  /** Calls `visit` with each value, in any order. */
  forEach(visit: (value: number) => void): void {
    this.#values.subarray(0, this.count).forEach(visit);
  }

  /** Sorts the new values and inserts them, the largest first, so that each old value moves at most once. */
  #sort(): void {
    const values = this.#values;
    const unsorted = values.slice(this.#sorted, this.count).sort();
    let end = this.#sorted;
    for (let before = unsorted.length - 1; before >= 0; before--) {
      const value = unsorted[before] ?? 0;
      const nearest = Math.max(0, end - maxSteps);
      for (; end > nearest && (values[end - 1] ?? 0) > value; end--) values[end + before] = values[end - 1] ?? 0;
      if (end === nearest) {
        // Searches the number of the first `end` values that are not above the value.
        let at = 0;
        for (let high = end; at < high;) {
          const middle = (at + high) >>> 1;
          if ((values[middle] ?? 0) <= value) at = middle + 1;
          else high = middle;
        }
        values.copyWithin(at + before + 1, at, end);
        end = at;
      }
      values[end + before] = value;
    }
    this.#sorted = this.count;
  }
}
