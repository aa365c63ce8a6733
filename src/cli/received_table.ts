/**
 * What arrived, as a table: a row a metric name.
 *
 * @module
 */
import type { TimeSeries } from "../time_series.ts";
import { countOf, formatCount, formatTable, formatValue } from "./format.ts";

interface Row {
  /** The last value of each series, by its labels. */
  readonly last: Map<string, number>;
  samples: number;
}

/** Adds up what arrives. */
export class ReceivedTable {
  readonly #rows = new Map<string, Row>();

  /** Takes the series of a request. */
  add(timeSeries: readonly TimeSeries[]): void {
    for (const { labels, samples = [], histograms = [] } of timeSeries) {
      const name = labels.find((label) => label.name === "__name__")?.value ?? "(no name)";
      const row = this.#rows.get(name) ?? { last: new Map<string, number>(), samples: 0 };
      this.#rows.set(name, row);
      row.samples += samples.length + histograms.length;
      const key = JSON.stringify(labels.flatMap(({ name, value }) => [name, value]).sort());
      for (const { value, stale } of samples) if (stale !== true) row.last.set(key, value);
      for (const { count, stale } of histograms) if (stale !== true) row.last.set(key, count);
    }
  }

  /** The table, and what it adds up to. */
  format(): string {
    if (this.#rows.size === 0) return "Nothing arrived.\n";
    const all = [...this.#rows].map(([name, row]) => ({ name, ...row, values: [...row.last.values()] }));
    const series = all.reduce((sum, { values }) => sum + values.length, 0);
    const samples = all.reduce((sum, row) => sum + row.samples, 0);
    const rows = [...groupBy(all, ({ name }) => this.#stemOf(name))].sort(([a], [b]) => (a < b ? -1 : 1)).map(
      ([stem, group]) => {
        const stats = group.map(({ name }) => name.slice(stem.length + 1));
        return [
          group.length === 1 ? group[0]?.name ?? stem : `${stem}_*`,
          formatCount(group.reduce((sum, { values }) => sum + values.length, 0)),
          formatCount(group.reduce((sum, row) => sum + row.samples, 0)),
          // Counts and sums are of another kind than the values.
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
    return `\n${formatTable(columns, rows)}\n${total}\n`;
  }

  /** The stats of a trend make one row, as there are many: what their names have in common. `vus_max` is no stat of `vus`. */
  #stemOf(name: string): string {
    const stem = /^(.*)_(?:min|max|avg|med|count|sum|p\d+(?:_\d+)?)$/.exec(name)?.[1];
    return stem === undefined || this.#rows.has(stem) ? name : stem;
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...groups.get(key) ?? [], item]);
  }
  return groups;
}

function formatRange(values: readonly number[]): string {
  if (values.length === 0) return "";
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low === high ? formatValue(low) : `${formatValue(low)} to ${formatValue(high)}`;
}
