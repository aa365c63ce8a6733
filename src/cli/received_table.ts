/**
 * Sums up received writes in a table with one row per metric name.
 *
 * @module
 */
import { metricName } from "../model/labels.ts";
import { cut, printable } from "../model/printable.ts";
import { type LongTexts, seriesKey } from "../receive/series_key.ts";
import type { TimeSeries } from "../model/time_series.ts";
import { countOf, formatCount } from "./format.ts";

interface Row {
  /** The last value of each series, by its `seriesKey`. */
  readonly last: Map<number, number>;
  samples: number;
}

/** Limits of the memory that a table uses. */
interface ReceivedTableOptions {
  /** The number of metric names; samples of further names are only counted. @default 2000, more than a person reads */
  readonly maxNames?: number;
  /** The number of series whose last value is kept, about 50 bytes each. @default 500000 */
  readonly maxSeries?: number;
}

/** Longer names of metrics are cut, in characters. */
const maxNameLength = 200;

/** Adds up received samples and series by the name of the metric, up to a limit. */
export class ReceivedTable {
  readonly #rows = new Map<string, Row>();
  readonly #maxNames: number;
  readonly #maxSeries: number;
  #series = 0;
  /** Samples of the names that have no row. */
  #otherSamples = 0;
  #isFull = false;

  constructor({ maxNames = 2000, maxSeries = 500_000 }: ReceivedTableOptions = {}) {
    this.#maxNames = maxNames;
    this.#maxSeries = maxSeries;
  }

  /** Adds the series of a request. */
  add(timeSeries: readonly TimeSeries[]): void {
    const longTexts: LongTexts = new Map();
    for (const { labels, samples = [], histograms = [] } of timeSeries) {
      const row = this.#rowOf(metricName(labels) ?? "(no name)");
      if (row === undefined) {
        this.#otherSamples += samples.length + histograms.length;
        continue;
      }
      row.samples += samples.length + histograms.length;
      const last = samples.findLast(({ stale }) => stale !== true)?.value ??
        histograms.findLast(({ stale }) => stale !== true)?.count;
      if (last !== undefined) this.#setLast(row, { key: seriesKey(labels, longTexts), last });
    }
  }

  #rowOf(name: string): Row | undefined {
    const shown = cut(name, maxNameLength);
    const known = this.#rows.get(shown);
    if (known !== undefined || this.#rows.size === this.#maxNames) return known;
    const row = { last: new Map<number, number>(), samples: 0 };
    this.#rows.set(shown, row);
    return row;
  }

  #setLast(row: Row, { key, last }: { readonly key: number; readonly last: number }): void {
    if (!row.last.has(key)) {
      this.#isFull ||= this.#series === this.#maxSeries;
      if (this.#isFull) return;
      this.#series++;
    }
    row.last.set(key, last);
  }

  /** Returns the table and its totals. */
  format(): string {
    if (this.#rows.size === 0) return "Nothing arrived.\n";
    const series = this.#series;
    const samples = [...this.#rows.values()].reduce((sum, row) => sum + row.samples, this.#otherSamples);
    const all = [...this.#rows].map(([name, row]) => ({ name, ...row, values: [...row.last.values()] }));
    const rows = [...groupBy(all, ({ name }) => this.#stemOf(name))].sort(([a], [b]) => (a < b ? -1 : 1)).map(
      ([stem, group]) => {
        const stats = group.map(({ name }) => name.slice(stem.length + 1));
        return [
          group.length === 1 ? group[0]?.name ?? stem : `${stem}_*`,
          formatCount(group.reduce((sum, { values }) => sum + values.length, 0)),
          formatCount(group.reduce((sum, row) => sum + row.samples, 0)),
          // Counts and sums are not in the unit of the other values.
          formatRange(
            group.filter((_, index) => !/^(count|sum)$/.test(stats[index] ?? "")).flatMap(({ values }) => values),
          ),
        ];
      },
    );
    const columns = [
      { title: "METRIC" },
      { title: "SERIES", right: true },
      { title: "SAMPLES", right: true },
      { title: "LAST VALUES" },
    ];
    const total = `${countOf(this.#rows.size, "metric name")}, ${formatCount(series)} series, ${
      countOf(samples, "sample")
    }`;
    const others = [
      ...(this.#otherSamples > 0 ? [`${countOf(this.#otherSamples, "sample")} of further names are not shown`] : []),
      ...(this.#isFull ? ["further series are not counted"] : []),
    ];
    return `\n${formatTable(columns, rows)}\n${[total, ...others].join("; ")}\n`;
  }

  /** Returns the common part of a trend's names, so that its statistics share one row. `vus_max` does not belong to `vus`. */
  #stemOf(name: string): string {
    const stem = /^(.*)_(?:min|max|avg|med|count|sum|p\d+(?:_\d+)?)$/.exec(name)?.[1];
    return stem === undefined || this.#rows.has(stem) ? name : stem;
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function formatRange(values: readonly number[]): string {
  if (values.length === 0) return "";
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low === high ? formatValue(low) : `${formatValue(low)} to ${formatValue(high)}`;
}

/** Formats a value with up to six significant digits. */
function formatValue(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

/** A column of a table. */
interface Column {
  readonly title: string;
  /** Aligns the cells to the right, for numbers. */
  readonly right?: boolean;
}

/** Formats rows under titles; each column is as wide as its longest cell. */
function formatTable(columns: readonly Column[], cells: readonly (readonly string[])[]): string {
  // A line break in a name would begin a row.
  const rows = cells.map((row) => row.map(printable));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string =>
    columns.map(({ right }, index) => {
      const cell = cells[index] ?? "";
      return right === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
    }).join("  ").trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].map((text) => `${text}\n`).join("");
}
