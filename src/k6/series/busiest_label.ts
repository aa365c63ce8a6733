/**
 * Finds the label that makes too many series.
 *
 * @module
 */
import type { Label } from "../../model/time_series.ts";

/** A k6 series. Only the labels of its first time series are examined, because it has all that come from tags. */
export interface LabelledSeries {
  readonly output: { readonly labels: readonly Label[] };
}

/** A label and its number of values. */
interface BusiestLabel {
  readonly name: string;
  readonly values: number;
  /** The number of series that were examined. */
  readonly series: number;
}

/** A label that makes too many series already does so among the first ones. */
const maxSeries = 10_000;

/** Returns the label with the most values among the first series; undefined if there are no labels. */
export function busiestLabel(series: Iterable<LabelledSeries>): BusiestLabel | undefined {
  const values = new Map<string, Set<string>>();
  let count = 0;
  for (const { output } of series) {
    for (const { name, value } of output.labels) {
      if (name !== "__name__") values.set(name, (values.get(name) ?? new Set()).add(value));
    }
    if (++count === maxSeries) break;
  }
  const [busiest] = [...values].sort(([, a], [, b]) => b.size - a.size);
  return busiest && { name: busiest[0], values: busiest[1].size, series: count };
}
