/**
 * Encodes samples as a remote write 1.0 WriteRequest, directly from the columns of a batch and the cached bytes of labels.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import type { Metadata } from "../model/time_series.ts";
import { type BatchSlice, forEachSeries } from "./batch.ts";
import type { ByteBuffer } from "./byte_buffer.ts";
import { PointEncoder } from "./encode_points.ts";
import { writeLabels } from "./encoded_series.ts";
import { metricTypeNumber } from "./metric_type.ts";

const unescaped = new PointEncoder("1.0", writeLabels);

/**
 * Encodes a slice. Consecutive samples of one series become one TimeSeries; the exemplars of its histograms become another one.
 *
 * @param slice at least one sample
 * @param buffer is overwritten
 * @param points an encoder of 1.0, which writes the labels of exemplars. @default writes them as they are
 * @returns a view of the buffer, not compressed
 */
export function encodeV1(
  slice: BatchSlice,
  buffer: ByteBuffer,
  points: PointEncoder = unescaped,
): Uint8Array<ArrayBuffer> {
  buffer.length = 0;
  points.begin(slice.batch);
  // Decided here, because the function below runs for every series.
  const mayHaveBoth = slice.batch.histograms.size > 0 && slice.batch.exemplars.size > 0;
  forEachSeries(slice, ({ sharedV1 }, { labelsV1 }, from, to) => {
    const lengthBytes = labelsV1.length + sharedV1.length > 100 ? 2 : 1;
    const start = buffer.open(0x0a, lengthBytes);
    if (labelsV1.length > 0) buffer.append(labelsV1);
    if (sharedV1.length > 0) buffer.append(sharedV1);
    points.write(from, to, buffer);
    buffer.close(start, lengthBytes);
    if (!mayHaveBoth || !points.hasHistogramExemplars(from, to)) return;
    // The exemplars get an entry of their own after the histograms. Prometheus stores the exemplars of an entry first, so it would lose
    // those of a series that begins with a histogram.
    const exemplars = buffer.open(0x0a, lengthBytes);
    if (labelsV1.length > 0) buffer.append(labelsV1);
    if (sharedV1.length > 0) buffer.append(sharedV1);
    points.writeHistogramExemplars(from, to, buffer);
    buffer.close(exemplars, lengthBytes);
  });
  return buffer.written();
}

/**
 * Encodes metadata as a WriteRequest of its own.
 *
 * @param families the metadata by metric family name
 * @param buffer is overwritten
 * @returns a view of the buffer, not compressed
 */
export function encodeMetadataV1(families: ReadonlyMap<string, Metadata>, buffer: ByteBuffer): Uint8Array<ArrayBuffer> {
  buffer.length = 0;
  for (const [name, { type, help = "", unit = "" }] of families) {
    const start = buffer.open(0x1a);
    buffer.intField(0x08, metricTypeNumber(type));
    buffer.stringField(0x12, name);
    buffer.stringField(0x22, help);
    buffer.stringField(0x2a, unit);
    buffer.close(start);
  }
  return buffer.written();
}
