/**
 * Finds samples too far ahead of the clock: sending one would hold back all later samples of its series.
 *
 * @module
 */

/** Prometheus refuses samples that are further ahead of its clock. */
const maxAheadMs = 600_000;

/** The times that no receiver accepts yet. */
export class FutureLimit {
  readonly #now: () => number;
  #beginsAt = -Infinity;

  /** @param now returns milliseconds since the Unix epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Reports whether a time is beyond the limit. It reads the clock once in ten minutes. */
  has(time: number): boolean {
    if (time <= this.#beginsAt) return false;
    this.#beginsAt = this.#now() + maxAheadMs;
    return time > this.#beginsAt;
  }
}
