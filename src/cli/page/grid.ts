/**
 * Evaluates series at regular times, for charts. The value at a time is that of the latest point, as in Prometheus.
 *
 * @module
 */
import type { LiveSeries } from "../live/live_store.ts";

/** Steps of equal length. Step `index` covers the time after `startMs + index * stepMs`, up to and including its end. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** The lengths of steps, in milliseconds. */
const steps: readonly number[] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400]
  .map((seconds) => seconds * 1000);

/** Returns a grid over a range, whose steps are at least as long as the distance of the points, and whose times are round. */
export function gridOver(
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  { intervalMs, maxSteps = 240 }: { readonly intervalMs: number; readonly maxSteps?: number },
): Grid {
  // A point each second may be a little late.
  const atLeast = Math.max((toMs - fromMs) / maxSteps, intervalMs * 0.9);
  const stepMs = steps.find((step) => step >= atLeast) ?? Math.ceil(atLeast / 86_400_000) * 86_400_000;
  const startMs = Math.floor(fromMs / stepMs) * stepMs - (fromMs % stepMs === 0 ? stepMs : 0);
  return { startMs, stepMs, count: Math.max(1, Math.ceil((toMs - startMs) / stepMs)) };
}

/** Returns the end of a step, in milliseconds. */
export function endOf({ startMs, stepMs }: Grid, index: number): number {
  return startMs + (index + 1) * stepMs;
}

/** A series without a point for this long has no value, as in Prometheus. */
const lookbackMs = 300_000;

/** How to count what a counter grew by. */
export interface IncreaseOptions {
  /** The first step to evaluate. @default 0 */
  readonly from?: number;
  /**
   * The time before a point in which it grew: the period of the sender. What a point adds is divided evenly over this time. With 0, it
   * belongs to the step of the point. @default 0
   */
  readonly intervalMs?: number;
  /** Whether a series that begins after this time began with 0. @default Infinity */
  readonly zeroAfterMs?: number;
}

/** Adds to each step what a counter grew by in it. A value that is less than the one before it is a new start from 0. */
export function addIncreases(
  series: LiveSeries,
  grid: Grid,
  out: Float64Array,
  { from = 0, intervalMs = 0, zeroAfterMs = Infinity }: IncreaseOptions = {},
): void {
  const { startMs, stepMs, count } = grid;
  const beginMs = startMs + from * stepMs;
  const endMs = endOf(grid, count - 1);
  const { times, values, length } = series;
  let at = series.indexAfter(beginMs);
  let before = valueBefore(series, at, zeroAfterMs);
  for (; at < length; at++) {
    const time = times[at] ?? 0;
    if (time - intervalMs > endMs) return;
    const value = values[at] ?? NaN;
    // After a staleness marker, the value continues.
    if (Number.isNaN(value)) continue;
    const increase = Number.isNaN(before) ? 0 : value < before ? value : value - before;
    before = value;
    if (increase === 0) continue;
    const beginsMs = Math.max(time - intervalMs, at > 0 ? times[at - 1] ?? -Infinity : -Infinity);
    const last = Math.min(stepOf(grid, time), count - 1);
    for (let step = Math.max(stepOf(grid, beginsMs), from); step <= last; step++) {
      out[step] = (out[step] ?? 0) + increase * shareOf(grid, step, { beginsMs, endsMs: time });
    }
  }
}

/** Returns the step that contains a time. */
export function stepOf({ startMs, stepMs }: Grid, timeMs: number): number {
  return Math.ceil((timeMs - startMs) / stepMs) - 1;
}

/** Returns which share of a time is in a step. */
export function shareOf(
  { startMs, stepMs }: Grid,
  step: number,
  { beginsMs, endsMs }: { readonly beginsMs: number; readonly endsMs: number },
): number {
  const start = startMs + step * stepMs;
  if (beginsMs >= endsMs) return endsMs > start && endsMs <= start + stepMs ? 1 : 0;
  return Math.max(0, Math.min(endsMs, start + stepMs) - Math.max(beginsMs, start)) / (endsMs - beginsMs);
}

/** Returns what a counter grew by in a time. */
export function increaseOf(
  series: LiveSeries,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  zeroAfterMs: number,
): number {
  const { values } = series;
  let at = series.indexAfter(fromMs);
  const end = series.indexAfter(toMs);
  let before = valueBefore(series, at, zeroAfterMs);
  let sum = 0;
  for (; at < end; at++) {
    const value = values[at] ?? NaN;
    if (Number.isNaN(value)) continue;
    if (!Number.isNaN(before)) sum += value < before ? value : value - before;
    before = value;
  }
  return sum;
}

/** Returns the value before a point; NaN if it is not known. */
function valueBefore(series: LiveSeries, at: number, zeroAfterMs: number): number {
  for (let index = at - 1; index >= 0; index--) {
    const value = series.values[index] ?? NaN;
    if (!Number.isNaN(value)) return value;
  }
  return !series.isCut && (series.times[0] ?? 0) > zeroAfterMs ? 0 : NaN;
}

/** How the values of several series become one. */
export type Combine = "sum" | "max" | "min";

/** Combines the value that a series has at the end of each step with those of other series. Steps without a value are NaN. */
export function combineValues(
  series: LiveSeries,
  grid: Grid,
  out: Float64Array,
  { how, from = 0 }: { readonly how: Combine; readonly from?: number },
): void {
  const { times, values, length } = series;
  let at = series.indexAfter(endOf(grid, from));
  for (let step = from; step < grid.count; step++) {
    const end = endOf(grid, step);
    while (at < length && (times[at] ?? 0) <= end) at++;
    if (at === 0 || end - (times[at - 1] ?? 0) > lookbackMs + grid.stepMs) continue;
    const value = values[at - 1] ?? NaN;
    if (Number.isNaN(value)) continue;
    const other = out[step] ?? NaN;
    out[step] = Number.isNaN(other)
      ? value
      : how === "sum"
      ? other + value
      : how === "max"
      ? Math.max(other, value)
      : Math.min(other, value);
  }
}

/** Returns the value of a series at a time; NaN if it has none. */
export function valueAt(series: LiveSeries, timeMs: number): number {
  const at = series.indexAfter(timeMs) - 1;
  return at < 0 ? NaN : series.values[at] ?? NaN;
}

/** Returns the latest value that is no staleness marker, up to a time. A run that ended keeps its last values. */
export function lastValue(series: LiveSeries, timeMs: number): number {
  for (let at = series.indexAfter(timeMs) - 1; at >= 0; at--) {
    const value = series.values[at] ?? NaN;
    if (!Number.isNaN(value)) return value;
  }
  return NaN;
}

/** Columns of values on a grid. They are evaluated again only from the first step that changed. */
export class GridColumns {
  grid: Grid = { startMs: 0, stepMs: 1000, count: 0 };
  columns: Float64Array[] = [];
  #empty: number;
  /** The memory of the columns. */
  #memory: Float64Array[] = [];
  #key = "";

  /** @param empty the value of steps before they are evaluated */
  constructor(empty: number) {
    this.#empty = empty;
  }

  /**
   * Makes the columns agree with a grid.
   *
   * @param options key: what is evaluated, so that another choice begins anew; changedMs: the time of the oldest point that is new
   * @returns the first step to evaluate. The steps from there on are empty.
   */
  prepare(
    grid: Grid,
    { columns, key, changedMs }: { readonly columns: number; readonly key: string; readonly changedMs: number },
  ): number {
    const old = this.grid;
    const shift = (grid.startMs - old.startMs) / grid.stepMs;
    const canKeep = key === this.#key && old.stepMs === grid.stepMs && columns === this.columns.length &&
      Number.isInteger(shift) && shift >= 0 && shift < old.count;
    this.#key = key;
    this.grid = grid;
    const kept = canKeep
      // The last step was not complete.
      ? Math.max(0, Math.min(old.count - shift - 1, Math.floor((changedMs - grid.startMs) / grid.stepMs) - 1))
      : 0;
    if (this.#memory.length !== columns || (this.#memory[0]?.length ?? 0) < grid.count) {
      // With room for more steps, because most drawings add one.
      const room = Math.ceil(grid.count * 1.5) + 16;
      this.#memory = Array.from({ length: columns }, (_, index) => {
        const column = new Float64Array(room);
        column.set(this.#memory[index]?.subarray(0, old.count) ?? []);
        return column;
      });
    }
    this.columns = this.#memory.map((column) => {
      if (canKeep && shift > 0) column.copyWithin(0, shift, shift + kept);
      return column.subarray(0, grid.count).fill(this.#empty, kept);
    });
    return kept;
  }
}
