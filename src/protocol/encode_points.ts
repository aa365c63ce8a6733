/**
 * Encodes the samples, histograms and exemplars of a TimeSeries. The two protocol versions differ only in the order of
 * histograms and exemplars, in the labels of exemplars, in the place of the exemplars of histograms, and in the start timestamps,
 * which 2.0 adds.
 *
 * @module
 */
import type { Exemplar, HistogramValue, Label } from "../model/time_series.ts";
import type { Batch } from "./batch.ts";
import { type ByteBuffer, setNan } from "./byte_buffer.ts";
import { writeHistogram } from "./encode_histogram.ts";
import type { ProtocolVersion } from "./protocol_version.ts";

/** Encodes samples, histograms and exemplars. It keeps a batch's columns while the batch is encoded. */
export class PointEncoder {
  readonly #isV2: boolean;
  readonly #writeLabels: (labels: readonly Label[], buffer: ByteBuffer) => void;
  #times: Float64Array = new Float64Array(0);
  #values: Float64Array = this.#times;
  #starts: Float64Array | undefined;
  // Undefined if the batch has none, as is usual: a lookup in an empty collection takes as long as encoding a sample.
  #stale: ReadonlySet<number> | undefined;
  #histograms: ReadonlyMap<number, HistogramValue> | undefined;
  #exemplars: ReadonlyMap<number, readonly Exemplar[]> | undefined;

  /** @param writeLabels writes the labels of an exemplar */
  constructor(version: ProtocolVersion, writeLabels: (labels: readonly Label[], buffer: ByteBuffer) => void) {
    this.#isV2 = version === "2.0";
    this.#writeLabels = writeLabels;
  }

  /** Begins a batch. The batch must not change until the next call. */
  begin({ times, values, starts, stale, histograms, exemplars }: Batch): void {
    this.#times = times;
    this.#values = values;
    this.#starts = this.#isV2 ? starts : undefined;
    this.#stale = stale.size > 0 ? stale : undefined;
    this.#histograms = histograms.size > 0 ? histograms : undefined;
    this.#exemplars = exemplars.size > 0 ? exemplars : undefined;
  }

  /** Writes the fields of one series, in the order of the field numbers. */
  write(from: number, to: number, buffer: ByteBuffer): void {
    const histograms = this.#histograms;
    for (let index = from; index < to; index++) {
      if (histograms === undefined || !histograms.has(index)) this.#writeSample(index, buffer);
    }
    if (histograms === undefined && this.#exemplars === undefined) return;
    for (const tag of [0x1a, 0x22]) {
      for (let index = from; index < to; index++) {
        if (this.#isV2 === (tag === 0x1a)) this.#writeHistogram(tag, index, buffer);
        else if (this.#isV2 || histograms?.has(index) !== true) this.#writeExemplars(tag, index, buffer);
      }
    }
  }

  /** Reports whether histograms have exemplars, which `write` leaves out in 1.0. */
  hasHistogramExemplars(from: number, to: number): boolean {
    for (let index = from; index < to; index++) {
      if (this.#histograms?.has(index) === true && this.#exemplars?.has(index) === true) return true;
    }
    return false;
  }

  /** Writes the exemplars of histograms, in 1.0. */
  writeHistogramExemplars(from: number, to: number, buffer: ByteBuffer): void {
    for (let index = from; index < to; index++) {
      if (this.#histograms?.has(index) === true) this.#writeExemplars(0x1a, index, buffer);
    }
  }

  #writeSample(index: number, buffer: ByteBuffer): void {
    const value = this.#values[index] ?? 0;
    const time = this.#times[index] ?? 0;
    const start = this.#starts?.[index] ?? 0;
    // More than a sample can take: the buffer must not grow below, because `bytes` would then be the old memory. These are locals
    // because each access through the buffer's fields reads memory.
    buffer.ensure(64);
    const { bytes, view } = buffer;
    const first = buffer.length;
    let at = first + 2;
    bytes[first] = 0x12;
    const stale = this.#stale?.has(index) === true;
    if (stale || !Object.is(value, 0)) {
      bytes[at] = 0x09;
      // Only NaN differs from itself. A call for each sample would take a tenth of the time.
      if (stale || value !== value) setNan(view, at + 1, stale);
      else view.setFloat64(at + 1, value, true);
      at += 9;
    }
    if (time > 0) {
      bytes[at] = 0x10;
      buffer.length = at + 1;
      buffer.varint(time);
    } else {
      buffer.length = at;
      buffer.intField(0x10, time);
    }
    if (start !== 0) buffer.intField(0x18, start);
    bytes[first + 1] = buffer.length - first - 2;
  }

  #writeHistogram(tag: number, index: number, buffer: ByteBuffer): void {
    const histogram = this.#histograms?.get(index);
    if (histogram === undefined) return;
    const start = buffer.open(tag);
    writeHistogram(histogram, buffer, {
      time: this.#times[index] ?? 0,
      start: this.#starts?.[index] ?? 0,
      stale: this.#stale?.has(index),
    });
    buffer.close(start);
  }

  #writeExemplars(tag: number, index: number, buffer: ByteBuffer): void {
    for (const exemplar of this.#exemplars?.get(index) ?? []) this.#writeExemplar(tag, exemplar, buffer);
  }

  #writeExemplar(tag: number, { labels, value, timestamp }: Exemplar, buffer: ByteBuffer): void {
    const start = buffer.open(tag);
    this.#writeLabels(labels, buffer);
    buffer.doubleField(0x11, value);
    buffer.intField(0x18, Number(timestamp));
    buffer.close(start);
  }
}
