/**
 * Samples that are not encoded yet. A batch holds columns instead of objects. It is therefore small, it can be split, and it can
 * be encoded again, in the other protocol version if necessary.
 *
 * @module
 */
import type { Exemplar, HistogramValue } from "../model/time_series.ts";
import type { EncodedSeries } from "./encoded_series.ts";

/** The samples of one flush and one shard. All samples of a series are consecutive, and their times rise. */
export class Batch {
  /** The series of each sample. */
  readonly series: EncodedSeries[] = [];
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

  /** The number of samples. */
  get length(): number {
    return this.series.length;
  }

  /** Adds a float. Returns its index. */
  push(series: EncodedSeries, value: number, time: number): number {
    const index = this.series.length;
    if (index === this.values.length) this.#grow();
    this.series.push(series);
    this.values[index] = value;
    this.times[index] = time;
    // A reference and two floats.
    this.bytes += 24;
    return index;
  }

  /** Adds a native histogram. Returns its index. */
  pushHistogram(series: EncodedSeries, histogram: HistogramValue, time: number): number {
    const index = this.push(series, 0, time);
    this.histograms.set(index, histogram);
    const { positiveSpans, positiveCounts, negativeSpans, negativeCounts } = histogram;
    this.bytes += 200 + 8 * (positiveCounts.length + negativeCounts.length) +
      40 * (positiveSpans.length + negativeSpans.length);
    return index;
  }

  /** Adds a staleness marker, as a float or as a histogram. Returns its index. */
  pushStale(series: EncodedSeries, time: number, histogram?: HistogramValue): number {
    const index = histogram === undefined ? this.push(series, 0, time) : this.pushHistogram(series, histogram, time);
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

  /** Adds a sample of another batch, with everything that belongs to it, as a sample of its series or of another one. */
  copy(from: Batch, index: number, series: EncodedSeries | undefined = from.series[index]): void {
    if (series === undefined) return;
    const time = from.times[index] ?? 0;
    const histogram = from.histograms.get(index);
    const added = from.stale.has(index)
      ? this.pushStale(series, time, histogram)
      : histogram === undefined
      ? this.push(series, from.values[index] ?? 0, time)
      : this.pushHistogram(series, histogram, time);
    const start = from.starts?.[index] ?? 0;
    if (start !== 0) this.setStart(added, start);
    const exemplars = from.exemplars.get(index);
    if (exemplars !== undefined) this.setExemplars(added, exemplars);
  }

  #grow(): void {
    this.times = grown(this.times);
    this.values = grown(this.values);
    if (this.starts !== undefined) this.starts = grown(this.starts);
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

/** Calls `visit` with each series of a slice, and the range of its consecutive samples. */
export function forEachSeries(
  { batch: { series }, from, to }: BatchSlice,
  visit: (series: EncodedSeries, from: number, to: number) => void,
): void {
  for (let at = from; at < to;) {
    const current = series[at];
    if (current === undefined) break;
    const first = at;
    while (++at < to && series[at] === current);
    visit(current, first, at);
  }
}

/** A histogram without observations. A staleness marker is one, with special bits in its sum. */
export const emptyHistogram: HistogramValue = {
  count: 0,
  sum: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
};
