/**
 * Encodes a float sample: the same message in both protocol versions, but for the start timestamp that 2.0 adds.
 *
 * @module
 */
import type { BatchSlice } from "./batch.ts";
import { type ByteBuffer, int64Size } from "./byte_buffer.ts";
import { staleHigh, staleLow } from "./stale.ts";

/** Size of the field `samples = 2` of a TimeSeries, tag and length included. */
export function sampleFieldSize(slice: BatchSlice, index: number, withStart: boolean): number {
  // The body is never longer than 31 bytes, so its length takes one byte.
  return 2 + bodySize(slice, index, withStart);
}

/** Writes the field; the buffer has room for it. */
export function writeSampleField(slice: BatchSlice, index: number, buffer: ByteBuffer, withStart: boolean): void {
  const { times, values, stale, starts } = slice.batch;
  const time = times[index] ?? 0;
  const value = values[index] ?? 0;
  const start = withStart ? starts?.[index] ?? 0 : 0;
  buffer.bytes[buffer.length++] = 0x12;
  buffer.bytes[buffer.length++] = bodySize(slice, index, withStart);
  if (stale.size > 0 && stale.has(index)) {
    buffer.bytes[buffer.length++] = 0x09;
    buffer.view.setUint32(buffer.length, staleLow, true);
    buffer.view.setUint32(buffer.length + 4, staleHigh, true);
    buffer.length += 8;
  } else if (!Object.is(value, 0)) {
    buffer.bytes[buffer.length++] = 0x09;
    buffer.double(value);
  }
  if (time !== 0) {
    buffer.bytes[buffer.length++] = 0x10;
    buffer.int64(time);
  }
  if (start !== 0) {
    buffer.bytes[buffer.length++] = 0x18;
    buffer.int64(start);
  }
}

/** proto3 leaves zeros out, though not the negative one. */
function bodySize({ batch }: BatchSlice, index: number, withStart: boolean): number {
  const time = batch.times[index] ?? 0;
  const start = withStart ? batch.starts?.[index] ?? 0 : 0;
  const hasValue = !Object.is(batch.values[index], 0) || (batch.stale.size > 0 && batch.stale.has(index));
  return (hasValue ? 9 : 0) + (time === 0 ? 0 : 1 + int64Size(time)) + (start === 0 ? 0 : 1 + int64Size(start));
}
