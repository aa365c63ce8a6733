/**
 * Histograms of several series on a grid: what each step added to their buckets, for quantiles and heat maps.
 *
 * @module
 */
import type { HistogramValue } from "../../model/time_series.ts";
import type { LiveSeries } from "../live/live_store.ts";
import { type Bucket, classicBuckets, type Histogram } from "../verdict/histogram_quantile.ts";
import { addIncreases, endOf, type Grid, increaseOf, shareOf, stepOf } from "./grid.ts";

/** The observations of one step. */
export interface StepHistogram extends Histogram {
  readonly count: number;
}

/** The schema of buckets with bounds of their own. */
const customBuckets = -53;

/** A bucket of zero that is narrower than this only contains 0. */
const almostZero = 1e-30;
/** Sums of parts of counts are not quite exact. */
const almostNone = 1e-6;

/** Sums up native histograms. The buckets of a finer scale become those of the coarsest one. */
export class NativeSum {
  schema: number = 8;
  count = 0;
  sum = 0;
  #zeroCount = 0;
  #zeroThreshold = 0;
  #positive = new Map<number, number>();
  #negative = new Map<number, number>();
  #customValues: readonly number[] = [];

  /** Adds a histogram times a factor, which is negative to subtract it. */
  add(histogram: HistogramValue, sign = 1): void {
    this.count += sign * histogram.count;
    this.sum += sign * histogram.sum;
    this.#zeroCount += sign * histogram.zeroCount;
    this.#zeroThreshold = Math.max(this.#zeroThreshold, histogram.zeroThreshold);
    if (histogram.schema < this.schema) this.#widen(histogram.schema);
    if (histogram.schema === customBuckets) this.#customValues = histogram.customValues ?? [];
    const shift = histogram.schema - this.schema;
    addBuckets(this.#positive, { spans: histogram.positiveSpans, counts: histogram.positiveCounts, shift, sign });
    addBuckets(this.#negative, { spans: histogram.negativeSpans, counts: histogram.negativeCounts, shift, sign });
  }

  /** Returns the buckets that are not empty, in rising order. */
  buckets(): Bucket[] {
    const bound = (index: number): number =>
      this.schema === customBuckets
        ? index < 0 ? -Infinity : this.#customValues[index] ?? Infinity
        : 2 ** (index * 2 ** -this.schema);
    const sides = (counts: ReadonlyMap<number, number>): [low: number, high: number, count: number][] =>
      [...counts].filter(([, count]) => count > almostNone).sort(([a], [b]) => a - b).map((
        [index, count],
      ) => [bound(index - 1), bound(index), count]);
    const buckets: Bucket[] = sides(this.#negative).reverse().map(([low, high, count]) => ({
      low: -high,
      high: -low,
      count,
    }));
    if (this.#zeroCount > almostNone) {
      // As in Prometheus, the bucket of zero begins at 0 if there are no negative values.
      const high = this.#zeroThreshold < almostZero ? 0 : this.#zeroThreshold;
      buckets.push({ low: this.#negative.size > 0 ? -high : 0, high, count: this.#zeroCount });
    }
    return [...buckets, ...sides(this.#positive).map(([low, high, count]) => ({ low, high, count }))];
  }

  /** Returns the sum as a histogram. */
  toHistogram(): StepHistogram {
    return { form: "native", count: this.count, sum: this.sum, buckets: this.buckets() };
  }

  #widen(schema: number): void {
    const shift = this.schema - schema;
    this.schema = schema;
    for (const side of ["positive", "negative"] as const) {
      const before = side === "positive" ? this.#positive : this.#negative;
      const after = new Map<number, number>();
      for (const [index, count] of before) {
        const wider = widerIndex(index, shift);
        after.set(wider, (after.get(wider) ?? 0) + count);
      }
      if (side === "positive") this.#positive = after;
      else this.#negative = after;
    }
  }
}

function addBuckets(
  into: Map<number, number>,
  { spans, counts, shift, sign }: {
    readonly spans: HistogramValue["positiveSpans"];
    readonly counts: readonly number[];
    readonly shift: number;
    readonly sign: number;
  },
): void {
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (const end = index + length; index < end; index++) {
      const count = counts[at++] ?? 0;
      if (count === 0) continue;
      const wider = shift === 0 ? index : widerIndex(index, shift);
      into.set(wider, (into.get(wider) ?? 0) + sign * count);
    }
  }
}

/** Returns the index of the bucket that contains a bucket, in a scale that is coarser by `shift` powers of two. */
function widerIndex(index: number, shift: number): number {
  return Math.ceil(index / 2 ** shift);
}

/** Returns the native histogram of a series at a time; undefined if there is none. */
function histogramAt(series: LiveSeries, timeMs: number): HistogramValue | undefined {
  const at = series.indexAfter(timeMs) - 1;
  for (let index = at; index >= 0; index--) {
    const histogram = series.histograms?.[index];
    if (histogram !== undefined) return histogram;
  }
  return undefined;
}

/** Where to begin, and what is known about the beginning of series. */
export interface StepOptions {
  readonly from: number;
  /** Whether a series that begins after this time began with 0. */
  readonly zeroAfterMs: number;
  /** The period of the sender: what a point adds is divided evenly over this time before it, in milliseconds. */
  readonly intervalMs: number;
}

/** Returns what each step from `from` on added to native histograms; undefined for a step that added nothing. */
export function nativeSteps(
  all: readonly LiveSeries[],
  grid: Grid,
  { from, zeroAfterMs, intervalMs }: StepOptions,
): (StepHistogram | undefined)[] {
  const sums: (NativeSum | undefined)[] = [];
  const endMs = endOf(grid, grid.count - 1);
  for (const series of all) {
    const { times, histograms, length } = series;
    const beginMs = endOf(grid, from - 1);
    let at = series.indexAfter(beginMs);
    if (at >= length) continue;
    let before = histogramAt(series, beginMs);
    if (before === undefined && !isZeroAtStart(series, zeroAfterMs)) before = histograms?.[at++];
    for (; at < length; at++) {
      const time = times[at] ?? 0;
      if (time - intervalMs > endMs) break;
      const after = histograms?.[at];
      if (after === undefined) continue;
      const beginsMs = Math.max(time - intervalMs, at > 0 ? times[at - 1] ?? -Infinity : -Infinity);
      const last = Math.min(stepOf(grid, time), grid.count - 1);
      for (let step = Math.max(stepOf(grid, beginsMs), from); step <= last; step++) {
        const share = shareOf(grid, step, { beginsMs, endsMs: time });
        if (share === 0) continue;
        const sum = sums[step - from] ??= new NativeSum();
        sum.add(after, share);
        if (before !== undefined && before.count <= after.count) sum.add(before, -share);
      }
      before = after;
    }
  }
  return Array.from({ length: grid.count - from }, (_, index) => {
    const sum = sums[index];
    return sum === undefined || !(sum.count > almostNone) ? undefined : sum.toHistogram();
  });
}

/** Returns what each step from `from` on added to classic histograms, from the series of their buckets. */
export function classicSteps(
  all: readonly LiveSeries[],
  grid: Grid,
  { from, zeroAfterMs, intervalMs }: StepOptions,
): (StepHistogram | undefined)[] {
  const byBound = new Map<number, Float64Array>();
  for (const series of all) {
    const bound = boundOf(series);
    let column = byBound.get(bound);
    if (column === undefined) byBound.set(bound, column = new Float64Array(grid.count));
    addIncreases(series, grid, column, { from, zeroAfterMs, intervalMs });
  }
  return Array.from({ length: grid.count - from }, (_, index) => {
    const counts = [...byBound].map(([bound, column]) => [bound, column[from + index] ?? 0] as const);
    return classicOf(counts);
  });
}

/** Returns what was added to native histograms in a time. */
export function nativeBetween(
  all: readonly LiveSeries[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  zeroAfterMs: number,
): StepHistogram | undefined {
  const sum = new NativeSum();
  for (const series of all) {
    const after = histogramAt(series, toMs);
    if (after === undefined) continue;
    sum.add(after);
    const first = isZeroAtStart(series, zeroAfterMs) ? undefined : series.histograms?.[0];
    const before = histogramAt(series, fromMs) ?? first;
    if (before !== undefined && before.count <= after.count) sum.add(before, -1);
  }
  return sum.count > 0 ? sum.toHistogram() : undefined;
}

/** Returns what was added to classic histograms in a time. */
export function classicBetween(
  all: readonly LiveSeries[],
  range: { readonly fromMs: number; readonly toMs: number },
  zeroAfterMs: number,
): StepHistogram | undefined {
  const byBound = new Map<number, number>();
  for (const series of all) {
    const bound = boundOf(series);
    byBound.set(bound, (byBound.get(bound) ?? 0) + increaseOf(series, range, zeroAfterMs));
  }
  return classicOf([...byBound]);
}

function classicOf(counts: readonly (readonly [number, number])[]): StepHistogram | undefined {
  const count = counts.reduce((most, [, cumulative]) => Math.max(most, cumulative), 0);
  return count > almostNone ? { form: "classic", count, sum: NaN, buckets: classicBuckets(counts) } : undefined;
}

/** Returns the upper bound of a bucket of a classic histogram. */
export function boundOf(series: LiveSeries): number {
  const text = series.label("le");
  return text === "+Inf" ? Infinity : Number(text);
}

function isZeroAtStart(series: LiveSeries, zeroAfterMs: number): boolean {
  return !series.isCut && (series.times[0] ?? 0) > zeroAfterMs;
}
