/**
 * A flush: reads the sinks of the series to which something came, and makes batches of what they say.
 *
 * @module
 */
import type { HistogramValue } from "../../model/time_series.ts";
import type { Series } from "./series_store.ts";
import { Batch, emptyHistogram } from "../../protocol/batch.ts";
import type { EncodedSeries } from "../../protocol/encoded_series.ts";

/** What a flush may be told. */
export interface CollectorOptions {
  /** Whether counters and histograms begin with a 0. @default false */
  readonly zeroSample?: boolean;
  /** Told once that samples get far later times than they have. */
  onWarning?(message: string): void;
  /** Told of samples that are lost because a series' sink failed. By default, that is thrown. */
  onFailed?(lost: number, error: unknown): void;
}

/** A sample moves by milliseconds to a free one, or by the lateness of k6's JSON; by more than this, something is wrong. */
const maxMoveMs = 5_000;

/** Turns series into batches, one a shard. */
export class Collector {
  readonly #shards: number;
  readonly #options: CollectorOptions;
  #batches: (Batch | undefined)[] = [];
  /** How large the batches of the last flush became: the next are likely to be as large. */
  #capacities: (number | undefined)[] = [];
  #zeros: (Batch | undefined)[] = [];
  #series: Series<EncodedSeries> | undefined;
  #stamp = 0;
  /** How many samples the series' sink emitted, and whether any without a time. */
  #emitted = 0;
  #stamped = false;
  #moved = false;

  /** @param shards how many batches a flush makes at most */
  constructor(shards: number, options: CollectorOptions = {}) {
    this.#shards = shards;
    this.#options = options;
  }

  /**
   * The current values of series to which something came, each with its latest sample's time.
   *
   * @param nowMs the time by the clock, if there are to be heartbeats
   * @returns batches by shard
   */
  collect(series: Iterable<Series<EncodedSeries>>, nowMs?: number): readonly (Batch | undefined)[] {
    for (const current of series) {
      // A stamp that was sent is never used again: what came in that same millisecond goes into the next free one.
      const stamp = Math.max(current.latestTime, current.newestStamp + 1);
      if (stamp > current.latestTime + maxMoveMs) this.#warnMoved(current, stamp - current.latestTime);
      this.#read(current, stamp, nowMs);
    }
    return this.#take();
  }

  /**
   * The values of idle series once more, a heartbeat. The samples' clock need not be this one: it only goes as fast.
   *
   * @param nowMs the time by the clock
   * @returns batches by shard
   */
  collectAgain(series: Iterable<Series<EncodedSeries>>, nowMs: number): readonly (Batch | undefined)[] {
    for (const current of series) {
      const elapsed = Math.floor(nowMs - (current.sentAtMs ?? nowMs));
      this.#read(current, current.newestStamp + Math.max(1, elapsed), nowMs);
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
  collectStale(series: Iterable<Series<EncodedSeries>>): readonly (Batch | undefined)[] {
    for (const current of series) {
      const newest = current.newestStamp;
      if (newest === -Infinity) continue;
      current.lastStamp = newest + 1;
      for (const output of current.outputs) {
        const histogram = output.hasHistograms ? emptyHistogram : undefined;
        this.#batchOf(output).pushStale(output, current.lastStamp, histogram);
      }
    }
    return this.#take();
  }

  #read(series: Series<EncodedSeries>, stamp: number, nowMs?: number): void {
    this.#series = series;
    this.#stamp = stamp;
    this.#emitted = 0;
    this.#stamped = false;
    try {
      series.sink.collect(this.#emit);
    } catch (error) {
      // One series' sink must not take the other series with it.
      if (this.#options.onFailed === undefined) throw error;
      this.#options.onFailed(Math.max(1, series.outputs.length - this.#emitted), error);
    }
    if (this.#stamped) series.lastStamp = stamp;
    if (this.#emitted > 0 && nowMs !== undefined) series.sentAtMs = nowMs;
  }

  readonly #emit = (output: number, value: number | HistogramValue, time?: number): void => {
    const series = this.#series;
    const target = output === 0 ? series?.firstOutput : series?.outputs[output];
    if (series === undefined || target === undefined) {
      throw new RangeError(
        `Cannot collect: a sink emitted output ${output}, expected an index of its mapping's outputs`,
      );
    }
    if (this.#options.zeroSample && isFirst(series, output)) this.#pushZero(target, value, series.firstTime - 1);
    let stamp = this.#stamp;
    if (time === undefined) this.#stamped = true;
    else stamp = this.#stampOf(series, output, time);
    this.#emitted++;
    const batch = this.#batchOf(target);
    const index = typeof value === "number"
      ? batch.push(target, value, stamp)
      : batch.pushHistogram(target, value, stamp);
    if (typeof value === "object") target.hasHistograms = true;
    // Counting began before the first sample, and a start must be earlier than what it belongs to: 1 ms is what is known.
    const start = series.firstTime - 1;
    if (target.cumulative && start > 0 && start < stamp) batch.setStart(index, start);
    const exemplar = series.exemplars?.take(output);
    if (exemplar !== undefined) batch.setExemplars(index, [exemplar]);
  };

  /** The first free stamp from a sink's own time on. */
  #stampOf(series: Series<EncodedSeries>, output: number, time: number): number {
    if (!Number.isSafeInteger(time)) {
      throw new RangeError(`Cannot collect: a sink emitted the time ${time}, expected whole milliseconds since 1970`);
    }
    const stamps = series.ownStamps ??= new Array<number>(series.outputs.length).fill(-Infinity);
    const stamp = Math.max(time, Math.max(stamps[output] ?? -Infinity, series.lastStamp) + 1);
    stamps[output] = stamp;
    if (stamp > time + maxMoveMs) this.#warnMoved(series, stamp - time);
    return stamp;
  }

  #warnMoved(series: Series<EncodedSeries>, ms: number): void {
    if (this.#moved) return;
    this.#moved = true;
    this.#options.onWarning?.(
      `A sample of ${series.outputs[0]?.name} is sent with a time ${
        Math.round(ms / 1000)
      } s after its own: times of a ` +
        "series must rise, and a later one was sent before. Further samples are moved without a word.",
    );
  }

  #pushZero(series: EncodedSeries, value: number | HistogramValue, time: number): void {
    if (!series.cumulative) return;
    const batch = this.#zeros[series.hash % this.#shards] ??= new Batch();
    if (typeof value === "number") {
      batch.push(series, 0, time);
    } else {
      const { schema, zeroThreshold } = value;
      batch.pushHistogram(series, { ...emptyHistogram, schema, zeroThreshold }, time);
    }
  }

  #batchOf(series: EncodedSeries): Batch {
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

/** Whether nothing was sent yet of a series' output. */
function isFirst({ lastStamp, ownStamps }: Series<EncodedSeries>, output: number): boolean {
  return lastStamp === -Infinity && (ownStamps === undefined || ownStamps[output] === -Infinity);
}
