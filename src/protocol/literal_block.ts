/**
 * The simplest form of a snappy block, which needs no compressor.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @module
 */

/** Returns a block of one literal. Its tag says that four bytes after it hold the length, which short literals do not need. */
export function literalBlock(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  const head: number[] = [];
  addVarint(head, length);
  const rest = length - 1;
  // The block keeps the lowest byte of each.
  if (length > 0) head.push(0xfc, rest, rest >> 8, rest >> 16, rest >> 24);
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
