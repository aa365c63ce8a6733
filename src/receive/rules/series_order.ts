/**
 * Remembers the last sample of each series, so that order can be checked from request to request.
 *
 * @module
 */
import type { TimeSeries } from "../../model/time_series.ts";

/** What is compared of a sample: a histogram stands for itself by its sum and count. */
export interface LastSample {
  readonly timestamp: number;
  readonly value: number;
  /** -1 for a float, -2 for a staleness marker. */
  readonly count: number;
}

/**
 * The last samples of the series seen most recently, in two generations: a map that forgets its oldest entry, one at a time,
 * walks over all that it forgot before.
 */
export class SeriesOrder {
  #young = new Map<number, LastSample | undefined>();
  #old: ReadonlyMap<number, LastSample | undefined> = new Map();
  readonly #maxTrackedSeries: number;

  /** @param maxTrackedSeries series remembered for certain, of about 100 bytes each; at most, twice as many are */
  constructor(maxTrackedSeries: number) {
    this.#maxTrackedSeries = maxTrackedSeries;
  }

  /**
   * Says what is wrong with the first sample of a series, compared with the last request's. The very same sample may come
   * again: a sender whose answer was lost has to try once more.
   *
   * @param key the series, by `seriesKey`
   */
  violation(key: number, series: TimeSeries): string | undefined {
    const last = this.#get(key);
    const first = sampleAt(series, 0);
    if (last === undefined || first === undefined || first.timestamp > last.timestamp) return undefined;
    const same = first.timestamp === last.timestamp && Object.is(first.value, last.value) && first.count === last.count;
    if (same) return undefined;
    return first.timestamp === last.timestamp
      ? `a sample is at ${first.timestamp}, where an earlier request had another value, expected a later one`
      : `a sample is at ${first.timestamp}, expected one after ${last.timestamp} of an earlier request`;
  }

  /** Takes the last samples of a request's series, by their keys. Returns what takes it back. */
  accept(series: ReadonlyMap<number, TimeSeries>): () => void {
    const changes: { readonly key: number; readonly before: LastSample | undefined; readonly after: LastSample }[] = [];
    for (const [key, each] of series) {
      const after = sampleAt(each, -1);
      if (after === undefined) continue;
      changes.push({ key, before: this.#get(key), after });
      this.#set(key, after);
    }
    return () => {
      for (const { key, before, after } of changes) {
        // Another request may have gone further in the meantime.
        if (this.#get(key) === after) this.#set(key, before);
      }
    };
  }

  #get(key: number): LastSample | undefined {
    // Where the young generation says that there is none, it was taken back.
    return this.#young.has(key) ? this.#young.get(key) : this.#old.get(key);
  }

  #set(key: number, sample: LastSample | undefined): void {
    if (this.#young.size >= this.#maxTrackedSeries && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, sample);
  }
}

/** The first or last sample or histogram of a series, if there is one. */
export function sampleAt({ samples = [], histograms = [] }: TimeSeries, index: number): LastSample | undefined {
  const sample = samples.at(index);
  const histogram = histograms.at(index);
  const { timestamp, stale } = sample ?? histogram ?? {};
  if (timestamp === undefined) return undefined;
  if (stale === true) return { timestamp: Number(timestamp), value: NaN, count: -2 };
  return {
    timestamp: Number(timestamp),
    value: sample?.value ?? histogram?.sum ?? 0,
    count: sample === undefined ? histogram?.count ?? 0 : -1,
  };
}
