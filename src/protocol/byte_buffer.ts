/**
 * A growing buffer with protobuf's primitives. It is reused from request to request, so that encoding allocates nothing
 * once the buffer has grown.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */
import { staleHigh, staleLow } from "./stale.ts";

const encoder = new TextEncoder();

/** From this length on, the runtime's encoder is faster. */
const maxPlainLength = 64;

/** Holds the written bytes up to `length`. The methods make room for what they write. */
export class ByteBuffer {
  /** The memory, which is replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer>;
  /** A view of `bytes`, which is replaced together with them. */
  view: DataView<ArrayBuffer>;
  /** The number of written bytes. */
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `extra` more bytes. */
  ensure(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Returns a view of the written bytes, valid until the next write. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** Writes an unsigned integer below 2^53, or an even one below 2^54. */
  varint(value: number): void {
    this.ensure(10);
    const { bytes } = this;
    let at = this.length;
    // JavaScript's bit operations have 32 bits, so the lower 28 bits of a larger number are written on their own.
    while (value > 0x7fff_ffff) {
      const upper = Math.floor(value / 0x1000_0000);
      const lower = value - upper * 0x1000_0000;
      bytes[at++] = lower | 0x80;
      bytes[at++] = (lower >>> 7) | 0x80;
      bytes[at++] = (lower >>> 14) | 0x80;
      bytes[at++] = (lower >>> 21) | 0x80;
      value = upper;
    }
    for (; value > 0x7f; value >>>= 7) bytes[at++] = value | 0x80;
    bytes[at++] = value;
    this.length = at;
  }

  /** Writes an int64 within 2^53 of 0. */
  int64(value: number): void {
    if (value >= 0) return this.varint(value);
    // A negative number has 64 bits, in ten bytes of seven bits each: those of -value - 1, inverted.
    this.ensure(10);
    let rest = -value - 1;
    for (let index = 0; index < 9; index++) {
      this.bytes[this.length++] = 0xff - rest % 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = 1;
  }

  /** Writes an integer within 2^53 of 0, in zigzag. */
  sint64(value: number): void {
    const at = this.length;
    this.varint(2 * (value < 0 ? -value - 1 : value));
    // Set last, because twice a large number plus 1 is not exact.
    if (value < 0) this.bytes[at] = (this.bytes[at] ?? 0) | 1;
  }

  /** Writes a float64 in eight bytes; a NaN has the usual bits, or those of the staleness marker. */
  double(value: number, stale = false): void {
    this.ensure(8);
    if (stale || Number.isNaN(value)) setNan(this.view, this.length, stale);
    else this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Writes a tag, and makes room for a few more bytes. */
  tag(tag: number): void {
    this.ensure(16);
    // Numbers from 16 on make two bytes.
    if (tag > 0x7f) this.bytes[this.length++] = tag;
    this.bytes[this.length++] = tag > 0x7f ? 1 : tag;
  }

  /** Writes a field of type int32, int64 or uint32. Like the other fields below, it is left out if it is zero. */
  intField(tag: number, value: number): void {
    if (value === 0) return;
    this.tag(tag);
    this.int64(value);
  }

  /** Writes a double field, or the staleness marker. The negative zero is not left out. */
  doubleField(tag: number, value: number, stale = false): void {
    if (!stale && Object.is(value, 0)) return;
    this.tag(tag);
    this.double(value, stale);
  }

  /** Writes a string field in UTF-8. An empty string is left out. */
  stringField(tag: number, text: string): void {
    const { length } = text;
    if (length === 0) return;
    const start = this.open(tag);
    this.ensure(maxPlainLength);
    const { bytes } = this;
    let index = 0;
    // For short ASCII strings such as labels, a loop is several times faster than a call of the runtime's encoder.
    if (length < maxPlainLength) {
      for (let code; index < length && (code = text.charCodeAt(index)) <= 0x7f; index++) bytes[start + index] = code;
    }
    if (index === length) this.length += length;
    else this.append(encoder.encode(text));
    this.close(start);
  }

  /**
   * Begins a field with a length in front, such as a message.
   *
   * @param lengthBytes the number of bytes that the length will probably take
   * @returns where the body begins; `close` needs it, and the same `lengthBytes`
   */
  open(tag: number, lengthBytes = 1): number {
    this.tag(tag);
    return this.length += lengthBytes;
  }

  /** Ends a field: writes its length, and moves its body if the length takes more or fewer bytes than expected. */
  close(start: number, lengthBytes = 1): void {
    const { length, bytes } = this;
    const size = length - start;
    // The usual cases, written out because each sample has one.
    if (lengthBytes === 1 && size <= 0x7f) {
      bytes[start - 1] = size;
    } else if (lengthBytes === 2 && size > 0x7f && size <= 0x3fff) {
      bytes[start - 2] = size | 0x80;
      bytes[start - 1] = size >>> 7;
    } else {
      this.#moveBody(start, lengthBytes);
    }
  }

  #moveBody(start: number, lengthBytes: number): void {
    const { length } = this;
    let extra = 1 - lengthBytes;
    for (let rest = length - start; rest > 0x7f; rest >>>= 7) extra++;
    this.ensure(extra);
    this.bytes.copyWithin(start + extra, start, length);
    this.length = start - lengthBytes;
    this.varint(length - start);
    this.length = length + extra;
  }

  /** Appends bytes as they are. */
  append(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

const scratch = new ByteBuffer();
const blockBytes = 65_536;
let block = new Uint8Array(0);

/**
 * Returns a copy of what `write` writes, which stays valid. Short copies share blocks of memory: a flush takes three times as
 * long to copy from 20,000 separate buffers.
 */
export function pack(write: (buffer: ByteBuffer) => void): Uint8Array<ArrayBuffer> {
  scratch.length = 0;
  write(scratch);
  const bytes = scratch.written();
  if (bytes.length > blockBytes / 8) return bytes.slice();
  if (block.length < bytes.length) block = new Uint8Array(blockBytes);
  const packed = block.subarray(0, bytes.length);
  packed.set(bytes);
  block = block.subarray(bytes.length);
  return packed;
}

/** Writes the bits of an ordinary NaN, or those of the staleness marker. Other bits can mean a damaged marker. */
export function setNan(view: DataView, at: number, stale: boolean): void {
  view.setUint32(at, stale ? staleLow : 0, true);
  view.setUint32(at + 4, stale ? staleHigh : 0x7ff80000, true);
}
