/**
 * Encodes samples as a remote write 1.0 WriteRequest, straight from the columns of a batch and the cached label bytes.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import type { Exemplar, Metadata } from "../model/time_series.ts";
import type { BatchSlice } from "./batch.ts";
import { type ByteBuffer, int64Size, stringFieldSize, varintSize } from "./byte_buffer.ts";
import { encodeHistogram, histogramSize } from "./encode_histogram.ts";
import { SampleEncoder } from "./encode_sample.ts";
import { metricTypeNumber } from "./metric_type.ts";
import { labelsSize, writeLabels } from "./encoded_series.ts";

/**
 * Encodes a slice; samples of one series that follow each other become one TimeSeries.
 *
 * @param slice at least one sample
 * @param buffer is overwritten
 * @returns a view of the buffer, not compressed
 */
export function encodeV1(slice: BatchSlice, buffer: ByteBuffer): Uint8Array<ArrayBuffer> {
  const { batch, from, to } = slice;
  const { series, histograms, exemplars } = batch;
  const plain = histograms.size === 0 && exemplars.size === 0;
  buffer.length = 0;
  samples.begin(batch, false);
  for (let at = from; at < to;) {
    const current = series[at];
    if (current === undefined) break;
    let end = at + 1;
    while (end < to && series[end] === current) end++;
    let size = current.labelsV1.length;
    for (let index = at; index < end; index++) {
      size += plain ? samples.size(index) : pointSize(slice, index);
    }
    buffer.ensure(6 + size);
    buffer.bytes[buffer.length++] = 0x0a;
    buffer.varint(size);
    buffer.append(current.labelsV1);
    for (let index = at; index < end; index++) {
      if (plain || !histograms.has(index)) samples.write(index, buffer);
    }
    if (!plain) {
      // In the order of the field numbers, as a generated encoder writes them: samples 2, exemplars 3, histograms 4.
      for (let index = at; index < end; index++) {
        for (const exemplar of exemplars.get(index) ?? []) writeExemplar(exemplar, buffer);
      }
      for (let index = at; index < end; index++) {
        if (!histograms.has(index)) continue;
        buffer.bytes[buffer.length++] = 0x22;
        buffer.varint(histogramSize(slice, index, false));
        encodeHistogram(slice, index, buffer, false);
      }
    }
    at = end;
  }
  return buffer.written();
}

/**
 * Encodes metadata of metric families as a WriteRequest of its own.
 *
 * @param families by metric family name
 * @param buffer is overwritten
 */
export function encodeMetadataV1(families: ReadonlyMap<string, Metadata>, buffer: ByteBuffer): Uint8Array<ArrayBuffer> {
  buffer.length = 0;
  for (const [name, { type, help = "", unit = "" }] of families) {
    const number = metricTypeNumber(type);
    const size = (number === 0 ? 0 : 2) + stringFieldSize(name) + stringFieldSize(help) + stringFieldSize(unit);
    buffer.ensure(6 + size);
    buffer.bytes[buffer.length++] = 0x1a;
    buffer.varint(size);
    if (number !== 0) {
      buffer.bytes[buffer.length++] = 0x08;
      buffer.varint(number);
    }
    buffer.stringField(0x12, name);
    buffer.stringField(0x22, help);
    buffer.stringField(0x2a, unit);
  }
  return buffer.written();
}

const samples = new SampleEncoder();

function pointSize(slice: BatchSlice, index: number): number {
  let size = 0;
  if (slice.batch.histograms.has(index)) {
    const body = histogramSize(slice, index, false);
    size += 1 + varintSize(body) + body;
  } else {
    size += samples.size(index);
  }
  for (const exemplar of slice.batch.exemplars.get(index) ?? []) {
    const body = exemplarSize(exemplar);
    size += 1 + varintSize(body) + body;
  }
  return size;
}

function exemplarSize({ labels, value, timestamp }: Exemplar): number {
  const time = Number(timestamp);
  return labelsSize(labels) + (Object.is(value, 0) ? 0 : 9) + (time === 0 ? 0 : 1 + int64Size(time));
}

function writeExemplar(exemplar: Exemplar, buffer: ByteBuffer): void {
  const size = exemplarSize(exemplar);
  buffer.ensure(6 + size);
  buffer.bytes[buffer.length++] = 0x1a;
  buffer.varint(size);
  writeLabels(exemplar.labels, buffer);
  if (!Object.is(exemplar.value, 0)) {
    buffer.bytes[buffer.length++] = 0x11;
    buffer.double(exemplar.value);
  }
  const time = Number(exemplar.timestamp);
  if (time !== 0) {
    buffer.bytes[buffer.length++] = 0x18;
    buffer.int64(time);
  }
}
