/**
 * The simplest form of a snappy block, which needs no compressor.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @module
 */

/** Returns a block of one literal. A length up to 60 is in the tag. Otherwise, the tag says how many bytes after it hold the length. */
export function literalBlock(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  const head: number[] = [];
  addVarint(head, length);
  const more: number[] = [];
  if (length > 60) { for (let rest = length - 1; rest > 0; rest >>>= 8) more.push(rest & 0xff); }
  if (length > 0) head.push((more.length > 0 ? 59 + more.length : length - 1) << 2, ...more);
  const block = new Uint8Array(head.length + length);
  block.set(head);
  block.set(bytes, head.length);
  return block;
}

/** Adds an int64 within 2^53 of 0, in the bytes that protobuf and snappy use. */
export function addVarint(to: number[], value: number): void {
  const isNegative = value < 0;
  // A negative number has 64 bits, in ten bytes of seven bits each: those of -value - 1, inverted.
  let rest = isNegative ? -value - 1 : value;
  for (let left = isNegative ? 9 : 0; left > 0 || rest > 0x7f; left--, rest = Math.floor(rest / 0x80)) {
    to.push(((rest % 0x80) ^ (isNegative ? 0x7f : 0)) | 0x80);
  }
  to.push(isNegative ? 1 : rest);
}
