/**
 * Encodes a native histogram: the same message in both protocol versions, but for the start timestamp that 2.0 adds.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import type { HistogramValue } from "../model/time_series.ts";
import type { BucketSpan } from "../model/time_series.ts";
import type { BatchSlice } from "./batch.ts";
import { type ByteBuffer, int64Size, sint64Size, varintSize } from "./byte_buffer.ts";
import { staleHigh, staleLow } from "./stale.ts";

/** Size of the message's body. */
export function histogramSize(slice: BatchSlice, index: number, withStart: boolean): number {
  const { histogram, time, start } = read(slice, index, withStart);
  const { count, zeroCount, sum, zeroThreshold, float } = histogram;
  let size = (float ? 9 : 1 + varintSize(count)) + (float ? 9 : 1 + varintSize(zeroCount));
  size += Object.is(sum, 0) && !slice.batch.stale.has(index) ? 0 : 9;
  size += Object.is(zeroThreshold, 0) ? 0 : 9;
  size += spansSize(histogram.negativeSpans) + countsSize(histogram.negativeCounts, float, 1);
  size += spansSize(histogram.positiveSpans) + countsSize(histogram.positiveCounts, float, 1);
  const { schema, resetHint = 0 } = histogram;
  size += schema === 0 ? 0 : 1 + sint64Size(schema);
  size += resetHint === 0 ? 0 : 1 + varintSize(resetHint);
  size += time === 0 ? 0 : 1 + int64Size(time);
  size += countsSize(histogram.customValues ?? [], true, 2);
  size += start === 0 ? 0 : 2 + int64Size(start);
  return size;
}

/** Writes the message's body, in the order of the field numbers. */
export function encodeHistogram(slice: BatchSlice, index: number, buffer: ByteBuffer, withStart: boolean): void {
  const { histogram, time, start } = read(slice, index, withStart);
  const { count, zeroCount, float, resetHint = 0 } = histogram;
  buffer.ensure(histogramSize(slice, index, withStart));
  // A oneof is written even if it is zero: it says which kind of histogram this is.
  writeOneof(float ? 0x11 : 0x08, count, float, buffer);
  writeSum(slice, index, histogram.sum, buffer);
  if (histogram.schema !== 0) {
    buffer.bytes[buffer.length++] = 0x20;
    buffer.sint64(histogram.schema);
  }
  if (!Object.is(histogram.zeroThreshold, 0)) {
    buffer.bytes[buffer.length++] = 0x29;
    buffer.double(histogram.zeroThreshold);
  }
  writeOneof(float ? 0x39 : 0x30, zeroCount, float, buffer);
  writeSpans(0x42, histogram.negativeSpans, buffer);
  if (float) writeDoubles([0x52], histogram.negativeCounts, buffer);
  else writeDeltas(0x4a, histogram.negativeCounts, buffer);
  writeSpans(0x5a, histogram.positiveSpans, buffer);
  if (float) writeDoubles([0x6a], histogram.positiveCounts, buffer);
  else writeDeltas(0x62, histogram.positiveCounts, buffer);
  if (resetHint !== 0) {
    buffer.bytes[buffer.length++] = 0x70;
    buffer.varint(resetHint);
  }
  if (time !== 0) {
    buffer.bytes[buffer.length++] = 0x78;
    buffer.int64(time);
  }
  // Fields 16 and 17 have tags of two bytes.
  writeDoubles([0x82, 0x01], histogram.customValues ?? [], buffer);
  if (start !== 0) {
    buffer.bytes[buffer.length++] = 0x88;
    buffer.bytes[buffer.length++] = 0x01;
    buffer.int64(start);
  }
}

function read(
  { batch }: BatchSlice,
  index: number,
  withStart: boolean,
): { histogram: HistogramValue; time: number; start: number } {
  const histogram = batch.histograms.get(index);
  if (histogram === undefined) throw new RangeError(`Cannot encode a histogram: the batch has none at ${index}`);
  return { histogram, time: batch.times[index] ?? 0, start: withStart ? batch.starts?.[index] ?? 0 : 0 };
}

function writeOneof(tag: number, value: number, float: boolean | undefined, buffer: ByteBuffer): void {
  buffer.bytes[buffer.length++] = tag;
  if (float) buffer.double(value);
  else buffer.varint(value);
}

function writeSum({ batch }: BatchSlice, index: number, sum: number, buffer: ByteBuffer): void {
  const stale = batch.stale.has(index);
  if (!stale && Object.is(sum, 0)) return;
  buffer.bytes[buffer.length++] = 0x19;
  if (stale) {
    buffer.view.setUint32(buffer.length, staleLow, true);
    buffer.view.setUint32(buffer.length + 4, staleHigh, true);
    buffer.length += 8;
  } else {
    buffer.double(sum);
  }
}

function spanSize({ offset, length }: BucketSpan): number {
  return (offset === 0 ? 0 : 1 + sint64Size(offset)) + (length === 0 ? 0 : 1 + varintSize(length));
}

function spansSize(spans: readonly BucketSpan[]): number {
  // A span's body is never longer than 12 bytes, so its length takes one byte.
  return spans.reduce((sum, span) => sum + 2 + spanSize(span), 0);
}

function writeSpans(tag: number, spans: readonly BucketSpan[], buffer: ByteBuffer): void {
  for (const span of spans) {
    buffer.bytes[buffer.length++] = tag;
    buffer.bytes[buffer.length++] = spanSize(span);
    if (span.offset !== 0) {
      buffer.bytes[buffer.length++] = 0x08;
      buffer.sint64(span.offset);
    }
    if (span.length !== 0) {
      buffer.bytes[buffer.length++] = 0x10;
      buffer.varint(span.length);
    }
  }
}

/** Packed: tag, length, body. */
function countsSize(counts: readonly number[], float: boolean | undefined, tagSize: number): number {
  if (counts.length === 0) return 0;
  const body = float ? 8 * counts.length : deltasSize(counts);
  return tagSize + varintSize(body) + body;
}

function deltasSize(counts: readonly number[]): number {
  let size = 0;
  let before = 0;
  for (const count of counts) {
    size += sint64Size(count - before);
    before = count;
  }
  return size;
}

function writeDeltas(tag: number, counts: readonly number[], buffer: ByteBuffer): void {
  if (counts.length === 0) return;
  buffer.bytes[buffer.length++] = tag;
  buffer.varint(deltasSize(counts));
  let before = 0;
  for (const count of counts) {
    buffer.sint64(count - before);
    before = count;
  }
}

function writeDoubles(tag: readonly number[], values: readonly number[], buffer: ByteBuffer): void {
  if (values.length === 0) return;
  for (const byte of tag) buffer.bytes[buffer.length++] = byte;
  buffer.varint(8 * values.length);
  for (const value of values) buffer.double(value);
}
