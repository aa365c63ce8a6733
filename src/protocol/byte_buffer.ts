/**
 * A growing buffer with protobuf's primitives. It is reused from request to request, so that encoding allocates nothing
 * once it has grown.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */

const encoder = new TextEncoder();

/** From here on, the runtime's encoder is faster. */
const maxPlainLength = 64;

/** Bytes up to `length` are written; whoever writes calls `ensure` first. */
export class ByteBuffer {
  /** Where to write. Replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer>;
  /** A view of `bytes`. */
  view: DataView<ArrayBuffer>;
  /** How many bytes are written. */
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `extra` bytes more. */
  ensure(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** What was written; valid until the next write. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** An unsigned integer below 2^53, or an even one below 2^54. */
  varint(value: number): void {
    const { bytes } = this;
    let at = this.length;
    // Beyond 32 bits, JavaScript's bit operations no longer hold: the lower 28 bits are taken apart on their own.
    while (value > 0x7fff_ffff) {
      const upper = Math.floor(value / 0x1000_0000);
      const lower = value - upper * 0x1000_0000;
      bytes[at++] = lower | 0x80;
      bytes[at++] = (lower >>> 7) | 0x80;
      bytes[at++] = (lower >>> 14) | 0x80;
      bytes[at++] = (lower >>> 21) | 0x80;
      value = upper;
    }
    while (value > 0x7f) {
      bytes[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[at++] = value;
    this.length = at;
  }

  /** An int64: negative numbers take ten bytes. */
  int64(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.#varint64(BigInt.asUintN(64, BigInt(value)));
  }

  /** An integer within 2^53 of 0, in zigzag. */
  sint64(value: number): void {
    if (value >= 0) this.varint(2 * value);
    // Below, twice as much and one is no number any more.
    else if (value > -(2 ** 52)) this.varint(-2 * value - 1);
    else this.#varint64(-2n * BigInt(value) - 1n);
  }

  /** A float64. */
  double(value: number): void {
    if (Number.isNaN(value)) setNan(this.view, this.length);
    else this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A string field; proto3 leaves the empty string out. */
  stringField(tag: number, text: string): void {
    if (text === "") return;
    this.bytes[this.length++] = tag;
    this.string(text);
  }

  /** The length of a string and its UTF-8. */
  string(text: string): void {
    const size = utf8Size(text);
    this.varint(size);
    const { bytes } = this;
    let at = this.length;
    // ASCII byte by byte: for texts as short as labels, that is a multiple faster than a call of the runtime's encoder.
    if (size === text.length && size < maxPlainLength) {
      for (let index = 0; index < size; index++) bytes[at++] = text.charCodeAt(index);
      this.length = at;
    } else {
      this.length += encoder.encodeInto(text, bytes.subarray(at)).written;
    }
  }

  /** Bytes as they are. */
  append(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** The first of some bytes: one after the other, which is faster than a call and a view up to a few dozen. */
  appendShort(from: Uint8Array, length: number): void {
    const { bytes } = this;
    const at = this.length;
    for (let index = 0; index < length; index++) bytes[at + index] = from[index] ?? 0;
    this.length = at + length;
  }

  #varint64(value: bigint): void {
    while (value > 0x7fn) {
      this.bytes[this.length++] = Number(value & 0x7fn) | 0x80;
      value >>= 7n;
    }
    this.bytes[this.length++] = Number(value);
  }
}

/** Writes NaN with the bits of an ordinary one: others are those of a staleness marker, whole or broken. */
export function setNan(view: DataView, at: number): void {
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, 0x7ff80000, true);
}

/** How many bytes `varint` takes for an unsigned integer below 2^53. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  // Timestamps of our days, before all others.
  if (value < 0x400_0000_0000 && value >= 0x8_0000_0000) return 6;
  return 4 + varintSize(Math.floor(value / 0x1000_0000));
}

/** How many bytes `stringField` takes. */
export function stringFieldSize(text: string): number {
  return text === "" ? 0 : 1 + stringSize(text);
}

/** How many bytes `string` takes. */
export function stringSize(text: string): number {
  const size = utf8Size(text);
  return varintSize(size) + size;
}

/** Half of a surrogate pair alone becomes U+FFFD, which takes three bytes. */
function utf8Size(text: string): number {
  let size = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x7f) continue;
    size += code <= 0x7ff ? 1 : 2;
    // A whole pair takes four.
    if ((text.codePointAt(index) ?? 0) > 0xffff) index++;
  }
  return size;
}

/** How many bytes `int64` takes. */
export function int64Size(value: number): number {
  return value < 0 ? 10 : varintSize(value);
}

/** How many bytes `sint64` takes. */
export function sint64Size(value: number): number {
  // Where that is inexact, the size is the same.
  return varintSize(value < 0 ? -2 * value - 1 : 2 * value);
}
