import type { TimeSeries } from "../../model/time_series.ts";

/** The parts of a sample that are compared. A histogram is represented by its sum and count. */
interface LastSample {
  readonly timestamp: number;
  /** The value of a float, the sum of a histogram, or NaN for a staleness marker. */
  readonly value: number;
  /** The count of a histogram, -1 for a float, or -2 for a staleness marker. */
  readonly count: number;
}

/**
 * Remembers the last samples of the series that were seen most recently, to check the order from request to request. It has
 * two generations, because a map that deletes its oldest entries one at a time walks over all entries that it deleted before.
 */
export class SeriesOrder {
  #young = new Map<number, LastSample | undefined>();
  #old: ReadonlyMap<number, LastSample | undefined> = new Map();
  readonly #maxTrackedSeries: number;

  /** @param maxTrackedSeries the least number of series to remember; at most, twice as many are remembered */
  constructor(maxTrackedSeries: number) {
    this.#maxTrackedSeries = maxTrackedSeries;
  }

  /**
   * Compares the first sample of a series with the last one of earlier requests. Returns what is wrong, or undefined. The same
   * sample is allowed again, because a sender that lost the answer has to send the request again.
   *
   * @param key the `seriesKey` of the series
   */
  violation(key: number, series: TimeSeries): string | undefined {
    const last = this.#get(key);
    const first = sampleAt(series, 0);
    if (last === undefined || first === undefined || first.timestamp > last.timestamp) return undefined;
    const same = first.timestamp === last.timestamp && Object.is(first.value, last.value) && first.count === last.count;
    if (same) return undefined;
    return first.timestamp === last.timestamp
      ? `a sample is at ${first.timestamp}, where an earlier request had another value, expected a later sample`
      : `a sample is at ${first.timestamp}, expected one after ${last.timestamp} of an earlier request`;
  }

  /** Remembers the last samples of a request's series, by `seriesKey`. Returns a function that forgets them again. */
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
        // Another request may have brought a later sample in the meantime.
        if (this.#get(key) === after) this.#set(key, before);
      }
    };
  }

  #get(key: number): LastSample | undefined {
    // An undefined entry in the young generation means that the sample was forgotten again.
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

/** Returns the sample or histogram at an index (-1 is the last one), or undefined if there is none. */
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
