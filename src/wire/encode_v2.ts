/**
 * Encodes samples as a remote write 2.0 Request: every string once, in a table that the series refer to.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * @module
 */
import type { Exemplar } from "../time_series.ts";
import type { BatchSlice } from "./batch.ts";
import { ByteBuffer, int64Size, varintSize } from "./byte_buffer.ts";
import { encodeHistogram, histogramSize } from "./encode_histogram.ts";
import { sampleFieldSize, writeSampleField } from "./encode_sample.ts";
import { metricTypeNumber } from "./metric_type.ts";
import type { WireSeries } from "./wire_series.ts";

/** A string with its place in the request that is being encoded. */
interface SymbolEntry {
  /** The field `symbols = 4` as it is written. */
  readonly field: Uint8Array<ArrayBuffer>;
  /** The request that `ref` belongs to. */
  request: number;
  ref: number;
}

/** What a series refers to; looked up once a series, not once a request. */
interface SeriesSymbols {
  /** Names and values of the labels in turn. */
  readonly labels: readonly SymbolEntry[];
  readonly type: number;
  readonly help: SymbolEntry | undefined;
  readonly unit: SymbolEntry | undefined;
}

const textEncoder = new TextEncoder();

/** `symbols[0]`, which must be the empty string. */
const emptySymbol: readonly [number, number] = [0x22, 0x00];

/** About a hundred megabytes with their entries: more than one run should have, but clients and forwarders never end. */
const maxRememberedSymbols = 500_000;

/** How to remember. */
export interface EncoderV2Options {
  /** Strings after which all are forgotten, to begin anew. @default 500000 */
  readonly maxRememberedSymbols?: number;
}

/** Encodes requests; remembers the strings of the series it has met, up to a bound. */
export class EncoderV2 {
  readonly #maxRemembered: number;
  #entries = new Map<string, SymbolEntry>();
  readonly #transient = new Map<string, SymbolEntry>();
  #series = new WeakMap<WireSeries, SeriesSymbols>();
  #request = 0;
  #symbols = 0;

  constructor(options: EncoderV2Options = {}) {
    this.#maxRemembered = options.maxRememberedSymbols ?? maxRememberedSymbols;
  }

  /** How many strings are remembered. */
  get remembered(): number {
    return this.#entries.size;
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
    if (this.#entries.size > this.#maxRemembered) {
      this.#entries = new Map();
      this.#series = new WeakMap();
    }
    this.#request++;
    this.#symbols = 1;
    buffer.length = 0;
    buffer.ensure(2);
    for (const byte of emptySymbol) buffer.bytes[buffer.length++] = byte;
    let before: WireSeries | undefined;
    for (let index = from; index < to; index++) {
      const current = batch.series[index];
      if (current !== undefined && current !== before) this.#writeSymbols(this.#symbolsOf(current), buffer);
      before = current;
    }
    this.#writeExemplarSymbols(slice, buffer);
    for (let at = from; at < to;) {
      const current = batch.series[at];
      if (current === undefined) break;
      let end = at + 1;
      while (end < to && batch.series[end] === current) end++;
      this.#writeSeries(slice, this.#symbolsOf(current), at, end, buffer);
      at = end;
    }
    return buffer.written();
  }

  #symbolsOf(series: WireSeries): SeriesSymbols {
    let symbols = this.#series.get(series);
    if (symbols === undefined) {
      const { metadata } = series;
      symbols = {
        labels: series.labels.flatMap(({ name, value }) => [this.#entry(name), this.#entry(value)]),
        type: metadata === undefined ? 0 : metricTypeNumber(metadata.type),
        help: metadata?.help === undefined || metadata.help === "" ? undefined : this.#entry(metadata.help),
        unit: metadata?.unit === undefined || metadata.unit === "" ? undefined : this.#entry(metadata.unit),
      };
      this.#series.set(series, symbols);
    }
    return symbols;
  }

  #entry(text: string): SymbolEntry {
    let entry = this.#entries.get(text);
    if (entry === undefined) {
      entry = newEntry(text);
      this.#entries.set(text, entry);
    }
    return entry;
  }

  /** After the series' symbols, so that a string both use is in the table once. */
  #writeExemplarSymbols({ batch, from, to }: BatchSlice, buffer: ByteBuffer): void {
    this.#transient.clear();
    for (let index = from; index < to && batch.exemplars.size > 0; index++) {
      for (const { labels } of batch.exemplars.get(index) ?? []) {
        for (const { name, value } of labels) {
          for (const text of [name, value]) {
            const entry = this.#exemplarEntry(text);
            if (entry !== undefined) this.#writeSymbol(entry, buffer);
          }
        }
      }
    }
  }

  /** Trace ids do not repeat: they are forgotten after the request. The empty string is there already, as the first one. */
  #exemplarEntry(text: string): SymbolEntry | undefined {
    if (text === "") return undefined;
    let entry = this.#entries.get(text) ?? this.#transient.get(text);
    if (entry === undefined) {
      entry = newEntry(text);
      this.#transient.set(text, entry);
    }
    return entry;
  }

  #writeSymbols({ labels, help, unit }: SeriesSymbols, buffer: ByteBuffer): void {
    for (const entry of labels) this.#writeSymbol(entry, buffer);
    if (help !== undefined) this.#writeSymbol(help, buffer);
    if (unit !== undefined) this.#writeSymbol(unit, buffer);
  }

  #writeSymbol(entry: SymbolEntry, buffer: ByteBuffer): void {
    if (entry.request === this.#request) return;
    entry.request = this.#request;
    entry.ref = this.#symbols++;
    buffer.ensure(entry.field.length);
    buffer.append(entry.field);
  }

  #writeSeries(slice: BatchSlice, symbols: SeriesSymbols, from: number, to: number, buffer: ByteBuffer): void {
    const { histograms, exemplars } = slice.batch;
    const { labels, type, help, unit } = symbols;
    let refsSize = 0;
    for (const { ref } of labels) refsSize += varintSize(ref);
    const metadataSize = (type === 0 ? 0 : 2) + refSize(help) + refSize(unit);
    let size = 1 + varintSize(refsSize) + refsSize + (metadataSize === 0 ? 0 : 2 + metadataSize);
    for (let index = from; index < to; index++) {
      if (histograms.has(index)) {
        const body = histogramSize(slice, index, true);
        size += 1 + varintSize(body) + body;
      } else {
        size += sampleFieldSize(slice, index, true);
      }
      for (const exemplar of exemplars.get(index) ?? []) size += 1 + lengthPrefixed(this.#exemplarSize(exemplar));
    }
    buffer.ensure(6 + size);
    buffer.bytes[buffer.length++] = 0x2a;
    buffer.varint(size);
    buffer.bytes[buffer.length++] = 0x0a;
    buffer.varint(refsSize);
    for (const { ref } of labels) buffer.varint(ref);
    for (let index = from; index < to; index++) {
      if (!histograms.has(index)) writeSampleField(slice, index, buffer, true);
    }
    for (let index = from; index < to && histograms.size > 0; index++) {
      if (!histograms.has(index)) continue;
      buffer.bytes[buffer.length++] = 0x1a;
      buffer.varint(histogramSize(slice, index, true));
      encodeHistogram(slice, index, buffer, true);
    }
    for (let index = from; index < to && exemplars.size > 0; index++) {
      for (const exemplar of exemplars.get(index) ?? []) this.#writeExemplar(exemplar, buffer);
    }
    if (metadataSize === 0) return;
    buffer.bytes[buffer.length++] = 0x2a;
    buffer.bytes[buffer.length++] = metadataSize;
    if (type !== 0) {
      buffer.bytes[buffer.length++] = 0x08;
      buffer.bytes[buffer.length++] = type;
    }
    writeRef(0x18, help, buffer);
    writeRef(0x20, unit, buffer);
  }

  #exemplarRefs({ labels }: Exemplar): number[] {
    return labels.flatMap(({ name, value }) => [name, value]).map((text) => this.#exemplarEntry(text)?.ref ?? 0);
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

function newEntry(text: string): SymbolEntry {
  const bytes = textEncoder.encode(text);
  const buffer = new ByteBuffer(6 + bytes.length);
  buffer.bytes[buffer.length++] = 0x22;
  buffer.varint(bytes.length);
  buffer.append(bytes);
  return { field: buffer.written(), request: 0, ref: 0 };
}

function lengthPrefixed(size: number): number {
  return varintSize(size) + size;
}

function refSize(entry: SymbolEntry | undefined): number {
  return entry === undefined ? 0 : 1 + varintSize(entry.ref);
}

function writeRef(tag: number, entry: SymbolEntry | undefined, buffer: ByteBuffer): void {
  if (entry === undefined) return;
  buffer.bytes[buffer.length++] = tag;
  buffer.varint(entry.ref);
}
