/**
 * A time series as the wire needs it: what is constant for it is computed once, when it is born.
 *
 * @module
 */
import type { Label, Metadata } from "../model/time_series.ts";
import { ByteBuffer, stringFieldSize, varintSize } from "./byte_buffer.ts";
import { pack } from "./pack.ts";

const scratch = new ByteBuffer();

/** What the 2.0 encoder has to know of a series: numbers of strings, looked up once a series, not once a request. */
export interface SeriesSymbols {
  /** Says whose numbers they are. */
  readonly owner: object;
  /** Names and values of the labels in turn. */
  readonly numbers: readonly number[];
  /** The kind of the series, as it is sent. */
  readonly type: number;
  readonly help: number | undefined;
  readonly unit: number | undefined;
}

/** One time series; the same object for as long as the series lives. */
export class EncodedSeries {
  /** Sorted by name, unique, valid, without empty values. */
  readonly labels: readonly Label[];
  /** The labels as fields of a 1.0 TimeSeries. */
  readonly labelsV1: Uint8Array<ArrayBuffer>;
  /** Of the labels, 30 bits, which engines divide as integers and not as floats: the same in every process. */
  readonly hash: number;
  /** What it means, if known. */
  readonly metadata: Metadata | undefined;
  /** Whether it counts since a start. */
  readonly cumulative: boolean;
  /** Whether native histograms were sent of it: its staleness marker must be one, too. */
  hasHistograms = false;
  /** What the 2.0 encoder remembers of it: a field, as a WeakMap costs more than encoding the series. */
  symbols: SeriesSymbols | undefined = undefined;

  /** @param labels sorted by name, unique, valid, without empty values */
  constructor(labels: readonly Label[], metadata?: Metadata) {
    this.labels = labels;
    this.metadata = metadata;
    this.cumulative = metadata?.type === "counter" || metadata?.type === "histogram";
    scratch.length = 0;
    writeLabels(labels, scratch);
    this.labelsV1 = pack(scratch.written());
    this.hash = fnv1a(this.labelsV1);
  }

  /** The value of the label `__name__`. */
  get name(): string {
    return this.labels.find((label) => label.name === "__name__")?.value ?? "";
  }
}

/** Writes `repeated Label labels = 1`, with Label{name = 1, value = 2}. */
export function writeLabels(labels: readonly Label[], buffer: ByteBuffer): void {
  for (const label of labels) {
    const size = labelSize(label);
    buffer.ensure(6 + size);
    buffer.bytes[buffer.length++] = 0x0a;
    buffer.varint(size);
    buffer.stringField(0x0a, label.name);
    buffer.stringField(0x12, label.value);
  }
}

/** How many bytes `writeLabels` takes. */
export function labelsSize(labels: readonly Label[]): number {
  let size = 0;
  for (const label of labels) {
    const body = labelSize(label);
    size += 1 + varintSize(body) + body;
  }
  return size;
}

function labelSize({ name, value }: Label): number {
  return stringFieldSize(name) + stringFieldSize(value);
}

/** The upper 30 bits of FNV-1a: short, and the same everywhere. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  // By index: an iterator takes a multiple of the time.
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash >>> 2;
}
