/**
 * Evaluates a metric family for a chart: counters as rates, gauges as they are, and histograms as quantiles.
 *
 * @module
 */
import type { LiveSeries } from "../live/live_store.ts";
import { type Catalog, type Family, intervalOf } from "./catalog.ts";
import type { Cell, Line } from "./chart.ts";
import { combineValues, endOf, type Grid, GridColumns, gridOver, lastValue } from "./grid.ts";
import { averageRate, type Evaluation, rateOf } from "./scope.ts";
import type { StepHistogram } from "./histograms.ts";
import { shownStatistics, TrendColumns, type TrendSeries, trendValues } from "./trends.ts";
import { format, type Unit, unitOf } from "./units.ts";

/** The series of a family, with what their charts need. */
export interface FamilySeries {
  readonly family: Family;
  /** All series that are shown as one: without the buckets' sums and counts. */
  readonly series: readonly LiveSeries[];
  readonly bySuffix: ReadonlyMap<string, readonly LiveSeries[]>;
  readonly unit: Unit;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly intervalMs: number;
}

/** Collects the series of a family. */
export function seriesOf(
  family: Family,
  catalog: Catalog,
  accept?: (series: LiveSeries) => boolean,
): FamilySeries {
  const { name, kind, names } = family;
  const of = (each: string): readonly LiveSeries[] => {
    const all = catalog.byName.get(each) ?? [];
    return accept === undefined ? all : all.filter(accept);
  };
  const bySuffix = new Map(
    names.map((each) => [each.slice(kind === "stats" ? name.length - 1 : name.length + 1), of(each)]),
  );
  const [mainSuffix = ""] = kind === "stats"
    ? ["p95", "p99", "p90", "max", "avg", "med"].filter((suffix) => bySuffix.has(suffix))
    : [kind === "classic" ? "bucket" : ""];
  const series = kind === "stats" || kind === "classic" ? bySuffix.get(mainSuffix) ?? [] : of(name);
  let [firstMs, lastMs] = [Infinity, -Infinity];
  let busiest: LiveSeries | undefined;
  for (const each of series) {
    if (each.length === 0) continue;
    firstMs = Math.min(firstMs, each.times[0] ?? Infinity);
    lastMs = Math.max(lastMs, each.times[each.length - 1] ?? -Infinity);
    if (busiest === undefined || each.length > busiest.length) busiest = each;
  }
  const unit = unitOf(kind === "counter" || kind === "gauge" ? names[0] ?? name : name, family.unit || unitHint(name));
  return {
    family,
    series,
    bySuffix,
    unit,
    firstMs,
    lastMs,
    intervalMs: busiest === undefined ? 1000 : intervalOf(busiest),
  };
}

/** k6's own output sends no units, but its times are in seconds. */
function unitHint(name: string): string | undefined {
  return /(?:duration|waiting|blocked|connecting|sending|receiving|handshaking)(?:_\*)?$/.test(name)
    ? "seconds"
    : /data_(?:sent|received)_total$/.test(name)
    ? "bytes"
    : undefined;
}

/** The unit of what the chart of a family shows. */
export function chartUnit({ family, unit }: FamilySeries): Unit {
  if (family.kind !== "counter") return unit;
  return unit === "bytes" ? "bytes/s" : unit === "seconds" ? "none" : "/s";
}

/** Returns the trend of a family of histograms or statistics. */
export function trendOf({ family, series, bySuffix }: FamilySeries): TrendSeries | undefined {
  switch (family.kind) {
    case "native":
    case "classic":
      return { form: family.kind, series: () => series };
    case "stats":
      return { form: "stats", series: (suffix) => bySuffix.get(suffix) ?? [] };
    default:
      return undefined;
  }
}

/** Returns the number of a family with what it is: of the whole time if that can be computed, and otherwise the last one. */
export function describeFamily(
  all: FamilySeries,
  { zeroAfterMs, ...time }: {
    readonly firstMs: number;
    readonly lastMs: number;
    readonly startMs: number | undefined;
    readonly zeroAfterMs: number;
  },
): string {
  const { family: { kind }, series } = all;
  const unit = chartUnit(all);
  if (kind === "counter") return `${format(averageRate(series, { ...time, zeroAfterMs }), unit)} on average`;
  const values = trendValues(trendOf(all), { fromMs: -Infinity, toMs: Infinity }, -Infinity);
  for (const name of ["p95", "p99", "max", "p50"]) {
    const statistic = values(name);
    if (statistic !== undefined) return `${name} ${statistic.isBound ? "≤\u00a0" : ""}${format(statistic.value, unit)}`;
  }
  const last = series.map((each) => lastValue(each, Infinity)).filter((value) => !Number.isNaN(value));
  const highest = last.reduce((most, value) => Math.max(most, value), -Infinity);
  if (last.length === 0) return "–";
  return `${last.length === 1 ? "last" : "last, highest"} ${format(highest, unit)}`;
}

/** The lines of a family, evaluated for a small chart or for a large one. */
export class FamilyLines {
  readonly #columns = new GridColumns(NaN);
  readonly #trend = new TrendColumns();
  grid: Grid = { startMs: 0, stepMs: 1000, count: 0 };
  note = "";

  /** What each step added to the histogram; undefined for other families. */
  get steps(): (StepHistogram | undefined)[] | undefined {
    return this.#trend.steps;
  }

  /** Evaluates the sums or the extremes of all series, or the quantiles. */
  lines(
    all: FamilySeries,
    { fromMs, toMs, maxSteps, changedMs, isLive, zeroAfterMs, key }: {
      readonly fromMs: number;
      readonly toMs: number;
      readonly maxSteps: number;
      readonly changedMs: number;
      readonly isLive: boolean;
      readonly zeroAfterMs: number;
      readonly key: string;
    },
  ): Line[] {
    this.note = "";
    if (!(toMs >= fromMs)) return [];
    const grid = this.grid = gridOver({ fromMs, toMs }, { intervalMs: all.intervalMs, maxSteps });
    const { family, series } = all;
    const keyed = `${family.name} ${series.length} ${key}`;
    const trend = trendOf(all);
    if (trend !== undefined) {
      const columns = this.#trend.update(trend, grid, {
        key: keyed,
        changedMs,
        zeroAfterMs,
        intervalMs: all.intervalMs,
      });
      if (family.kind === "stats" && series.length > 1) this.note = `Highest of ${series.length} series`;
      return shownStatistics.flatMap(({ name }, index) => {
        const values = columns[index];
        const isThere = values?.some((value) => !Number.isNaN(value)) === true;
        return values === undefined || !isThere ? [] : [{ label: name, values, color: index, dash: index }];
      });
    }
    if (family.kind === "counter") {
      const evaluation: Evaluation = { grid, changedMs, isLive };
      const values = rateOf(series, this.#columns, {
        ...evaluation,
        key: keyed,
        zeroAfterMs,
        intervalMs: all.intervalMs,
        beginsMs: all.firstMs,
        endsMs: all.lastMs,
      });
      return [{
        label: series.length === 1 ? "rate" : `sum of ${series.length} series`,
        values,
        color: 0,
        dash: 0,
        fill: true,
      }];
    }
    const from = this.#columns.prepare(grid, { columns: 2, key: keyed, changedMs });
    const [high = none, low = none] = this.#columns.columns;
    for (const each of series) {
      combineValues(each, grid, high, { how: "max", from });
      if (series.length > 1) combineValues(each, grid, low, { how: "min", from });
    }
    if (series.length === 1) return [{ label: "value", values: high, color: 0, dash: 0 }];
    return [
      { label: "highest", values: high, color: 0, dash: 0 },
      { label: "lowest", values: low, color: 1, dash: 1 },
    ];
  }
}

const none = new Float64Array();

/** Returns the ends of the steps, in seconds. */
export function secondsOf(grid: Grid): number[] {
  return Array.from({ length: grid.count }, (_, index) => endOf(grid, index) / 1000);
}

/** More rows than these are too thin to be told apart. */
const maxRows = 36;

/** Returns the cells of a heat map. Buckets that would be very thin are joined with their neighbours. */
export function cellsOf(steps: readonly (StepHistogram | undefined)[] | undefined): Cell[] {
  const all = (steps ?? []).flatMap((histogram, step) =>
    histogram?.buckets.flatMap(({ low, high, count }) => count > 0 ? [{ step, low, high, count }] : []) ?? []
  );
  const rows = new Set<number>();
  let [least, most] = [Infinity, -Infinity];
  for (const { low, high } of all) {
    if (!(low > 0) || !Number.isFinite(high)) continue;
    rows.add(high);
    [least, most] = [Math.min(least, low), Math.max(most, high)];
  }
  if (rows.size <= maxRows) return all;
  const width = Math.log(most / least) / maxRows;
  const joined = new Map<string, Cell>();
  for (const cell of all) {
    const row = cell.low > 0 ? Math.floor(Math.log(Math.sqrt(cell.low * cell.high) / least) / width) : -1;
    const key = `${cell.step} ${row}`;
    const known = joined.get(key);
    const [low, high] = row < 0
      ? [cell.low, cell.high]
      : [least * Math.exp(row * width), least * Math.exp((row + 1) * width)];
    joined.set(key, { step: cell.step, low, high, count: cell.count + (known?.count ?? 0) });
  }
  return [...joined.values()];
}
