/**
 * Reads series in the forms in which people write them.
 *
 * @module
 */
import { FormatError } from "../model/errors.ts";
import { isObject, type UnknownRecord } from "../model/records.ts";
import type { Label, SeriesArgument, TimeSeries } from "../model/time_series.ts";

/** The form that the messages show. */
const example = '{ name: "a", labels: { b: "c" }, value: 3 }';

/**
 * Returns series in their full form: labels as a list, samples with timestamps. A sample without a timestamp gets `now`.
 *
 * @param input one series or a list of them
 * @throws FormatError that shows the right form, if a series, its labels, a value or a time has another type
 */
export function timeSeriesOf(input: SeriesArgument, now: number): readonly TimeSeries[];
export function timeSeriesOf(input: unknown, now: number): readonly unknown[] {
  return (Array.isArray(input) ? input : [input]).map((series) => completeSeries(series, now));
}

function completeSeries(series: unknown, now: number): UnknownRecord {
  if (!isObject(series)) throw wrongForm(series);
  const { name, labels, value, timestamp, startTimestamp, stale, ...rest } = series;
  const all = labelsOf(labels, name);
  const points = (what: string): UnknownRecord[] | undefined => {
    const list = what === "samples" && "value" in series ? [{ value, timestamp, startTimestamp, stale }] : rest[what];
    // Programs without types may pass null.
    if (list === undefined || list === null) return undefined;
    if (!Array.isArray(list)) throw wrongForm(list, `its field ${what}`, name);
    return list.map((point: unknown) => {
      if (!isObject(point)) throw wrongForm(point, `one of its ${what}`, name);
      const { value, timestamp = now, startTimestamp = 0, stale } = point;
      // A staleness marker and a histogram need no value.
      if (typeof value !== "number" && !stale && what !== "histograms") {
        throw wrongForm(value, "its field value", name, "a number");
      }
      for (const time of [timestamp, startTimestamp]) {
        // A string or a Date would become a number, and not always the right one.
        if (!["number", "bigint"].includes(typeof time)) {
          throw wrongForm(time, "its field timestamp", name, "milliseconds (Date.now())");
        }
      }
      return { ...point, timestamp, ...(what === "exemplars" && { labels: labelsOf(point.labels) }) };
    });
  };
  const [samples, histograms, exemplars] = ["samples", "histograms", "exemplars"].map(points);
  return { ...rest, labels: all, samples, histograms, exemplars };
}

/** Returns labels as a list. @param name the value of `__name__`, if it is given separately */
function labelsOf(labels: unknown = {}, name?: unknown): Label[] {
  // The entries of a Map would get lost.
  const isList = Array.isArray(labels);
  if (!isObject(labels) || (!isList && Symbol.iterator in labels)) throw wrongForm(labels, "its field labels", name);
  const list: unknown[] = isList ? labels : Object.entries(labels).map(([name, value]) => ({ name, value }));
  return (name === undefined ? list : [...list, { name: "__name__", value: name }]).map((label) => {
    if (isObject(label) && "name" in label) return { name: String(label.name), value: String(label.value ?? "") };
    throw wrongForm(label, "one of its labels", name);
  });
}

function wrongForm(value: unknown, what = "it", name?: unknown, expected = example): FormatError {
  const series = typeof name === "string" ? `the series ${name.slice(0, 200)}` : "a series";
  const shown = value === undefined || value === null
    ? value
    : typeof value === "string"
    ? JSON.stringify(value.slice(0, 50))
    : `of type ${Object.prototype.toString.call(value).slice(8, -1)}`;
  return new FormatError(`Cannot send ${series}: ${what} is ${shown}, expected ${expected}`);
}
