/**
 * Reads the sinks of series at a flush, and makes batches of their values.
 *
 * @module
 */
import type { HistogramValue } from "../../model/time_series.ts";
import type { Series } from "./series_store.ts";
import { Batch, emptied, emptyHistogram } from "../../protocol/batch.ts";
import type { EncodedSeries } from "../../protocol/encoded_series.ts";

/** How a collector begins series, and where it reports problems. */
export interface CollectorOptions {
  /** Whether counters and histograms begin with a 0. */
  readonly zeroSample: boolean;
  /** Receives a warning, once, if samples get timestamps that are much later than their own times. */
  onWarning(message: string): void;
  /** Receives the number of samples that are lost because a series' sink failed, and the sink's error. */
  onFailed(lost: number, error: unknown): void;
}

/** One batch per shard; undefined for a shard without samples. */
type ShardBatches = (Batch | undefined)[];

/**
 * Samples move by some milliseconds to free ones, and k6 writes its JSON up to some seconds late. A larger distance is a sign
 * of wrong times.
 */
const maxMoveMs = 5_000;

/** Most histograms have one output, and share this list. */
const firstOutput: readonly number[] = [0];

/** Turns series into batches, at most one per shard and flush. */
export class Collector {
  readonly #shards: number;
  readonly #options: CollectorOptions;
  #batches: ShardBatches = [];
  /** The lengths of the last flush's batches, because the next ones will probably be as long. */
  #capacities: (number | undefined)[] = [];
  #zeros: ShardBatches = [];
  // The series that is read, and the timestamp of its samples.
  #series: Series<EncodedSeries> | undefined;
  #stamp = 0;
  /** The number of samples that the series' sink emitted. */
  #emitted = 0;
  /** Whether any of them was without a time of its own. */
  #stamped = false;
  #warned = false;

  /** @param shards the largest number of batches per flush */
  constructor(shards: number, options: CollectorOptions) {
    this.#shards = shards;
    this.#options = options;
  }

  /**
   * Returns the current values of series with new samples, each with the time of the latest sample.
   *
   * @param nowMs the time by the clock, if there are heartbeats
   */
  collect(series: Iterable<Series<EncodedSeries>>, nowMs?: number): readonly (Batch | undefined)[] {
    for (const current of series) {
      // The common case is decided here: it runs for every series at every flush.
      const { latestTime, lastStamp, ownStamps } = current;
      const isFree = ownStamps === undefined && lastStamp < latestTime;
      const stamp = isFree ? latestTime : this.#freeStamp(current, latestTime, newestStampOf(current));
      this.#read(current, stamp, nowMs);
    }
    return this.#take();
  }

  /**
   * Returns the values of idle series again, as a heartbeat. Their timestamps advance as far as the clock did since they were
   * sent: the samples' times may be of another clock.
   *
   * @param nowMs the time by the clock
   */
  collectAgain(series: Iterable<Series<EncodedSeries>>, nowMs: number): readonly (Batch | undefined)[] {
    for (const current of series) {
      const elapsed = Math.floor(nowMs - (current.sentAtMs ?? nowMs));
      this.#read(current, newestStampOf(current) + Math.max(1, elapsed), nowMs);
    }
    return this.#take();
  }

  /**
   * Returns the zeros that belong before the batches of the last `collect`. They are separate batches, because a request has at
   * most one sample per series.
   */
  takeZeros(): readonly (Batch | undefined)[] {
    const taken = this.#zeros;
    this.#zeros = [];
    return taken;
  }

  /** Returns staleness markers for all time series that were sent. */
  collectStale(series: Iterable<Series<EncodedSeries>>): readonly (Batch | undefined)[] {
    for (const current of series) {
      const newest = newestStampOf(current);
      if (newest === -Infinity) continue;
      current.lastStamp = newest + 1;
      const { output: series } = current;
      for (let output = 0; output < series.outputs.length; output++) {
        const histogram = series.histogramOutputs.includes(output) ? emptyHistogram : undefined;
        this.#batchOf(series, output).pushStale(series, newest + 1, { output, histogram });
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
      // The failure of one series' sink must not affect the other series.
      this.#options.onFailed(Math.max(1, series.output.outputs.length - this.#emitted), error);
    }
    if (this.#stamped) series.lastStamp = stamp;
    if (this.#emitted > 0 && nowMs !== undefined) series.sentAtMs = nowMs;
  }

  readonly #emit = (output: number, value: number | HistogramValue, time?: number): void => {
    const series = this.#series;
    const encoded = series?.output;
    const target = encoded?.outputs[output];
    if (series === undefined || encoded === undefined || target === undefined) {
      throw wrongEmit(`output ${output}`, "an index of its mapping's outputs");
    }
    // Counting began before the first sample. How long before is not known, but a start must be earlier than its sample.
    const start = series.firstTime - 1;
    if (this.#options.zeroSample && target.cumulative && isFirst(series, output)) {
      const zeros = this.#zeros[this.#shardOf(encoded, output)] ??= new Batch();
      if (typeof value === "number") zeros.push(encoded, 0, start, output);
      else zeros.pushHistogram(encoded, emptied(value), start, output);
    }
    let stamp = this.#stamp;
    if (time === undefined) this.#stamped = true;
    else stamp = this.#ownStamp(series, output, time);
    this.#emitted++;
    const batch = this.#batchOf(encoded, output);
    let index;
    if (typeof value === "number") {
      index = batch.push(encoded, value, stamp, output);
    } else {
      index = batch.pushHistogram(encoded, value, stamp, output);
      if (!encoded.histogramOutputs.includes(output)) {
        const { histogramOutputs: before } = encoded;
        encoded.histogramOutputs = output === 0 && before.length === 0 ? firstOutput : [...before, output];
      }
    }
    if (target.cumulative && start > 0 && start < stamp) batch.setStart(index, start);
    const exemplar = series.exemplars?.take(output);
    if (exemplar !== undefined) batch.setExemplars(index, [exemplar]);
  };

  /** Returns the first free timestamp for a time that a sink emitted. */
  #ownStamp(series: Series<EncodedSeries>, output: number, time: number): number {
    if (!Number.isSafeInteger(time)) {
      throw wrongEmit(`the time ${time}`, "whole milliseconds since 1970");
    }
    const stamps = series.ownStamps ??= new Array<number>(series.output.outputs.length).fill(-Infinity);
    return stamps[output] = this.#freeStamp(series, time, Math.max(series.lastStamp, stamps[output] ?? -Infinity));
  }

  /** Returns a time, or the millisecond after the last timestamp if that is later: no timestamp is sent twice. */
  #freeStamp(series: Series<EncodedSeries>, time: number, last: number): number {
    if (last < time) return time;
    const moved = last + 1 - time;
    if (moved > maxMoveMs && !this.#warned) {
      this.#warned = true;
      this.#options.onWarning(
        `A sample of ${series.output.name} is sent with a time ${Math.round(moved / 1000)} s after its own, because ` +
          "the times of a series must rise. This is reported once.",
      );
    }
    return last + 1;
  }

  #shardOf(series: EncodedSeries, output: number): number {
    // With one shard, which is the default, this does not read the series: it may be far away in memory.
    return this.#shards === 1 ? 0 : series.hashOf(output) % this.#shards;
  }

  #batchOf(series: EncodedSeries, output: number): Batch {
    const shard = this.#shardOf(series, output);
    return this.#batches[shard] ??= new Batch(this.#capacities[shard]);
  }

  #take(): ShardBatches {
    const taken = this.#batches;
    this.#batches = [];
    this.#capacities = taken.map((batch) => batch?.length);
    return taken;
  }
}

/** Returns the newest timestamp of any time series of a k6 series; -Infinity if none was sent. */
function newestStampOf({ lastStamp, ownStamps }: Series<EncodedSeries>): number {
  return ownStamps === undefined ? lastStamp : Math.max(lastStamp, ...ownStamps);
}

/** Reports whether no sample of a series' output was sent yet. */
function isFirst({ lastStamp, ownStamps }: Series<EncodedSeries>, output: number): boolean {
  return lastStamp === -Infinity && (ownStamps === undefined || ownStamps[output] === -Infinity);
}

function wrongEmit(what: string, expected: string): RangeError {
  return new RangeError(`Cannot collect: a sink emitted ${what}, expected ${expected}`);
}
