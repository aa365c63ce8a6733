/**
 * Passes lines that are not from k6 to the caller of a reader.
 *
 * @module
 */

import type { K6ReadOptions } from "./k6_reader.ts";

type OnForeignLine = K6ReadOptions["onForeignLine"];

/** Passes lines on, and waits for the caller. */
export class ForeignLines {
  readonly #onLine: OnForeignLine;
  /** What the caller returned since the last wait. */
  readonly #promises: Promise<void>[] = [];

  constructor(onLine: OnForeignLine) {
    this.#onLine = onLine;
  }

  /** Passes a line on, or a part of it. */
  pass(line: string, continues: boolean): void {
    const written = this.#onLine?.(line, continues);
    // A caller that writes several lines together may return the same promise for them.
    if (written !== undefined && written !== this.#promises.at(-1)) this.#promises.push(written);
  }

  /** Waits for all promises of the caller, or for the signal. Rejects if one of them rejects. */
  async settled(signal: AbortSignal | undefined): Promise<void> {
    const promises = this.#promises.splice(0);
    if (promises.length === 0 || signal?.aborted === true) return;
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => stop = resolve);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await Promise.race([Promise.all(promises), stopped]);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}
