/**
 * A time series with everything about it that does not change, computed once.
 *
 * @module
 */
import { metricName } from "../model/labels.ts";
import type { Label, Metadata } from "../model/time_series.ts";
import { type ByteBuffer, pack } from "./byte_buffer.ts";

/** What the 2.0 encoder remembers of a series: the numbers of its strings. */
export interface SeriesSymbols {
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

/** Labels that several time series share, with their bytes: the statistics of a trend differ only in their names. */
export class CommonLabels {
  /** Sorted by name, unique, valid, without empty values. */
  readonly labels: readonly Label[];
  /** The labels as fields of a 1.0 TimeSeries. */
  readonly labelsV1: Uint8Array<ArrayBuffer>;

  /**
   * @param labels sorted by name, unique, valid, without empty values
   * @param escaped the same with the names of 1.0, in their order there
   */
  constructor(labels: readonly Label[], escaped: readonly Label[] = labels) {
    this.labels = labels;
    this.labelsV1 = pack((buffer) => writeLabels(escaped, buffer));
  }
}

/** One time series. It stays the same object for as long as the series lives. */
export class EncodedSeries {
  /** The labels that come first as fields of a 1.0 TimeSeries. */
  readonly labelsV1: Uint8Array<ArrayBuffer>;
  /** The other labels, if other series share them. */
  readonly common: CommonLabels | undefined;
  /** A hash of the labels, the same in every process. It has 30 bits, which engines divide as integers and not as floats. */
  readonly hash: number;
  /** What the series means, if that is known. */
  readonly metadata: Metadata | undefined;
  /** Whether the series counts since a start. */
  readonly cumulative: boolean;
  /** Whether it was sent as native histograms. Its staleness marker must then be one, too. */
  hasHistograms = false;
  /** What the 2.0 encoder remembers. It is a field because a lookup in a WeakMap takes longer than encoding the series. */
  symbols: SeriesSymbols | undefined = undefined;

  readonly #labels: readonly Label[];

  /**
   * @param labels sorted by name, unique, valid, without empty values; with their bytes if other series share them, too
   * @param common the labels after them
   */
  constructor(labels: readonly Label[] | CommonLabels, metadata?: Metadata, common?: CommonLabels) {
    const own = labels instanceof CommonLabels ? labels : new CommonLabels(labels);
    this.labelsV1 = own.labelsV1;
    this.common = common;
    this.hash = finish(fnv1a(common?.labelsV1 ?? none, fnv1a(own.labelsV1)));
    this.metadata = metadata;
    this.cumulative = metadata?.type === "counter" || metadata?.type === "histogram";
    this.#labels = own.labels;
  }

  /** Sorted by name, unique, valid, without empty values. */
  get labels(): readonly Label[] {
    return this.common === undefined ? this.#labels : [...this.#labels, ...this.common.labels];
  }

  /** The value of the label `__name__`. */
  get name(): string {
    return metricName(this.#labels) ?? "";
  }
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

const none = new Uint8Array(0);

/** Continues a hash of FNV-1a. */
function fnv1a(bytes: Uint8Array, hash = 0x811c9dc5): number {
  // By index, because an iterator takes several times as long.
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash;
}

/** Returns the upper 30 bits of a hash. */
function finish(hash: number): number {
  return hash >>> 2;
}
