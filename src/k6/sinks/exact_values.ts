/**
 * All values of a trend, in order.
 *
 * @module
 */
import type { OrderedValues } from "./quantile.ts";

/** Keeps every value, up to a limit: eight bytes each. */
export class ExactValues implements OrderedValues {
  readonly #limit: number;
  /** In order up to `#sorted`, then as they came. */
  #values: Float64Array;
  #sorted = 0;
  #count = 0;

  /** @param limit most values that are kept */
  constructor(limit: number) {
    this.#limit = limit;
    this.#values = new Float64Array(Math.min(8, limit));
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Whether the limit is reached. */
  get full(): boolean {
    return this.#count >= this.#limit;
  }

  /** @param value finite; there must be room for it */
  add(value: number): void {
    if (this.#count === this.#values.length) {
      const values = new Float64Array(Math.min(2 * this.#count, this.#limit));
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.#count] = value;
    this.#count += 1;
  }

  at(rank: number): number {
    if (this.#sorted < this.#count) this.#sort();
    return this.#values[rank] ?? 0;
  }

  /** Calls with each value, in any order. */
  forEach(visit: (value: number) => void): void {
    this.#values.subarray(0, this.#count).forEach(visit);
  }

  /** Sorts what came since the last time and inserts it, from the largest on: what was in order is moved once at most. */
  #sort(): void {
    const values = this.#values;
    const unsorted = values.slice(this.#sorted, this.#count).sort();
    let end = this.#sorted;
    for (let before = unsorted.length - 1; before >= 0; before--) {
      const value = unsorted[before] ?? 0;
      // Mostly its place is near: a few values are moved faster one by one than by a search and a call.
      const nearest = Math.max(0, end - maxSteps);
      for (; end > nearest && (values[end - 1] ?? 0) > value; end--) values[end + before] = values[end - 1] ?? 0;
      if (end === nearest) {
        const at = upperBound(values, value, end);
        values.copyWithin(at + before + 1, at, end);
        end = at;
      }
      values[end + before] = value;
    }
    this.#sorted = this.#count;
  }
}

const maxSteps = 32;

/** How many of the first `end` values, which are in order, are not above a value. */
function upperBound(values: Float64Array, value: number, end: number): number {
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
