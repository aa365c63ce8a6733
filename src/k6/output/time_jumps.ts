/**
 * Finds samples of a recording whose times are far ahead of those around them. If one were sent, all later samples of its series
 * would get times after it, because the times of a series must rise.
 *
 * @module
 */
import type { Sample } from "../sample.ts";

/** What `TimeJumps` needs. */
export interface TimeJumpsOptions {
  /** A sample is too far ahead if it is more than this time after the samples around it, in milliseconds. */
  readonly maxJumpMs: number;
  /** Returns milliseconds since the Unix epoch. */
  now(): number;
  /** Takes a sample that was held. */
  accept(sample: Sample): void;
  /** Takes a sample that is too far ahead. */
  refuse(sample: Sample): void;
}

/**
 * A second run in the same file begins with a jump, too. It has more samples than this number. A clock that was wrong for a moment
 * affects the samples of one request, which are about ten.
 */
const maxStrays = 20;

/** Holds the samples after a jump until the next ones show whether a run begins there. */
export class TimeJumps {
  readonly #options: TimeJumpsOptions;
  #held: Sample[] = [];
  #earliestHeld = Infinity;
  /** Later times are a jump. */
  #limit = -Infinity;

  constructor(options: TimeJumpsOptions) {
    this.#options = options;
  }

  /** Reports whether a sample may be added now. It is held otherwise, and accepted or refused later. */
  passes(sample: Sample): boolean {
    const { time } = sample;
    if (this.#held.length === 0 && time <= this.#limit) {
      this.#limit = time + this.#options.maxJumpMs;
      return true;
    }
    return this.#passesAfterJump(sample);
  }

  /** Accepts the held samples, as no further ones follow, but not those that are ahead of the clock. */
  release(): void {
    this.#acceptHeld(this.#options.now() + this.#options.maxJumpMs);
  }

  #passesAfterJump(sample: Sample): boolean {
    // The series store refuses a time that is not a number.
    if (!Number.isFinite(sample.time)) return true;
    if (sample.time < this.#earliestHeld - this.#options.maxJumpMs) {
      const strays = this.#takeHeld();
      for (const stray of strays) this.#options.refuse(stray);
      if (strays.length > 0) return this.passes(sample);
    }
    this.#held.push(sample);
    this.#earliestHeld = Math.min(this.#earliestHeld, sample.time);
    if (this.#held.length > maxStrays) this.#acceptHeld(Infinity);
    return false;
  }

  #acceptHeld(latest: number): void {
    const { maxJumpMs, accept, refuse } = this.#options;
    if (this.#held.length > 0) this.#limit = this.#earliestHeld + maxJumpMs;
    for (const sample of this.#takeHeld()) {
      if (sample.time > Math.min(this.#limit, latest)) {
        refuse(sample);
      } else {
        this.#limit = sample.time + maxJumpMs;
        accept(sample);
      }
    }
  }

  #takeHeld(): readonly Sample[] {
    const held = this.#held;
    this.#held = [];
    this.#earliestHeld = Infinity;
    return held;
  }
}
