/**
 * The metric types as both protocol versions number them.
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

/** Returns the number of a type. A string that is no type, from a program without types, counts as `unknown`. */
export function metricTypeNumber(type: SeriesType): number {
  return Math.max(0, types.indexOf(type));
}

/** Returns the type with a number. An unassigned number counts as `unknown`. */
export function metricTypeOf(number: number): SeriesType {
  return types[number] ?? "unknown";
}
