/**
 * Encodes a native histogram, whose message is the same in both protocol versions.
 *
 * @see https://prometheus.io/docs/specs/native_histograms/
 * @module
 */
import type { BucketSpan, HistogramValue } from "../model/time_series.ts";
import type { ByteBuffer } from "./byte_buffer.ts";

/** What belongs to a histogram in a batch. */
export interface HistogramPoint {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** The start timestamp, in milliseconds since the Unix epoch. 0 if it is unknown, or not in this protocol version. */
  readonly start: number;
  /** Whether it is a staleness marker. @default false */
  readonly stale?: boolean | undefined;
}

/** Writes the body of a Histogram message, in the order of the field numbers. */
export function writeHistogram(
  histogram: HistogramValue,
  buffer: ByteBuffer,
  { time, start, stale }: HistogramPoint,
): void {
  const { float = false, resetHint = 0, customValues = [], schema } = histogram;
  writeCount(0x08, histogram.count, float, buffer);
  buffer.doubleField(0x19, histogram.sum, stale);
  buffer.intField(0x20, zigzag(schema));
  buffer.doubleField(0x29, histogram.zeroThreshold);
  writeCount(0x30, histogram.zeroCount, float, buffer);
  writeSide(0x42, histogram.negativeSpans, histogram.negativeCounts, float, buffer);
  writeSide(0x5a, histogram.positiveSpans, histogram.positiveCounts, float, buffer);
  buffer.intField(0x70, resetHint);
  buffer.intField(0x78, time);
  writeDoubles(0x82, customValues, buffer);
  buffer.intField(0x88, start);
}

/** Writes a member of a oneof. It is written even if it is zero, because it tells which kind of histogram this is. */
function writeCount(tag: number, count: number, float: boolean, buffer: ByteBuffer): void {
  if (float) {
    // The next field number, with the wire type of a double.
    buffer.varint(tag + 9);
    buffer.double(count);
  } else {
    buffer.varint(tag);
    buffer.varint(count);
  }
}

/** Writes three fields with consecutive numbers: spans, differences of integer counts, float counts. */
function writeSide(
  tag: number,
  spans: readonly BucketSpan[],
  counts: readonly number[],
  float: boolean,
  buffer: ByteBuffer,
): void {
  for (const { offset, length } of spans) {
    const start = buffer.open(tag);
    buffer.intField(0x08, zigzag(offset));
    buffer.intField(0x10, length);
    buffer.close(start);
  }
  if (float) return writeDoubles(tag + 16, counts, buffer);
  if (counts.length === 0) return;
  const start = buffer.open(tag + 8);
  let before = 0;
  for (const count of counts) {
    buffer.sint64(count - before);
    before = count;
  }
  buffer.close(start);
}

function writeDoubles(tag: number, values: readonly number[], buffer: ByteBuffer): void {
  if (values.length === 0) return;
  const start = buffer.open(tag);
  for (const value of values) buffer.double(value);
  buffer.close(start);
}

/** Returns what represents an int32 in a sint32 field. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
