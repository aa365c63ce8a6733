/**
 * Closes something once, however often it is asked to.
 *
 * @module
 */
import { abortAfter, type Sleep } from "./sleep.ts";
import type { CloseOptions } from "./write_queue.ts";

/** The end of something that waits for samples. Later calls wait for the same end, and can only make it come earlier. */
export class Closing<Report> {
  readonly #end = new AbortController();
  readonly #sleep: Sleep;
  #report: Promise<Report> | undefined;

  constructor(sleep: Sleep) {
    this.#sleep = sleep;
  }

  /** Whether it was asked to close. */
  get hasBegun(): boolean {
    return this.#report !== undefined;
  }

  /** @param close is called once, with a signal that ends the wait. It must not reject. */
  begin({ timeoutMs = Infinity, signal }: CloseOptions, close: (end: AbortSignal) => Promise<Report>): Promise<Report> {
    const clear = abortAfter(timeoutMs, this.#end, { sleep: this.#sleep, signal });
    this.#report ??= close(this.#end.signal);
    void this.#report.then(clear);
    return this.#report;
  }
}
