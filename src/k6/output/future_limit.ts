/**
 * Finds samples that are too far ahead of the clock. If one were sent, all later samples of its series would get times after it.
 *
 * @module
 */

/** Prometheus refuses samples that are further ahead of its clock. */
const maxAheadMs = 600_000;

/** The latest time that receivers accept. */
export class FutureLimit {
  readonly #now: () => number;
  #beginsAt = -Infinity;

  /** @param now returns milliseconds since the Unix epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Reports whether a time is after the limit. It reads the clock at most once in ten minutes, unless a time is after the limit. */
  isExceededBy(time: number): boolean {
    if (time <= this.#beginsAt) return false;
    this.#beginsAt = this.#now() + maxAheadMs;
    return time > this.#beginsAt;
  }
}
