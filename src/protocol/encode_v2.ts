/**
 * Encodes samples as a remote write 2.0 Request: every string once, in a table that the series refer to.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * @module
 */
import type { Exemplar } from "../model/time_series.ts";
import type { BatchSlice } from "./batch.ts";
import { ByteBuffer, int64Size, varintSize } from "./byte_buffer.ts";
import { encodeHistogram, histogramSize } from "./encode_histogram.ts";
import { SampleEncoder } from "./encode_sample.ts";
import { metricTypeNumber } from "./metric_type.ts";
import { Symbols } from "./symbols.ts";
import type { EncodedSeries, SeriesSymbols } from "./encoded_series.ts";

/** About a hundred megabytes with their entries: more than one run should have, but clients and forwarders never end. */
const maxRememberedSymbols = 500_000;

/** How to remember. */
export interface EncoderV2Options {
  /** Strings after which all are forgotten, to begin anew. @default 500000 */
  readonly maxRememberedSymbols?: number;
}

/** Encodes requests; remembers the strings of the series it has met, up to a bound. */
export class EncoderV2 {
  #symbols = new Symbols();
  readonly #samples = new SampleEncoder();
  /** The series, which come after the symbols but are encoded together with them: each is looked at only once. */
  readonly #series = new ByteBuffer();
  /** References, whose size is known only when they are written. */
  readonly #refs = new ByteBuffer(256);
  /** Whether all is floats, as it mostly is: then nothing needs to be looked up by index. */
  #plain = true;
  readonly #maxRemembered: number;

  constructor(options: EncoderV2Options = {}) {
    this.#maxRemembered = options.maxRememberedSymbols ?? maxRememberedSymbols;
  }

  /** How many strings are remembered. */
  get remembered(): number {
    return this.#symbols.size;
  }

  /**
   * Encodes a slice; samples of one series that follow each other become one TimeSeries.
   *
   * @param slice at least one sample
   * @param buffer is overwritten
   * @returns a view of the buffer, not compressed
   */
  encode(slice: BatchSlice, buffer: ByteBuffer): Uint8Array<ArrayBuffer> {
    const { batch, from, to } = slice;
    const { series } = batch;
    if (this.#symbols.size > this.#maxRemembered) this.#symbols = new Symbols();
    buffer.length = 0;
    this.#series.length = 0;
    this.#samples.begin(batch, true);
    this.#symbols.begin(buffer);
    this.#plain = batch.histograms.size === 0 && batch.exemplars.size === 0;
    // The strings of the exemplars come after those of all series, so that a string both use is in the table once.
    for (let index = from; index < to && batch.exemplars.size > 0; index++) {
      const current = series[index];
      if (current !== undefined) this.#writeRefs(this.#symbolsOf(current).numbers);
    }
    for (let at = from; at < to;) {
      const current = series[at];
      if (current === undefined) break;
      let end = at + 1;
      while (end < to && series[end] === current) end++;
      this.#writeSeries(slice, current, at, end);
      at = end;
    }
    buffer.ensure(this.#series.length);
    buffer.append(this.#series.written());
    return buffer.written();
  }

  #writeSeries(slice: BatchSlice, series: EncodedSeries, from: number, to: number): void {
    const samples = this.#samples;
    const { numbers, type, help, unit } = this.#symbolsOf(series);
    const refs = this.#writeRefs(numbers);
    const helpRef = help === undefined ? 0 : this.#symbols.ref(help);
    const unitRef = unit === undefined ? 0 : this.#symbols.ref(unit);
    const metadataSize = (type === 0 ? 0 : 2) + refSize(helpRef) + refSize(unitRef);
    let size = 1 + lengthPrefixed(refs.length) + (metadataSize === 0 ? 0 : 2 + metadataSize);
    if (this.#plain) { for (let index = from; index < to; index++) size += samples.size(index); }
    else size += this.#pointsSize(slice, from, to);
    const buffer = this.#series;
    buffer.ensure(6 + size);
    buffer.bytes[buffer.length++] = 0x2a;
    buffer.varint(size);
    buffer.bytes[buffer.length++] = 0x0a;
    buffer.varint(refs.length);
    buffer.appendShort(refs.bytes, refs.length);
    if (this.#plain) { for (let index = from; index < to; index++) samples.write(index, buffer); }
    else this.#writePoints(slice, from, to);
    if (metadataSize === 0) return;
    buffer.bytes[buffer.length++] = 0x2a;
    buffer.bytes[buffer.length++] = metadataSize;
    if (type !== 0) {
      buffer.bytes[buffer.length++] = 0x08;
      buffer.bytes[buffer.length++] = type;
    }
    writeRef(0x18, helpRef, buffer);
    writeRef(0x20, unitRef, buffer);
  }

  #symbolsOf(series: EncodedSeries): SeriesSymbols {
    const known = series.symbols;
    return known?.owner === this.#symbols.owner ? known : this.#addSymbols(series);
  }

  #addSymbols(series: EncodedSeries): SeriesSymbols {
    const { type, help = "", unit = "" } = series.metadata ?? {};
    const table = this.#symbols;
    series.symbols = {
      owner: table.owner,
      numbers: series.labels.flatMap(({ name, value }) => [table.numberOf(name), table.numberOf(value)]),
      type: type === undefined ? 0 : metricTypeNumber(type),
      help: help === "" ? undefined : table.numberOf(help),
      unit: unit === "" ? undefined : table.numberOf(unit),
    };
    return series.symbols;
  }

  /** Valid until the next call. */
  #writeRefs(numbers: readonly number[]): ByteBuffer {
    this.#refs.length = 0;
    this.#symbols.writeRefs(numbers, this.#refs);
    return this.#refs;
  }

  #pointsSize(slice: BatchSlice, from: number, to: number): number {
    const { histograms, exemplars } = slice.batch;
    let size = 0;
    for (let index = from; index < to; index++) {
      size += histograms.has(index) ? 1 + lengthPrefixed(histogramSize(slice, index, true)) : this.#samples.size(index);
      for (const exemplar of exemplars.get(index) ?? []) size += 1 + lengthPrefixed(this.#exemplarSize(exemplar));
    }
    return size;
  }

  /** In the order of the field numbers: samples 2, histograms 3, exemplars 4. */
  #writePoints(slice: BatchSlice, from: number, to: number): void {
    const { histograms, exemplars } = slice.batch;
    const buffer = this.#series;
    for (let index = from; index < to; index++) {
      if (!histograms.has(index)) this.#samples.write(index, buffer);
    }
    for (let index = from; index < to; index++) {
      if (!histograms.has(index)) continue;
      buffer.bytes[buffer.length++] = 0x1a;
      buffer.varint(histogramSize(slice, index, true));
      encodeHistogram(slice, index, buffer, true);
    }
    for (let index = from; index < to; index++) {
      for (const exemplar of exemplars.get(index) ?? []) this.#writeExemplar(exemplar, buffer);
    }
  }

  #exemplarRefs({ labels }: Exemplar): number[] {
    return labels.flatMap(({ name, value }) => [
      this.#symbols.refOfTransient(name),
      this.#symbols.refOfTransient(value),
    ]);
  }

  #exemplarSize(exemplar: Exemplar): number {
    const refs = this.#exemplarRefs(exemplar).reduce((sum, ref) => sum + varintSize(ref), 0);
    const time = Number(exemplar.timestamp);
    return (refs === 0 ? 0 : 1 + lengthPrefixed(refs)) + (Object.is(exemplar.value, 0) ? 0 : 9) +
      (time === 0 ? 0 : 1 + int64Size(time));
  }

  #writeExemplar(exemplar: Exemplar, buffer: ByteBuffer): void {
    buffer.bytes[buffer.length++] = 0x22;
    buffer.varint(this.#exemplarSize(exemplar));
    const refs = this.#exemplarRefs(exemplar);
    if (refs.length > 0) {
      buffer.bytes[buffer.length++] = 0x0a;
      buffer.varint(refs.reduce((sum, ref) => sum + varintSize(ref), 0));
      for (const ref of refs) buffer.varint(ref);
    }
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
}

function lengthPrefixed(size: number): number {
  return varintSize(size) + size;
}

/** 0 is no reference, as that is the empty string. */
function refSize(ref: number): number {
  return ref === 0 ? 0 : 1 + varintSize(ref);
}

function writeRef(tag: number, ref: number, buffer: ByteBuffer): void {
  if (ref === 0) return;
  buffer.bytes[buffer.length++] = tag;
  buffer.varint(ref);
}
