/**
 * Finds what makes too many series.
 *
 * @module
 */
import type { Label } from "../../model/time_series.ts";

/** What is looked at: the first time series of each k6 series has all the labels that its tags make. */
export interface LabelledSeries {
  readonly outputs: readonly { readonly labels: readonly Label[] }[];
}

/** A label and how many values it has. */
export interface BusiestLabel {
  readonly name: string;
  readonly values: number;
  /** Among so many series. */
  readonly series: number;
}

/** A label that makes too many series does so among the first of them, too. */
const maxSeries = 10_000;

/** The label with the most values among the first series; undefined if there are no labels. */
export function busiestLabel(series: Iterable<LabelledSeries>): BusiestLabel | undefined {
  const values = new Map<string, Set<string>>();
  let count = 0;
  for (const { outputs: [first] } of series) {
    if (++count > maxSeries) break;
    for (const { name, value } of first?.labels ?? []) {
      if (name === "__name__") continue;
      const known = values.get(name) ?? new Set();
      values.set(name, known.add(value));
    }
  }
  let busiest: BusiestLabel | undefined;
  for (const [name, { size }] of values) {
    if (size > (busiest?.values ?? 0)) busiest = { name, values: size, series: Math.min(count, maxSeries) };
  }
  return busiest;
}
