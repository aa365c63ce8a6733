/**
 * Converts UTF-16 to UTF-8. PowerShell's `>` writes UTF-16.
 *
 * @module
 */

/** Returns the encoding of an input that begins with these two bytes: with a byte order mark, or with an ASCII character. */
export function utf16Of(first: number, second: number): "utf-16le" | "utf-16be" | undefined {
  if (first === 0xff && second === 0xfe || first !== 0 && second === 0) return "utf-16le";
  if (first === 0xfe && second === 0xff || first === 0 && second !== 0) return "utf-16be";
  return undefined;
}

/** Converts chunks of a stream. A chunk may end within a character. */
export class Utf16Converter {
  // TextDecoder has no big-endian form on every runtime, so those bytes are swapped.
  readonly #decoder = new TextDecoder("utf-16le");
  readonly #encoder = new TextEncoder();
  readonly #swaps: boolean;
  #first: number | undefined;

  constructor(encoding: "utf-16le" | "utf-16be") {
    this.#swaps = encoding === "utf-16be";
  }

  /** Converts a chunk; without one, converts what is left at the end. */
  convert(chunk?: Uint8Array): Uint8Array {
    if (chunk === undefined) return this.#encoder.encode(this.#decoder.decode());
    const bytes = this.#swaps ? this.#swapped(chunk) : chunk;
    return this.#encoder.encode(this.#decoder.decode(bytes, { stream: true }));
  }

  #swapped(chunk: Uint8Array): Uint8Array {
    const bytes = this.#first === undefined ? chunk.slice() : Uint8Array.of(this.#first, ...chunk);
    this.#first = bytes.length % 2 === 1 ? bytes.at(-1) : undefined;
    const swapped = bytes.subarray(0, bytes.length - bytes.length % 2);
    for (let at = 0; at < swapped.length; at += 2) {
      [swapped[at], swapped[at + 1]] = [swapped[at + 1] ?? 0, swapped[at] ?? 0];
    }
    return swapped;
  }
}
