/**
 * Where the windows of recorded samples end.
 *
 * @module
 */

/**
 * How far before the window a sample may lie and still go with it. k6 writes its JSON every 200 ms, each virtual user's samples in
 * order, so those of one run are late by some hundred milliseconds, on a busy machine by more. What is later comes from another run,
 * which is to have windows of its own.
 */
const maxLatenessMs = 2_000;

/** Samples after which a window ends early: bounds the memory of the raw mapping. */
const maxWindowSamples = 100_000;

/**
 * Windows begin at multiples of their length and follow the samples, forwards and backwards: the same samples give the same windows
 * each time, a second file with an earlier run has its own, and a stray sample far away only one of them.
 */
export class EventWindows {
  readonly #lengthMs: number;
  #start = Infinity;
  #end = -Infinity;
  #samples = 0;

  /** @param lengthMs of each, in milliseconds */
  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Whether the window ends before a sample of this time (milliseconds), which then is the first of the next one. */
  endsBefore(time: number): boolean {
    this.#samples++;
    const outside = time >= this.#end || time < this.#start - maxLatenessMs;
    if (!outside && this.#samples <= maxWindowSamples) return false;
    if (outside) {
      this.#start = Math.floor(time / this.#lengthMs) * this.#lengthMs;
      this.#end = this.#start + this.#lengthMs;
    }
    this.#samples = 1;
    return true;
  }
}
