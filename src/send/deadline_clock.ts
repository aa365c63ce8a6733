/**
 * The clock of deadlines. It stands still while the process is stopped or the machine sleeps.
 *
 * @module
 */
import type { Sleep } from "./sleep.ts";

/** The clock and the timers that a deadline clock is made of. */
interface DeadlineClockOptions {
  /** Returns milliseconds that never go back, since any point in time. */
  readonly monotonicNow: () => number;
  readonly sleep: Sleep;
}

/** Long waits consist of steps of this length. So a gap is noticed even if the whole wait ends in time. */
const stepMs = 1_000;

/** A wait that ends later than this after its time contained a gap, in milliseconds. The timers of a busy process are not that late. */
export const maxLateMs = 1_000;

/** Measures deadlines and waits for them, without the gaps: the times in which the process could not do anything. */
export class DeadlineClock {
  readonly #options: DeadlineClockOptions;
  #gapMs = 0;
  #gaps = 0;

  constructor(options: DeadlineClockOptions) {
    this.#options = options;
  }

  /** Returns milliseconds that never go back. The gaps that were found so far do not count. */
  readonly monotonicNow = (): number => this.#options.monotonicNow() - this.#gapMs;

  /** Returns how many gaps were found so far. */
  readonly gaps = (): number => this.#gaps;

  /** Waits, and looks for gaps. A gap does not count, and afterwards there is at least a second left (or `ms`, if that is less). */
  readonly sleep: Sleep = async (ms, signal) => {
    const leastRestMs = Math.min(ms, stepMs);
    let wasExtended = false;
    let leftMs = ms;
    do {
      const step = Math.min(leftMs, stepMs);
      const gapsBefore = this.#gaps;
      const startMs = this.monotonicNow();
      await this.#options.sleep(step, signal);
      this.#findGap(startMs + step);
      // A wait is extended only once, so that it ends even if a program blocks its timers again and again. Timers are always a little
      // late, which must not add up.
      if (this.#gaps === gapsBefore || wasExtended) leftMs -= Math.max(step, this.monotonicNow() - startMs);
      else {
        wasExtended = true;
        leftMs = Math.max(leftMs, leastRestMs);
      }
    } while (leftMs > 0 && !signal.aborted);
  };

  #findGap(dueMs: number): void {
    const lateMs = this.monotonicNow() - dueMs;
    if (lateMs <= maxLateMs) return;
    // Other waits that were interrupted by the same gap are not late any more.
    this.#gapMs += lateMs;
    this.#gaps++;
  }
}
