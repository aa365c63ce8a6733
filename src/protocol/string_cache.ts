/**
 * Remembers short strings by their bytes. Label names and values repeat from series to series: comparing their bytes is faster
 * than decoding them again, and equal strings share their memory.
 *
 * @module
 */

/** A power of two. A new string may replace another one in its slot. */
const slots = 1024;
/** Strings of more bytes are not remembered, because they rarely repeat. */
const maxBytes = 128;

/** Remembers strings of one array of bytes. */
export class StringCache {
  readonly #bytes: Uint8Array;
  readonly #starts = new Int32Array(slots);
  readonly #lengths = new Int32Array(slots);
  readonly #strings = new Array<string | undefined>(slots);
  #slot = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Returns the string that equal bytes were decoded to, if it is remembered. */
  find(start: number, length: number): string | undefined {
    this.#slot = -1;
    if (length > maxBytes) return undefined;
    const bytes = this.#bytes;
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let at = start; at < start + length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    const slot = (hash ^ (hash >>> 16)) & (slots - 1);
    this.#slot = slot;
    if (this.#lengths[slot] !== length) return undefined;
    const from = this.#starts[slot] ?? 0;
    for (let at = 0; at < length; at++) {
      if (bytes[from + at] !== bytes[start + at]) return undefined;
    }
    return this.#strings[slot];
  }

  /** Remembers the string that the latest `find` did not find. */
  remember(string: string, { start, length }: { start: number; length: number }): void {
    if (this.#slot < 0) return;
    this.#starts[this.#slot] = start;
    this.#lengths[this.#slot] = length;
    this.#strings[this.#slot] = string;
  }
}
