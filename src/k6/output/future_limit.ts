/**
 * What lies too far ahead of the clock: a sample that is sent with such a time would hold back all later ones of its series.
 *
 * @module
 */

/** Prometheus refuses what is further ahead of its clock. */
const maxAheadMs = 600_000;

/** Times that no receiver takes yet. */
export class FutureLimit {
  readonly #now: () => number;
  #beginsAt = -Infinity;

  /** @param now milliseconds since the Unix epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a time is one of them; asks the clock once in ten minutes. */
  has(time: number): boolean {
    if (time <= this.#beginsAt) return false;
    this.#beginsAt = this.#now() + maxAheadMs;
    return time > this.#beginsAt;
  }
}
