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

/** Shared by all objects with at most one value. */
const noValues = new Float64Array(0);

/** Keeps every value up to a limit; each takes eight bytes. */
export class ExactValues implements OrderedValues {
  readonly #limit: number;
  /** The only value. An array would take about 300 bytes, and many series of a run with too many tags have only one value. */
  #only = 0;
  /** The first `#sorted` values are in order; the others are in the order in which they were added. */
  #values: Float64Array = noValues;
  #sorted = 0;
  count = 0;

  /** @param limit the largest number of values */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the limit is reached. */
  get full(): boolean {
    return this.count >= this.#limit;
  }

  /** Adds a finite value. The caller checks `full` first. */
  add(value: number): void {
    if (this.count >= this.#values.length) {
      if (this.count === 0) {
        this.#only = value;
        this.count = 1;
        return;
      }
      this.#grow();
    }
    this.#values[this.count] = value;
    this.count += 1;
  }

  at(rank: number): number {
    if (this.count === 1) return this.#only;
    if (this.#sorted < this.count) this.#sort();
    return this.#values[rank] ?? 0;
  }

  /** Calls `visit` with each value, in any order. */
  forEach(visit: (value: number) => void): void {
    if (this.count === 1) visit(this.#only);
    else this.#values.subarray(0, this.count).forEach(visit);
  }

  #grow(): void {
    const values = new Float64Array(Math.min(Math.max(8, 2 * this.count), this.#limit));
    if (this.count === 1) values[0] = this.#only;
    else values.set(this.#values);
    this.#values = values;
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
