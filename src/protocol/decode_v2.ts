/**
 * Decodes the message of remote write 2.0.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * @module
 */
import type { Exemplar, FloatSample, Histogram, Label, Metadata, TimeSeries } from "../model/time_series.ts";
import {
  append,
  type DecodedRequest,
  type DecodeOptions,
  defaultMaxMemoryBytes,
  memoryBytes,
  toMetadata,
  type ValueContext,
} from "./decode.ts";
import { readHistogram } from "./decode_histogram.ts";
import { readSample } from "./decode_sample.ts";
import { addToHash } from "./hash_bytes.ts";
import type { KnownLabels } from "./known_labels.ts";
import { ProtoReader } from "./proto_reader.ts";

/** What the readers of series need from their request. */
interface SeriesContext extends ValueContext {
  readonly symbols: Symbols;
}

/**
 * Decodes an io.prometheus.write.v2.Request{symbols = 4, timeseries = 5}.
 *
 * @throws FormatError that names the field and its position
 * @throws TooLargeError if the objects take too much memory
 */
export function decodeV2(bytes: Uint8Array, options: DecodeOptions = {}): DecodedRequest {
  const { maxMemoryBytes = defaultMaxMemoryBytes, known } = options;
  const reader = new ProtoReader(bytes, {
    message: "io.prometheus.write.v2.Request",
    maxMemoryBytes,
    strings: known?.strings,
  });
  const symbols = new Symbols(reader, known);
  const context = { startTimestamps: true, oddNans: new Set<FloatSample | Histogram>(), symbols };
  const timeSeries: TimeSeries[] = [];
  let foreignField: number | undefined;
  while (reader.next()) {
    if (reader.field === 5) timeSeries.push(readTimeSeries(reader, context));
    else {
      // 1.0 uses these fields.
      if (reader.field <= 3) foreignField ??= reader.field;
      reader.skip();
    }
  }
  return { timeSeries, metadata: new Map(), symbols: symbols.strings, foreignField, oddNans: context.oddNans };
}

/** Resolves references to the symbols table. */
class Symbols {
  /** A string that is not UTF-8 is replaced. Only metadata may refer to it. */
  readonly strings: string[] = [];
  readonly #notUtf8 = new Set<number>();
  readonly #hashes: number[] = [];
  readonly #reader: ProtoReader;
  readonly #known: KnownLabels | undefined;
  /** The metadata of the series before. */
  #lastMetadata: MetadataFields & { readonly metadata: Metadata } | undefined;

  /** Reads all symbols before the series, because protobuf allows fields in any order. */
  constructor(reader: ProtoReader, known: KnownLabels | undefined) {
    while (reader.next()) {
      if (reader.field === 4) {
        reader.charge(memoryBytes.symbol);
        const string = reader.stringIfUtf8("Request.symbols");
        if (string === undefined) this.#notUtf8.add(this.strings.length);
        this.strings.push(string ?? `\uFFFD${this.strings.length}`);
        this.#hashes.push(string === "" ? 0 : reader.stringHash);
      } else {
        reader.skip();
      }
    }
    reader.rewind();
    this.#reader = reader;
    known?.begin();
    // The string that replaces one that is not UTF-8 may equal another one.
    this.#known = this.#notUtf8.size === 0 ? known : undefined;
  }

  /** Returns the string of a reference. @param name the field that holds the reference */
  string(name: string, ref: number): string {
    const string = this.strings[ref];
    if (string === undefined) this.#reader.fail(name, `symbol ${ref}, expected one of ${this.strings.length} symbols`);
    if (this.#notUtf8.has(ref)) this.#reader.fail(name, `symbol ${ref}, which is not UTF-8, expected UTF-8`);
    // Each reference is charged, because a program that writes the labels out needs the memory of all of them.
    this.#reader.charge(string.length);
    return string;
  }

  /** Returns the labels of a series, which earlier requests may have had. */
  seriesLabels(name: string, refs: readonly number[]): readonly Label[] {
    const known = this.#known;
    if (known === undefined) return this.labels(name, refs);
    let series = known.expected;
    if (series === undefined || !this.#refersTo(series.labels, refs)) {
      const hash = this.#hashOf(refs);
      series = known.find(hash);
      if (series === undefined || !this.#refersTo(series.labels, refs)) {
        const before = this.#reader.charged;
        const labels = this.labels(name, refs);
        known.add(labels, { hash, memoryBytes: this.#reader.charged - before });
        return labels;
      }
    }
    this.#reader.charge(series.memoryBytes);
    known.see(series);
    return series.labels;
  }

  #refersTo(labels: readonly Label[], refs: readonly number[]): boolean {
    if (refs.length !== 2 * labels.length) return false;
    const { strings } = this;
    for (let at = 0; at < labels.length; at++) {
      const label = labels[at];
      if (label?.name !== strings[refs[2 * at] ?? 0] || label?.value !== strings[refs[2 * at + 1] ?? 0]) return false;
    }
    return true;
  }

  #hashOf(refs: readonly number[]): number {
    let hash = refs.length;
    for (const ref of refs) hash = addToHash(hash, this.#hashes[ref] ?? 0);
    return hash;
  }

  /** Returns the labels of pairs of references. */
  labels(name: string, refs: readonly number[]): Label[] {
    if (refs.length % 2 !== 0) this.#reader.fail(name, `${refs.length} references, expected pairs`);
    const labels: Label[] = [];
    for (let index = 0; index < refs.length; index += 2) {
      this.#reader.charge(memoryBytes.label);
      labels.push({ name: this.string(name, refs[index] ?? 0), value: this.string(name, refs[index + 1] ?? 0) });
    }
    return labels;
  }

  /**
   * Returns metadata. The reference 0 is the empty string, even if the request has no symbols. A string that is not UTF-8 is dropped,
   * so that the samples are not lost.
   */
  metadata(fields: MetadataFields): Metadata {
    const { type, helpRef, unitRef } = fields;
    const last = this.#lastMetadata;
    // The series of a metric come one after the other.
    if (last?.type === type && last.helpRef === helpRef && last.unitRef === unitRef) {
      const { help = "", unit = "" } = last.metadata;
      this.#reader.charge(help.length + unit.length);
      return last.metadata;
    }
    const string = (name: string, ref: number): string =>
      ref === 0 || this.#notUtf8.has(ref) ? "" : this.string(name, ref);
    const help = string("Metadata.help_ref", helpRef);
    const metadata = toMetadata(type, { help, unit: string("Metadata.unit_ref", unitRef) });
    this.#lastMetadata = { ...fields, metadata };
    return metadata;
  }
}

/** Reads a TimeSeries{labels_refs = 1, samples = 2, histograms = 3, exemplars = 4, metadata = 5}. */
function readTimeSeries(reader: ProtoReader, context: SeriesContext): TimeSeries {
  reader.charge(memoryBytes.series);
  const refs: number[] = [];
  let samples: FloatSample[] | undefined;
  let histograms: Histogram[] | undefined;
  let exemplars: Exemplar[] | undefined;
  let metadata: MetadataFields | undefined;
  const outer = reader.enter("Request.timeseries");
  while (reader.next()) {
    if (reader.field === 1) reader.uint32s("TimeSeries.labels_refs", refs);
    else if (reader.field === 2) samples = append(samples, readSample(reader, context));
    else if (reader.field === 3) histograms = append(histograms, readHistogram(reader, context));
    else if (reader.field === 4) exemplars = append(exemplars, readExemplar(reader, context));
    else if (reader.field === 5) metadata = readMetadata(reader, metadata);
    else reader.skip();
  }
  reader.leave(outer);
  return {
    labels: context.symbols.seriesLabels("TimeSeries.labels_refs", refs),
    samples,
    histograms,
    exemplars,
    metadata: metadata && context.symbols.metadata(metadata),
  };
}

/** Reads an Exemplar{labels_refs = 1, value = 2, timestamp = 3}. */
function readExemplar(reader: ProtoReader, context: SeriesContext): Exemplar {
  reader.charge(memoryBytes.exemplar);
  const refs: number[] = [];
  let value = 0;
  let timestamp = 0;
  const outer = reader.enter("TimeSeries.exemplars");
  while (reader.next()) {
    if (reader.field === 1) reader.uint32s("Exemplar.labels_refs", refs);
    else if (reader.field === 2) value = reader.double("Exemplar.value");
    else if (reader.field === 3) timestamp = reader.int64("Exemplar.timestamp");
    else reader.skip();
  }
  reader.leave(outer);
  return { labels: context.symbols.labels("Exemplar.labels_refs", refs), value, timestamp };
}

interface MetadataFields {
  readonly type: number;
  readonly helpRef: number;
  readonly unitRef: number;
}

/** Reads a Metadata{type = 1, help_ref = 3, unit_ref = 4}. Merges it with an earlier one, as protobuf requires. */
function readMetadata(reader: ProtoReader, earlier: MetadataFields | undefined): MetadataFields {
  reader.charge(memoryBytes.metadata);
  let { type, helpRef, unitRef } = earlier ?? { type: 0, helpRef: 0, unitRef: 0 };
  const outer = reader.enter("TimeSeries.metadata");
  while (reader.next()) {
    if (reader.field === 1) type = reader.int32("Metadata.type");
    else if (reader.field === 3) helpRef = reader.uint32("Metadata.help_ref");
    else if (reader.field === 4) unitRef = reader.uint32("Metadata.unit_ref");
    else reader.skip();
  }
  reader.leave(outer);
  return { type, helpRef, unitRef };
}
