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
  const { float = false, resetHint = 0, customValues = [] } = histogram;

  // A member of a oneof is written even if it is zero, because it tells which kind of histogram this is. The float member has
  // the next field number and another wire type.
  const writeCount = (tag: number, count: number): void => {
    buffer.tag(float ? tag + 9 : tag);
    if (float) buffer.double(count);
    else buffer.varint(count);
  };
  const writePacked = (tag: number, values: readonly number[], write: (value: number) => void): void => {
    if (values.length === 0) return;
    const start = buffer.open(tag);
    for (const value of values) write(value);
    buffer.close(start);
  };
  const writeDouble = (value: number): void => buffer.double(value);
  // Three fields with consecutive numbers: spans, differences of integer counts, float counts.
  const writeSide = (tag: number, spans: readonly BucketSpan[], counts: readonly number[]): void => {
    for (const { offset, length } of spans) {
      const start = buffer.open(tag);
      buffer.intField(0x08, zigzag(offset));
      buffer.intField(0x10, length);
      buffer.close(start);
    }
    if (float) return writePacked(tag + 16, counts, writeDouble);
    let before = 0;
    writePacked(tag + 8, counts, (count) => {
      buffer.sint64(count - before);
      before = count;
    });
  };

  writeCount(0x08, histogram.count);
  buffer.doubleField(0x19, histogram.sum, stale);
  buffer.intField(0x20, zigzag(histogram.schema));
  buffer.doubleField(0x29, histogram.zeroThreshold);
  writeCount(0x30, histogram.zeroCount);
  writeSide(0x42, histogram.negativeSpans, histogram.negativeCounts);
  writeSide(0x5a, histogram.positiveSpans, histogram.positiveCounts);
  buffer.intField(0x70, resetHint);
  buffer.intField(0x78, time);
  writePacked(0x82, customValues, writeDouble);
  buffer.intField(0x88, start);
}

/** Returns what represents an int32 in a sint32 field. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
