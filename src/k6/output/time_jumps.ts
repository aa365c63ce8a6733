/**
 * Finds samples of a recording whose times are far ahead of those around them or, at the beginning, also far before them. If a sample
 * that is ahead were sent, all later samples of its series would get times after it, because the times of a series must rise.
 *
 * @module
 */
import type { Sample } from "../sample.ts";

/** The limit, the clock, and where held samples go. */
interface TimeJumpsOptions {
  /** A sample is too far from the samples around it if the distance is more than this time, in milliseconds. */
  readonly maxJumpMs: number;
  /** Returns milliseconds since the Unix epoch. */
  now(): number;
  /** Takes a sample that was held. */
  accept(sample: Sample): void;
  /** Takes a sample that is too far from the others. */
  refuse(sample: Sample): void;
}

/**
 * A second run in the same file begins with a jump, too. It has more samples than this number. A clock that was wrong for a moment
 * affects the samples of one request, which are about ten.
 */
const maxStrays = 20;

/** Holds the first samples, and those after a jump, until there are enough of them to show which times are the run's. */
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
    this.#decide(this.#options.now() + this.#options.maxJumpMs);
  }

  #passesAfterJump(sample: Sample): boolean {
    const { time } = sample;
    // The series store refuses a time that is not a number.
    if (!Number.isFinite(time)) return true;
    if (time <= this.#limit && time < this.#earliestHeld - this.#options.maxJumpMs) {
      // The run before the jump goes on.
      for (const stray of this.#takeHeld()) this.#options.refuse(stray);
      return this.passes(sample);
    }
    this.#held.push(sample);
    this.#earliestHeld = Math.min(this.#earliestHeld, time);
    if (this.#held.length > maxStrays) this.#decide(Infinity);
    return false;
  }

  /** Accepts the largest group of held samples that are near to each other, and refuses the others. */
  #decide(latest: number): void {
    const { maxJumpMs, accept, refuse } = this.#options;
    const held = this.#takeHeld();
    const { from, to } = largestGroup(held.map(({ time }) => time).filter((time) => time <= latest), maxJumpMs);
    for (const sample of held) {
      if (sample.time < from || sample.time > to) {
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

/** Returns the first and the last time of the largest group whose neighbours differ by at most `maxMs`; the earliest of equal ones. */
function largestGroup(times: readonly number[], maxMs: number): { readonly from: number; readonly to: number } {
  const sorted = times.toSorted((a, b) => a - b);
  let [largest, first] = [{ from: Infinity, to: -Infinity, count: 0 }, 0];
  for (const [index, time] of sorted.entries()) {
    if (time - (sorted[index - 1] ?? time) > maxMs) first = index;
    const count = index - first + 1;
    if (count > largest.count) largest = { from: sorted[first] ?? time, to: time, count };
  }
  return largest;
}
