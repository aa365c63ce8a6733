/**
 * Samples that are not encoded yet. A batch holds columns instead of objects. It is therefore small, it can be split, and it can
 * be encoded again, in the other protocol version if necessary.
 *
 * @module
 */
import type { Exemplar, HistogramValue } from "../model/time_series.ts";
import type { EncodedSeries, SeriesOutput } from "./encoded_series.ts";

/** The samples of one flush and one shard. All samples of a series are consecutive, and their times rise. */
export class Batch {
  /** The series of each sample. If it has several time series, `outputs` says which of them is meant. */
  readonly series: EncodedSeries[] = [];
  /** The output of each sample's series. Undefined: it is the first one of each. */
  outputs: Uint16Array | undefined;
  /** The time of each sample, in milliseconds since the Unix epoch. */
  times: Float64Array;
  /** The float of each sample. It has no meaning for histograms and staleness markers. */
  values: Float64Array;
  /** The native histograms by index. */
  readonly histograms: Map<number, HistogramValue> = new Map();
  /** The exemplars by the index of their sample. */
  readonly exemplars: Map<number, readonly Exemplar[]> = new Map();
  /** The indices of staleness markers. */
  readonly stale: Set<number> = new Set();
  /** The start timestamps by index, in milliseconds since the Unix epoch. 0 means unknown. */
  starts: Float64Array | undefined;
  /** The estimated memory without the series, in bytes. The limit of the queue counts it. */
  bytes = 0;

  constructor(capacity = 64) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  /** The number of samples in the batch. */
  get length(): number {
    return this.series.length;
  }

  /** Returns the number that identifies the time series of a sample in this process. */
  keyAt(index: number): number {
    return (this.series[index]?.id ?? -1) + (this.outputs?.[index] ?? 0);
  }

  /** Returns the time series of a sample alone; undefined if there is no such sample. */
  seriesAt(index: number): EncodedSeries | undefined {
    return this.series[index]?.only(this.outputs?.[index] ?? 0);
  }

  /** Returns the numbers that identify the time series of all samples. */
  keys(): number[] {
    return this.series.map((_, index) => this.keyAt(index));
  }

  /** Adds a float. `output` is the index of the time series, if there are several. Returns the sample's index. */
  push(series: EncodedSeries, value: number, time: number, output = 0): number {
    const index = this.series.length;
    if (index === this.values.length) this.#grow();
    this.series.push(series);
    if (output !== 0) this.outputs ??= new Uint16Array(this.values.length);
    if (this.outputs !== undefined) this.outputs[index] = output;
    this.values[index] = value;
    this.times[index] = time;
    // A reference, two floats and an output.
    this.bytes += 26;
    return index;
  }

  /** Adds a native histogram. Returns its index. */
  pushHistogram(series: EncodedSeries, histogram: HistogramValue, time: number, output = 0): number {
    const index = this.push(series, 0, time, output);
    this.histograms.set(index, histogram);
    const { positiveSpans, positiveCounts, negativeSpans, negativeCounts } = histogram;
    this.bytes += 200 + 8 * (positiveCounts.length + negativeCounts.length) +
      40 * (positiveSpans.length + negativeSpans.length);
    return index;
  }

  /** Adds a staleness marker, as a float or as a histogram. Returns its index. */
  pushStale(
    series: EncodedSeries,
    time: number,
    { output = 0, histogram }: { readonly output?: number; readonly histogram?: HistogramValue | undefined } = {},
  ): number {
    const index = histogram === undefined
      ? this.push(series, 0, time, output)
      : this.pushHistogram(series, histogram, time, output);
    this.stale.add(index);
    return index;
  }

  /** Sets the exemplars of a sample. */
  setExemplars(index: number, exemplars: readonly Exemplar[]): void {
    this.exemplars.set(index, exemplars);
    this.bytes += 200 * exemplars.length;
  }

  /** Sets the start timestamp of a sample. */
  setStart(index: number, start: number): void {
    this.starts ??= new Float64Array(this.values.length);
    this.starts[index] = start;
    this.bytes += 8;
  }

  /** Adds a sample of another batch with everything that belongs to it. `other`, with one time series, replaces its series. */
  copy(from: Batch, index: number, other?: EncodedSeries): void {
    const series = other ?? from.series[index];
    if (series === undefined) return;
    const time = from.times[index] ?? 0;
    const output = other === undefined ? from.outputs?.[index] ?? 0 : 0;
    const histogram = from.histograms.get(index);
    const added = from.stale.has(index)
      ? this.pushStale(series, time, { output, histogram })
      : histogram === undefined
      ? this.push(series, from.values[index] ?? 0, time, output)
      : this.pushHistogram(series, histogram, time, output);
    const start = from.starts?.[index] ?? 0;
    if (start !== 0) this.setStart(added, start);
    const exemplars = from.exemplars.get(index);
    if (exemplars !== undefined) this.setExemplars(added, exemplars);
  }

  #grow(): void {
    this.times = grown(this.times);
    this.values = grown(this.values);
    if (this.starts !== undefined) this.starts = grown(this.starts);
    if (this.outputs === undefined) return;
    const outputs = new Uint16Array(this.outputs.length * 2);
    outputs.set(this.outputs);
    this.outputs = outputs;
  }
}

function grown(column: Float64Array): Float64Array {
  const copy = new Float64Array(column.length * 2);
  copy.set(column);
  return copy;
}

/** A part of a batch. */
export interface BatchSlice {
  /** The batch, which does not change any more. */
  readonly batch: Batch;
  /** The index of the first sample. */
  readonly from: number;
  /** The index after the last one. */
  readonly to: number;
}

/** Receives a series, the output that distinguishes a time series of it, and the range of its consecutive samples. */
export type VisitSeries = (series: EncodedSeries, output: SeriesOutput, from: number, to: number) => void;

/** Calls `visit` with each time series of a slice. */
export function forEachSeries({ batch: { series, outputs }, from, to }: BatchSlice, visit: VisitSeries): void {
  for (let at = from; at < to;) {
    const current = series[at];
    const output = outputs === undefined ? 0 : outputs[at] ?? 0;
    const own = current?.outputs[output];
    if (current === undefined || own === undefined) break;
    const first = at;
    while (++at < to && series[at] === current && (outputs === undefined || outputs[at] === output));
    visit(current, own, first, at);
  }
}

const noObservations = {
  count: 0,
  sum: 0,
  zeroCount: 0,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
};

/** Returns a histogram with the same buckets and without observations. */
export function emptied(histogram: HistogramValue): HistogramValue {
  return { ...histogram, ...noObservations };
}

/** A histogram without observations. A staleness marker is one, with special bits in its sum. */
export const emptyHistogram: HistogramValue = { ...noObservations, schema: 0, zeroThreshold: 0 };
