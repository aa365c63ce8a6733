/**
 * What the test view reads: the metrics of one run of k6, or of one URL of it.
 *
 * @module
 */
import type { LiveSeries } from "../live/live_store.ts";
import type { Run } from "./catalog.ts";
import { addIncreases, combineValues, type Grid, type GridColumns, increaseOf, lastValue, valueAt } from "./grid.ts";
import { findTrend, type TrendSeries, type TrendValue, trendValues } from "./trends.ts";

/** A time, in milliseconds. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How many requests there were, and how many of them failed. */
export interface Failures {
  readonly failed: number;
  readonly total: number;
}

/** Reads the metrics of a run. */
export class RunScope {
  readonly run: Run;
  readonly url: string | undefined;
  /** When the run began, in milliseconds; undefined if that is not known. */
  readonly startMs: number | undefined;
  /** Whether counters are seen from the start of the run. */
  readonly #fromStart: boolean;

  /** @param options startMs: when the command began, if it knows */
  constructor(
    run: Run,
    { url, fromStart, startMs }: {
      readonly url?: string | undefined;
      readonly fromStart: boolean;
      readonly startMs?: number | undefined;
    },
  ) {
    this.run = run;
    this.url = url;
    // A command may show several runs, one after the other.
    this.startMs = startMs === undefined ? run.estimatedStartMs : Math.max(startMs, run.estimatedStartMs ?? startMs);
    this.#fromStart = fromStart;
  }

  /** Distinguishes scopes. */
  get key(): string {
    return JSON.stringify([this.run.testid, this.url ?? null]);
  }

  /** The label by which requests are told apart. Some tests drop the URL and keep the name. */
  get urlLabel(): string {
    const [first] = this.run.series("http_reqs_total");
    return first !== undefined && first.label("url") === "" && first.label("name") !== "" ? "name" : "url";
  }

  /** A series that begins after this time began with 0: its run is known from the start, or it is not one of the first series. */
  get zeroAfterMs(): number {
    return this.#fromStart ? -Infinity : this.run.firstMs + 2 * this.run.intervalMs;
  }

  /** Returns the series of a metric. */
  series(name: string): readonly LiveSeries[] {
    return this.url === undefined ? this.run.series(name) : this.run.groups(name, this.urlLabel).get(this.url) ?? [];
  }

  /** Returns a trend. */
  trend(name: string): TrendSeries | undefined {
    return findTrend(this.run, name, this.url === undefined ? undefined : [this.urlLabel, this.url]);
  }

  /** Returns the statistics of a trend over a time; over the whole run without a time. */
  trendValues(name: string, range: Range | undefined): (statistic: string) => TrendValue | undefined {
    return trendValues(this.trend(name), range ?? wholeRun, range === undefined ? -Infinity : this.zeroAfterMs);
  }

  /** Returns what counters grew by in a time; their newest values without a time. */
  total(name: string, range: Range | undefined): number {
    return totalOf(this.series(name), range, this.zeroAfterMs);
  }

  /** Returns what counters grew by in a second, on average over a time; over the whole run without a time. */
  perSecond(name: string, range: Range | undefined): number {
    const { run: { firstMs, lastMs }, startMs, zeroAfterMs } = this;
    return averageRate(this.series(name), { range, firstMs, lastMs, startMs, zeroAfterMs });
  }

  /** Returns the failed requests; undefined if k6 sent nothing about them. */
  failures(range: Range | undefined): Failures | undefined {
    const total = this.series("http_req_failed_samples_total");
    if (total.length > 0) {
      const failed = this.series("http_req_failed_passes_total");
      const { zeroAfterMs } = this;
      return { failed: totalOf(failed, range, zeroAfterMs), total: totalOf(total, range, zeroAfterMs) };
    }
    const pairs = this.#rates();
    if (pairs.length === 0) return undefined;
    const at = (timeMs: number): Failures =>
      pairs.reduce(({ failed, total }, [rate, requests]) => {
        const [share, count] = [lastValue(rate, timeMs), lastValue(requests, timeMs)];
        return Number.isNaN(share * count)
          ? { failed, total }
          : { failed: failed + share * count, total: total + count };
      }, { failed: 0, total: 0 });
    const end = at(range?.toMs ?? Infinity);
    const start = range === undefined ? { failed: 0, total: 0 } : at(range.fromMs);
    return { failed: Math.round(end.failed - start.failed), total: end.total - start.total };
  }

  /** k6's own output sends no counts of failures: it sends the share of each series, next to the number of its requests. */
  #rates(): readonly (readonly [rate: LiveSeries, requests: LiveSeries])[] {
    const keyOf = ({ labels }: LiveSeries): string =>
      JSON.stringify(labels.map(({ name, value }) => [name, value]).sort());
    const rates = this.series("http_req_failed_rate");
    if (rates.length === 0) return [];
    const requests = new Map(this.series("http_reqs_total").map((series) => [keyOf(series), series]));
    return rates.flatMap((rate) => {
      const found = requests.get(keyOf(rate));
      return found === undefined ? [] : [[rate, found] as const];
    });
  }

  /** Evaluates the share of failed requests. */
  failureRate(columns: GridColumns, grid: Grid, changedMs: number): Float64Array {
    const key = `failures ${this.key}`;
    const { intervalMs } = this.run;
    const from = columns.prepare(grid, { columns: 3, key, changedMs: changedMs - intervalMs });
    const [share = none, failed = none, total = none] = columns.columns;
    for (const column of [failed, total]) column.fill(0, from);
    const { zeroAfterMs } = this;
    const counts = this.series("http_req_failed_samples_total");
    if (counts.length > 0) {
      for (const series of counts) addIncreases(series, grid, total, { from, zeroAfterMs, intervalMs });
      for (const series of this.series("http_req_failed_passes_total")) {
        addIncreases(series, grid, failed, { from, zeroAfterMs, intervalMs });
      }
    } else {
      for (const [rate, requests] of this.#rates()) {
        let before = product(rate, requests, grid.startMs + from * grid.stepMs);
        for (let step = from; step < grid.count; step++) {
          const after = product(rate, requests, grid.startMs + (step + 1) * grid.stepMs);
          failed[step] = (failed[step] ?? 0) + Math.max(0, after.failed - before.failed);
          total[step] = (total[step] ?? 0) + Math.max(0, after.total - before.total);
          before = after;
        }
      }
    }
    for (let step = from; step < grid.count; step++) share[step] = (failed[step] ?? 0) / (total[step] ?? 0);
    return share;
  }

  /** Evaluates how much counters grow in a second. The last step is not complete in a run that goes on. */
  rate(name: string, columns: GridColumns, { grid, changedMs, isLive }: Evaluation): Float64Array {
    return rateOf(this.series(name), columns, {
      ...{ grid, changedMs, isLive, key: `${name} ${this.key}`, zeroAfterMs: this.zeroAfterMs },
      intervalMs: this.run.intervalMs,
      beginsMs: this.run.firstMs,
      endsMs: this.run.lastMs,
    });
  }

  /** Evaluates the sum of gauges. */
  gauge(name: string, columns: GridColumns, { grid, changedMs }: Evaluation): Float64Array {
    const from = columns.prepare(grid, { columns: 1, key: `${name} ${this.key}`, changedMs });
    const [column = none] = columns.columns;
    for (const series of this.series(name)) combineValues(series, grid, column, { how: "sum", from });
    return column;
  }
}

const none = new Float64Array();
const wholeRun: Range = { fromMs: -Infinity, toMs: Infinity };

function product(rate: LiveSeries, requests: LiveSeries, timeMs: number): Failures {
  const [share, total] = [valueAt(rate, timeMs), valueAt(requests, timeMs)];
  return Number.isNaN(share * total) ? { failed: 0, total: 0 } : { failed: share * total, total };
}

/** What to evaluate. */
export interface Evaluation {
  readonly grid: Grid;
  /** The time of the oldest new point. */
  readonly changedMs: number;
  /** Whether more points may come for the last step. */
  readonly isLive: boolean;
}

/** Evaluates how much counters grow in a second. */
export function rateOf(
  all: readonly LiveSeries[],
  columns: GridColumns,
  { grid, changedMs, isLive, key, zeroAfterMs, intervalMs, beginsMs, endsMs }: Evaluation & {
    readonly key: string;
    readonly zeroAfterMs: number;
    readonly intervalMs: number;
    readonly beginsMs: number;
    readonly endsMs: number;
  },
): Float64Array {
  // What grew in a step may become known a period later.
  const from = columns.prepare(grid, { columns: 2, key, changedMs: changedMs - intervalMs });
  const [rates = none, sums = none] = columns.columns;
  sums.fill(0, from);
  // Without the start of the run, it is not known what the first points added.
  const knownMs = zeroAfterMs === -Infinity ? beginsMs - intervalMs : beginsMs;
  for (const series of all) addIncreases(series, grid, sums, { from, intervalMs, zeroAfterMs });
  for (let step = from; step < grid.count; step++) {
    const start = grid.startMs + step * grid.stepMs;
    // The first and the last step are only partly covered by points.
    const covered = Math.min(start + grid.stepMs, endsMs) - Math.max(start, knownMs);
    const isPartial = covered < grid.stepMs * (isLive ? 0.99 : 0.5);
    rates[step] = isPartial && grid.count > 2 ? NaN : (sums[step] ?? 0) * 1000 / Math.max(covered, 1);
  }
  return rates;
}

/**
 * Returns what counters grew by in a second, on average over a time; over the whole run without a time. NaN if there is only one
 * moment.
 *
 * @param options firstMs and lastMs: the first and the last moment of the run; startMs: when it began, if that is known
 */
export function averageRate(
  all: readonly LiveSeries[],
  { range, firstMs, lastMs, startMs, zeroAfterMs }: {
    readonly range?: Range | undefined;
    readonly firstMs: number;
    readonly lastMs: number;
    readonly startMs: number | undefined;
    readonly zeroAfterMs: number;
  },
): number {
  // Without the start of the run, it is not known in which time the first values grew.
  const isWhole = range === undefined && startMs !== undefined;
  const beginMs = isWhole || zeroAfterMs === -Infinity ? startMs : undefined;
  const fromMs = Math.max(range?.fromMs ?? -Infinity, beginMs ?? firstMs);
  const toMs = Math.min(range?.toMs ?? Infinity, lastMs);
  if (!(toMs > fromMs)) return NaN;
  return totalOf(all, isWhole ? undefined : { fromMs, toMs }, zeroAfterMs) * 1000 / (toMs - fromMs);
}

/** Returns what counters grew by in a time; the sum of their newest values without a time. */
export function totalOf(all: readonly LiveSeries[], range: Range | undefined, zeroAfterMs: number): number {
  let sum = 0;
  for (const series of all) {
    const value = range === undefined ? lastValue(series, Infinity) : increaseOf(series, range, zeroAfterMs);
    if (!Number.isNaN(value)) sum += value;
  }
  return sum;
}
