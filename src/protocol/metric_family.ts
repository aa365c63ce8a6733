import type { SeriesType } from "../model/time_series.ts";

/**
 * The metric family of a series, by which 1.0 tells what series mean: the series of a classic histogram are one, as in the text
 * that Prometheus scrapes; any other series is a family of its own.
 */
export function familyOf(name: string, type: SeriesType): string {
  return type === "histogram" ? name.replace(/_(?:bucket|sum|count)$/, "") : name;
}
