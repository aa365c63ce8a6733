/**
 * A flush: reads the sinks of the series to which something came, and makes batches of what they say.
 *
 * @module
 */
import type { HistogramValue } from "../aggregate/sink.ts";
import type { Series } from "../aggregate/series_store.ts";
import { Batch } from "./batch.ts";
import type { WireSeries } from "./wire_series.ts";

/** Turns series into batches, one a shard. */
export class Collector {
  readonly #shards: number;
  #batches: (Batch | undefined)[] = [];
  /** How large the batches of the last flush became: the next are likely to be as large. */
  #capacities: (number | undefined)[] = [];
  #series: Series<WireSeries> | undefined;
  #stamp = 0;
  #emitted = false;

  /** @param shards how many batches a flush makes at most */
  constructor(shards: number) {
    this.#shards = shards;
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

  /** Staleness markers for all time series that were sent. */
  collectStale(series: Iterable<Series<WireSeries>>): readonly (Batch | undefined)[] {
    for (const current of series) {
      if (current.lastStamp === -Infinity) continue;
      current.lastStamp += 1;
      for (const output of current.outputs) this.#batchOf(output).pushStale(output, current.lastStamp);
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
    if (time !== undefined) {
      this.#stamp = Math.max(time, series.lastStamp + 1);
      series.lastStamp = this.#stamp;
    }
    this.#emitted = true;
    const batch = this.#batchOf(target);
    if (typeof value === "number") batch.push(target, value, this.#stamp);
    else batch.pushHistogram(target, value, this.#stamp);
  };

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
