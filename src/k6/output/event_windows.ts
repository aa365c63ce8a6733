/**
 * Decides where the windows of recorded samples end.
 *
 * @module
 */

/**
 * How far before the start of its window a sample may be. k6 writes its JSON every 200 ms, with the samples of each virtual user in
 * order. So samples of one run are late by some hundred milliseconds, or by more on a busy machine. A sample that is later belongs to
 * another run, which gets its own windows.
 */
const maxLatenessMs = 2_000;

/** A window ends early after this many samples, to limit the memory of the raw mapping. */
const maxWindowSamples = 100_000;

/**
 * Windows begin at multiples of their length and follow the samples, forwards and backwards. The same samples always give the same
 * windows. A second file with an earlier run gets its own windows, and so does a stray sample with a distant time.
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
