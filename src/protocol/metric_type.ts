/**
 * The kinds of series as both protocol versions number them.
 *
 * @module
 */
import type { SeriesType } from "../model/time_series.ts";

const types: readonly SeriesType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

/** The enum's number. */
export function metricTypeNumber(type: SeriesType): number {
  return types.indexOf(type);
}

/** The kind with this number; one that is not known is `unknown`. */
export function metricTypeOf(number: number): SeriesType {
  return types[number] ?? "unknown";
}
