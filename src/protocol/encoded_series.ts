/**
 * Time series with everything about them that does not change, computed once.
 *
 * @module
 */
import { metricName } from "../model/labels.ts";
import type { Label, Metadata } from "../model/time_series.ts";
import { type ByteBuffer, pack } from "./byte_buffer.ts";

/** What the 2.0 encoder remembers of an output: the numbers of its strings. */
export interface OutputSymbols {
  /** Identifies the table that gave the numbers. */
  readonly owner: object;
  /** The names and values of the labels in turn. */
  readonly numbers: readonly number[];
  /** The number of the metric type. */
  readonly type: number;
  /** 0 if there is none. */
  readonly help: number;
  /** 0 if there is none. */
  readonly unit: number;
}

/** What a time series has for itself: its name, the labels that other series do not share with it, and its meaning. */
export class SeriesOutput {
  /** Sorted by name, unique, valid, without empty values. */
  readonly labels: readonly Label[];
  /** The labels as fields of a 1.0 TimeSeries. */
  readonly labelsV1: Uint8Array<ArrayBuffer>;
  /** What the series means, if that is known. */
  readonly metadata: Metadata | undefined;
  /** Whether the series counts since a start. */
  readonly cumulative: boolean;
  /** A hash of the labels, which a hash of further labels continues. */
  readonly hash: number;
  /** What the 2.0 encoder remembers. It is a field because a lookup in a WeakMap takes longer than encoding the series. */
  symbols: OutputSymbols | undefined = undefined;

  /**
   * @param labels sorted by name, unique, valid, without empty values
   * @param escaped the same with the names of 1.0, in their order there
   */
  constructor(labels: readonly Label[], metadata?: Metadata, escaped: readonly Label[] = labels) {
    this.labels = labels;
    this.labelsV1 = packLabels(escaped);
    this.metadata = metadata;
    this.cumulative = metadata?.type === "counter" || metadata?.type === "histogram";
    this.hash = hashOf(this.labelsV1);
  }
}

/**
 * One or several time series that differ only in their outputs. A trend has seven time series by default, and runs may have many
 * trends with one value each. So everything else exists once: their other labels as bytes, and what encoders remember.
 *
 * It stays the same object for as long as the time series live.
 */
export class EncodedSeries {
  /** What distinguishes the time series. Series of the same metric share the list. */
  readonly outputs: readonly SeriesOutput[];
  /** The labels that come after those of each output, as fields of a 1.0 TimeSeries. */
  readonly sharedV1: Uint8Array<ArrayBuffer>;
  /** A hash of the shared labels. `hashOf` joins it with the hash of an output's own labels. */
  readonly sharedHash: number;
  /** Identifies the first time series in this process; the others have the next numbers. */
  readonly id: number;
  /** The outputs that were sent as native histograms. Their staleness markers must then be histograms, too. */
  histogramOutputs: readonly number[] = none;
  /** The table that gave `sharedSymbols`. */
  symbolsOwner: object | undefined = undefined;
  /** What the 2.0 encoder remembers: the numbers of the names and values of the shared labels in turn. */
  sharedSymbols: readonly number[] = none;

  /** @param shared the labels of all outputs as fields of a 1.0 TimeSeries; they come after the outputs' own labels */
  constructor(outputs: readonly SeriesOutput[], shared: Uint8Array<ArrayBuffer> = noBytes) {
    this.outputs = outputs;
    this.sharedV1 = shared;
    this.sharedHash = hashOf(shared);
    this.id = nextId;
    nextId += outputs.length;
  }

  /** The labels of the first time series: sorted by name, unique, valid, without empty values. */
  get labels(): readonly Label[] {
    const own = this.outputs[0]?.labels ?? [];
    return this.sharedV1.length === 0 ? own : [...own, ...readLabels(this.sharedV1)];
  }

  /** The value of the label `__name__` of the first time series. */
  get name(): string {
    return metricName(this.outputs[0]?.labels ?? []) ?? metricName(this.labels) ?? "";
  }

  /** A hash of the labels of the first time series. */
  get hash(): number {
    return this.hashOf(0);
  }

  /**
   * Returns a hash of the labels of a time series, the same in every process and however the labels are shared. It has 30 bits, which
   * engines divide as integers and not as floats.
   */
  hashOf(output: number): number {
    const own = this.outputs[output]?.hash ?? 0;
    const hash = (Math.imul(own, power(this.sharedV1.length)) + this.sharedHash) | 0;
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return (mixed ^ (mixed >>> 13)) >>> 2;
  }

  /** Returns one of the time series alone. */
  only(output: number): EncodedSeries {
    const own = this.outputs[output];
    return this.outputs.length === 1 || own === undefined ? this : new EncodedSeries([own], this.sharedV1);
  }
}

const none: readonly number[] = [];
const noBytes = new Uint8Array(0);
let nextId = 0;

/**
 * Returns one time series that shares nothing.
 *
 * @param labels sorted by name, unique, valid, without empty values
 * @param escaped the same with the names of 1.0, in their order there
 */
export function encodeSeries(
  labels: readonly Label[],
  metadata?: Metadata,
  escaped: readonly Label[] = labels,
): EncodedSeries {
  return new EncodedSeries([new SeriesOutput(labels, metadata, escaped)]);
}

/** Returns labels as fields of a 1.0 TimeSeries. They are sorted by name, unique, valid, without empty values. */
export function packLabels(labels: readonly Label[]): Uint8Array<ArrayBuffer> {
  return pack((buffer) => writeLabels(labels, buffer));
}

/** Reports whether two objects mean the same time series: they have the same labels in the same outputs. */
export function isSameSeries(one: EncodedSeries, other: EncodedSeries): boolean {
  const { outputs } = other;
  return areEqual(one.sharedV1, other.sharedV1) && (one.outputs === outputs || one.outputs.length === outputs.length &&
      one.outputs.every(({ labelsV1 }, at) => areEqual(labelsV1, outputs[at]?.labelsV1 ?? noBytes)));
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** Writes `repeated Label labels = 1`, with Label{name = 1, value = 2}. */
export function writeLabels(labels: readonly Label[], buffer: ByteBuffer): void {
  for (const { name, value } of labels) {
    const start = buffer.open(0x0a);
    buffer.stringField(0x0a, name);
    buffer.stringField(0x12, value);
    buffer.close(start);
  }
}

/** Keeps a byte order mark, which is a character of a label like any other. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads what `writeLabels` wrote. No name and no value is empty. */
export function readLabels(bytes: Uint8Array<ArrayBuffer>): Label[] {
  const labels: Label[] = [];
  let at = 0;
  const length = (): number => {
    // The tag comes first. A length has at most five bytes.
    let value = 0;
    at++;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const string = (): string => {
    const size = length();
    at += size;
    return decoder.decode(bytes.subarray(at - size, at));
  };
  while (at < bytes.length) {
    length();
    labels.push({ name: string(), value: string() });
  }
  return labels;
}

const prime = 0x01000193;

/** Returns a polynomial over bytes: the hash of two parts follows from the hashes of each part. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0;
  // By index, because an iterator takes several times as long.
  for (let at = 0; at < bytes.length; at++) hash = (Math.imul(hash, prime) + (bytes[at] ?? 0)) | 0;
  return hash;
}

/** Returns the prime to the power of a number of bytes. */
function power(exponent: number): number {
  let result = 1;
  let square = prime;
  for (; exponent > 0; exponent >>>= 1) {
    if ((exponent & 1) === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}
