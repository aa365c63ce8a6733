/**
 * A flush: reads the sinks of the series to which something came, and makes batches of what they say.
 *
 * @module
 */
import type { HistogramValue } from "../aggregate/sink.ts";
import type { Series } from "../aggregate/series_store.ts";
import { Batch } from "./batch.ts";
import type { WireSeries } from "./wire_series.ts";

/** What a flush may be told. */
export interface CollectorOptions {
  /** Whether counters and histograms begin with a 0. @default false */
  readonly zeroSample?: boolean;
}

/** A histogram of nothing; where it is a staleness marker, only the bits of its sum count. */
const emptyHistogram: HistogramValue = {
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

/** Turns series into batches, one a shard. */
export class Collector {
  readonly #shards: number;
  readonly #zeroSample: boolean;
  #batches: (Batch | undefined)[] = [];
  /** How large the batches of the last flush became: the next are likely to be as large. */
  #capacities: (number | undefined)[] = [];
  #zeros: (Batch | undefined)[] = [];
  #series: Series<WireSeries> | undefined;
  #stamp = 0;
  #emitted = false;

  /** @param shards how many batches a flush makes at most */
  constructor(shards: number, { zeroSample = false }: CollectorOptions = {}) {
    this.#shards = shards;
    this.#zeroSample = zeroSample;
  }

  /**
   * The current values of series.
   *
   * @param at stamps idle series in milliseconds (a heartbeat); by default each has its latest sample's time
   * @returns batches by shard
   */
  collect(series: Iterable<Series<WireSeries>>, at?: number): readonly (Batch | undefined)[] {
    for (const current of series) {
      this.#series = current;
      // A stamp that was sent is never used again: what came in that same millisecond goes into the next free one.
      this.#stamp = Math.max(at ?? current.latestTime, current.lastStamp + 1);
      this.#emitted = false;
      current.sink.collect(this.#emit);
      if (this.#emitted) current.lastStamp = this.#stamp;
    }
    return this.#take();
  }

  /**
   * The zeros that belong before the batches of the last `collect`, as batches of their own: a request has one sample of a
   * series at most.
   */
  takeZeros(): readonly (Batch | undefined)[] {
    const taken = this.#zeros;
    this.#zeros = [];
    return taken;
  }

  /** Staleness markers for all time series that were sent. */
  collectStale(series: Iterable<Series<WireSeries>>): readonly (Batch | undefined)[] {
    for (const current of series) {
      if (current.lastStamp === -Infinity) continue;
      current.lastStamp += 1;
      for (const output of current.outputs) {
        const histogram = output.hasHistograms ? emptyHistogram : undefined;
        this.#batchOf(output).pushStale(output, current.lastStamp, histogram);
      }
    }
    return this.#take();
  }

  readonly #emit = (output: number, value: number | HistogramValue, time?: number): void => {
    const series = this.#series;
    const target = series?.outputs[output];
    if (series === undefined || target === undefined) {
      throw new RangeError(
        `Cannot collect: a sink emitted output ${output}, expected an index of its mapping's outputs`,
      );
    }
    if (this.#zeroSample && series.lastStamp === -Infinity) this.#pushZero(target, value, series.firstTime - 1);
    if (time !== undefined) {
      this.#stamp = Math.max(time, series.lastStamp + 1);
      series.lastStamp = this.#stamp;
    }
    this.#emitted = true;
    const batch = this.#batchOf(target);
    const index = typeof value === "number"
      ? batch.push(target, value, this.#stamp)
      : batch.pushHistogram(target, value, this.#stamp);
    if (typeof value === "object") target.hasHistograms = true;
    // Counting began before the first sample, and a start must be earlier than what it belongs to: 1 ms is what is known.
    const start = series.firstTime - 1;
    if (target.cumulative && start > 0 && start < this.#stamp) batch.setStart(index, start);
    const exemplar = series.exemplars?.take(output);
    if (exemplar !== undefined) batch.setExemplars(index, [exemplar]);
  };

  #pushZero(series: WireSeries, value: number | HistogramValue, time: number): void {
    if (!series.cumulative) return;
    const batch = this.#zeros[series.hash % this.#shards] ??= new Batch();
    if (typeof value === "number") {
      batch.push(series, 0, time);
    } else {
      const { schema, zeroThreshold } = value;
      batch.pushHistogram(series, { ...emptyHistogram, schema, zeroThreshold }, time);
    }
  }

  #batchOf(series: WireSeries): Batch {
    // With one shard, as it is by default, the series is not even looked at: it may be far away in memory.
    const shard = this.#shards === 1 ? 0 : series.hash % this.#shards;
    return this.#batches[shard] ??= new Batch(this.#capacities[shard]);
  }

  #take(): readonly (Batch | undefined)[] {
    const taken = this.#batches;
    this.#batches = [];
    this.#capacities = taken.map((batch) => batch?.length);
    return taken;
  }
}
