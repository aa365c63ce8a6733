/**
 * A time series as the wire needs it: what is constant for it is computed once, when it is born.
 *
 * @module
 */
import type { Label, Metadata } from "../time_series.ts";
import { varintSize } from "./byte_buffer.ts";
import { pack } from "./pack.ts";

const encoder = new TextEncoder();

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
export class WireSeries {
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
    this.labelsV1 = pack(encodeLabels(labels));
    this.hash = fnv1a(this.labelsV1);
  }

  /** The value of the label `__name__`. */
  get name(): string {
    return this.labels.find((label) => label.name === "__name__")?.value ?? "";
  }
}

/** `repeated Label labels = 1`, with Label{name = 1, value = 2}. */
export function encodeLabels(labels: readonly Label[]): Uint8Array<ArrayBuffer> {
  const parts = labels.map(({ name, value }) => ({ name: encoder.encode(name), value: encoder.encode(value) }));
  const bodies = parts.map(({ name, value }) => stringFieldSize(name) + stringFieldSize(value));
  const bytes = new Uint8Array(bodies.reduce((sum, body) => sum + 1 + varintSize(body) + body, 0));
  let at = 0;
  const varint = (value: number): void => {
    for (; value > 0x7f; value >>>= 7) bytes[at++] = (value & 0x7f) | 0x80;
    bytes[at++] = value;
  };
  const field = (tag: number, text: Uint8Array): void => {
    if (text.length === 0) return;
    bytes[at++] = tag;
    varint(text.length);
    bytes.set(text, at);
    at += text.length;
  };
  parts.forEach(({ name, value }, index) => {
    bytes[at++] = 0x0a;
    varint(bodies[index] ?? 0);
    field(0x0a, name);
    field(0x12, value);
  });
  return bytes;
}

/** proto3 leaves empty strings out. */
function stringFieldSize(text: Uint8Array): number {
  return text.length === 0 ? 0 : 1 + varintSize(text.length) + text.length;
}

/** The upper 30 bits of FNV-1a: short, and the same everywhere. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 2;
}
