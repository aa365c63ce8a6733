/**
 * Remembers short texts by their bytes: label names and values repeat from series to series, and a decoder call costs more
 * than comparing the bytes. It also lets equal texts share their memory.
 *
 * @module
 */

/** Power of two; a text may push out another one. */
const slots = 1024;
/** Longer texts seldom repeat. */
const maxBytes = 128;

/** Texts found in one array of bytes. */
export class TextCache {
  readonly #bytes: Uint8Array;
  readonly #starts = new Int32Array(slots);
  readonly #lengths = new Int32Array(slots);
  readonly #texts = new Array<string | undefined>(slots);
  #slot = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The text that these bytes were before, if it is remembered. */
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
    return this.#texts[slot];
  }

  /** Remembers the text that the latest `find` missed. */
  remember(text: string, { start, length }: { start: number; length: number }): void {
    if (this.#slot < 0) return;
    this.#starts[this.#slot] = start;
    this.#lengths[this.#slot] = length;
    this.#texts[this.#slot] = text;
  }
}
