/**
 * Decides where the windows of recorded samples end.
 *
 * @module
 */

/**
 * How far before its window a sample may lie. k6 writes its JSON every 200 ms, with the samples of each virtual user in order, so that
 * samples of one run are late by some hundred milliseconds, and by more on a busy machine. A sample that is later comes from another
 * run, which gets windows of its own.
 */
const maxLatenessMs = 2_000;

/** A window ends early after this many samples, to bound the memory of the raw mapping. */
const maxWindowSamples = 100_000;

/**
 * Windows begin at multiples of their length and follow the samples, forwards and backwards. The same samples always give the same
 * windows. A second file with an earlier run gets windows of its own, and a stray sample far away gets one.
 */
export class EventWindows {
  readonly #lengthMs: number;
  #start = Infinity;
  #end = -Infinity;
  #samples = 0;

  /** @param lengthMs the length of a window, in milliseconds */
  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Reports whether the window ends before a sample of this time (milliseconds). The sample then begins the next window. */
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
