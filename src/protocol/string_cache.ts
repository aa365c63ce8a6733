/**
 * Remembers short strings by their bytes. Label names and values repeat from series to series and from request to request: comparing
 * their bytes is faster than decoding them again, and equal strings share their memory.
 *
 * @module
 */
import { addToHash, hashBytes } from "./hash_bytes.ts";

/** Strings of more bytes are not remembered, because they rarely repeat. */
const maxLength = 128;

/** When the strings take more bytes, all are forgotten. */
const maxBytes = 512 * 1024;

/** Remembers decoded strings. */
export class StringCache {
  /** A new string may replace another one in its slot. */
  readonly #mask: number;
  readonly #starts: Int32Array;
  readonly #lengths: Int32Array;
  readonly #strings: (string | undefined)[];
  /** The bytes of the strings, one after the other. */
  #bytes = new Uint8Array(4096);
  #size = 0;
  #slot = -1;
  /** The hash of the bytes of the latest `find`; of their number and of the first and last of them if they are many. */
  hash = 0;

  /** @param slots how many strings are remembered at most, a power of two */
  constructor(slots: number) {
    this.#mask = slots - 1;
    this.#starts = new Int32Array(slots);
    this.#lengths = new Int32Array(slots);
    this.#strings = new Array(slots);
  }

  /** Returns the string that equal bytes were decoded to, if it is remembered. */
  find(bytes: Uint8Array, start: number, end: number): string | undefined {
    const length = end - start;
    if (length > maxLength) {
      this.#slot = -1;
      const half = maxLength / 2;
      const ends = addToHash(hashBytes(bytes, start, start + half), hashBytes(bytes, end - half, end));
      this.hash = addToHash(ends, length);
      return undefined;
    }
    const hash = this.hash = hashBytes(bytes, start, end);
    const slot = (hash ^ (hash >>> 16)) & this.#mask;
    this.#slot = slot;
    if (this.#lengths[slot] !== length) return undefined;
    const known = this.#bytes;
    const from = this.#starts[slot] ?? 0;
    for (let at = 0; at < length; at++) {
      if (known[from + at] !== bytes[start + at]) return undefined;
    }
    return this.#strings[slot];
  }

  /** Remembers the string of the bytes that the latest `find` did not find. */
  remember(string: string, bytes: Uint8Array, start: number, end: number): void {
    if (this.#slot < 0) return;
    const from = this.#reserve(end - start);
    this.#bytes.set(bytes.subarray(start, end), from);
    this.#starts[this.#slot] = from;
    this.#lengths[this.#slot] = end - start;
    this.#strings[this.#slot] = string;
  }

  #reserve(length: number): number {
    if (this.#size + length > maxBytes) {
      this.#lengths.fill(0);
      this.#strings.fill(undefined);
      this.#size = 0;
    }
    if (this.#size + length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    const from = this.#size;
    this.#size += length;
    return from;
  }
}
