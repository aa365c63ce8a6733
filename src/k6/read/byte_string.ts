/**
 * A string as bytes that can be found in other bytes.
 *
 * @module
 */

/**
 * A string that is compared with the bytes at a place, eight at a time, as floats. Eight bytes of a string are never a NaN (it
 * needs a byte that UTF-8 does not have there) and never a zero (it needs zero bytes), so equal floats mean equal bytes.
 */
export class ByteString {
  /** The length in bytes, not in characters. */
  readonly length: number;
  readonly #view: DataView;

  /** @param bytes UTF-8 without zero bytes; they must not change afterwards */
  constructor(bytes: Uint8Array) {
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reports whether the other bytes have this string at a place. */
  isAt(other: DataView, from: number): boolean {
    const { length } = this;
    const view = this.#view;
    if (from + length > other.byteLength) return false;
    let at = 0;
    for (; at + 8 <= length; at += 8) if (view.getFloat64(at, true) !== other.getFloat64(from + at, true)) return false;
    for (; at < length; at++) if (view.getUint8(at) !== other.getUint8(from + at)) return false;
    return true;
  }
}

/** Returns the FNV-1a hash of bytes, computed over words of four bytes. */
export function hashOf(view: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5;
  let at = from;
  for (; at + 4 <= to; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), 0x01000193);
  for (; at < to; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
