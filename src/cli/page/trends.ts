/**
 * Reads trends: gauges with the statistics that the sender computed, native histograms, or classic histograms.
 *
 * @module
 */
import type { LiveSeries } from "../live/live_store.ts";
import { histogramMax, histogramQuantile } from "../verdict/histogram_quantile.ts";
import type { Run } from "./catalog.ts";
import { combineValues, type Grid, GridColumns, lastValue } from "./grid.ts";
import { classicBetween, classicSteps, nativeBetween, nativeSteps, type StepHistogram } from "./histograms.ts";

/** Which statistics the page shows: their names as suffixes and as quantiles. */
export const shownStatistics: readonly { readonly name: string; readonly suffix: string; readonly q: number }[] = [
  { name: "p50", suffix: "med", q: 0.5 },
  { name: "p95", suffix: "p95", q: 0.95 },
  { name: "p99", suffix: "p99", q: 0.99 },
  { name: "max", suffix: "max", q: 1 },
];

/** The series of a trend. */
export interface TrendSeries {
  readonly form: "stats" | "native" | "classic";
  /** Returns the series of a statistic, or all series of a histogram. */
  series(suffix: string): readonly LiveSeries[];
}

/** Finds the series of a trend; undefined if there are none. */
export function findTrend(
  run: Run,
  name: string,
  label?: readonly [name: string, value: string],
): TrendSeries | undefined {
  const form = run.trendForm(name);
  if (form === undefined) return undefined;
  const of = (full: string): readonly LiveSeries[] =>
    label === undefined ? run.series(full) : run.groups(full, label[0]).get(label[1]) ?? [];
  return {
    form: form.form,
    series: (suffix) => of(form.form === "stats" ? `${name}_${suffix}` : form.name),
  };
}

/** A trend on a grid. */
export class TrendColumns {
  readonly #columns = new GridColumns(NaN);
  /** What each step added to the histogram, for a heat map; undefined for statistics. */
  steps: (StepHistogram | undefined)[] | undefined;

  /** Evaluates p50, p95, p99 and max. */
  update(
    trend: TrendSeries | undefined,
    grid: Grid,
    { key, changedMs, zeroAfterMs, intervalMs }: {
      readonly key: string;
      readonly changedMs: number;
      readonly zeroAfterMs: number;
      readonly intervalMs: number;
    },
  ): readonly Float64Array[] {
    const before = this.#columns.grid;
    const from = this.#columns.prepare(grid, {
      columns: shownStatistics.length,
      key: `${key} ${trend?.form}`,
      changedMs: changedMs - intervalMs,
    });
    const { columns } = this.#columns;
    if (trend === undefined || trend.form === "stats") {
      this.steps = undefined;
      for (const [index, { suffix }] of shownStatistics.entries()) {
        const column = columns[index] ?? new Float64Array();
        for (const series of trend?.series(suffix) ?? []) {
          combineValues(series, grid, column, { how: "max", from });
        }
      }
      return columns;
    }
    const all = trend.series("");
    const steps = trend.form === "native"
      ? nativeSteps(all, grid, { from, zeroAfterMs, intervalMs })
      : classicSteps(all, grid, { from, zeroAfterMs, intervalMs });
    const shift = Math.max(0, (grid.startMs - before.startMs) / grid.stepMs);
    this.steps = [...from > 0 ? this.steps?.slice(shift, shift + from) ?? [] : [], ...steps];
    for (const [index, { q }] of shownStatistics.entries()) {
      const column = columns[index] ?? new Float64Array();
      for (const [step, histogram] of steps.entries()) {
        column[from + step] = histogram === undefined ? NaN : quantileOf(histogram, q);
      }
    }
    return columns;
  }
}

/** Returns a quantile as Prometheus computes it. The largest value is the upper bound of the last bucket that is not empty. */
export function quantileOf(histogram: StepHistogram, q: number): number {
  return (q === 1 ? histogramMax(histogram) : histogramQuantile(histogram, q))?.value ?? NaN;
}

/** A statistic of a trend over a time. */
export interface TrendValue {
  readonly value: number;
  /** Whether the value is the largest of several series: the statistic of all of them is at most this. */
  readonly isBound: boolean;
}

/** Returns statistics of a trend over a time: those that were sent, or those of the histograms. */
export function trendValues(
  trend: TrendSeries | undefined,
  range: { readonly fromMs: number; readonly toMs: number },
  zeroAfterMs: number,
): (name: string) => TrendValue | undefined {
  if (trend === undefined) return () => undefined;
  const { form } = trend;
  if (form === "stats") {
    return (name) => {
      const suffix = shownStatistics.find((each) => each.name === name)?.suffix ?? name;
      let [value, series] = [NaN, 0];
      for (const each of trend.series(suffix)) {
        const own = lastValue(each, range.toMs);
        if (Number.isNaN(own)) continue;
        value = series++ === 0 ? own : Math.max(value, own);
      }
      // The largest value of all is exact.
      return series === 0 ? undefined : { value, isBound: series > 1 && suffix !== "max" };
    };
  }
  const between = form === "native" ? nativeBetween : classicBetween;
  let histogram: StepHistogram | undefined;
  let isRead = false;
  return (name) => {
    if (!isRead) [histogram, isRead] = [between(trend.series(""), range, zeroAfterMs), true];
    if (histogram === undefined) return undefined;
    const q = shownStatistics.find((each) => each.name === name)?.q ?? NaN;
    return { value: quantileOf(histogram, q), isBound: false };
  };
}
