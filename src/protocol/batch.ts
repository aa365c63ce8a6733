/**
 * Samples on their way, not yet encoded: columns instead of objects, so that a batch is small, can be cut into pieces and can
 * be encoded again, in the other protocol version if need be.
 *
 * @module
 */
import type { Exemplar, HistogramValue } from "../model/time_series.ts";
import type { EncodedSeries } from "./encoded_series.ts";

/** Samples of one flush and one shard; at most one of a series, or several that follow each other, rising in time. */
export class Batch {
  /** Whose sample it is. */
  readonly series: EncodedSeries[] = [];
  /** Milliseconds since the Unix epoch. */
  times: Float64Array;
  /** Floats; meaningless where there is a histogram or a staleness marker. */
  values: Float64Array;
  /** Native histograms by index. */
  readonly histograms: Map<number, HistogramValue> = new Map();
  /** Exemplars by index. */
  readonly exemplars: Map<number, readonly Exemplar[]> = new Map();
  /** Indices of staleness markers. */
  readonly stale: Set<number> = new Set();
  /** Start timestamps by index, milliseconds since the Unix epoch; 0 is unknown. */
  starts: Float64Array | undefined;
  /** Size in memory beside the series' own, estimated: what the queue's bound counts. */
  bytes = 0;

  constructor(capacity = 64) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  /** How many samples there are. */
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

  /** Gives a sample its exemplars. */
  setExemplars(index: number, exemplars: readonly Exemplar[]): void {
    this.exemplars.set(index, exemplars);
    this.bytes += 200 * exemplars.length;
  }

  /** Says when a sample's counter began to count. */
  setStart(index: number, start: number): void {
    this.starts ??= new Float64Array(this.values.length);
    this.starts[index] = start;
    this.bytes += 8;
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

/** A part of a batch: the samples from `from` to before `to`. */
export interface BatchSlice {
  /** Not changed any more. */
  readonly batch: Batch;
  /** First index. */
  readonly from: number;
  /** Index after the last. */
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
