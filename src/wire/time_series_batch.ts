/**
 * Makes a batch of time series that a program hands over, and checks them on the way: receivers store wrong ones silently,
 * or not at all.
 *
 * @module
 */
import type { HistogramValue } from "../aggregate/sink.ts";
import { FormatError } from "../errors.ts";
import { byName } from "../mapping/labels.ts";
import type { Exemplar, Histogram, Label, TimeSeries } from "../time_series.ts";
import { Batch } from "./batch.ts";
import { WireSeries } from "./wire_series.ts";

/** What a batch takes at one time. */
interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: HistogramValue | undefined;
}

/**
 * Sorts labels and samples; joins series with the same labels.
 *
 * @throws FormatError that names the series and what is wrong with it
 */
export function batchOf(timeSeries: readonly TimeSeries[]): Batch {
  const merged = new Map<string, { series: WireSeries; points: Point[]; exemplars: Exemplar[] }>();
  for (const { labels, samples = [], histograms = [], exemplars = [], metadata } of timeSeries) {
    const checked = checkLabels(labels);
    const key = JSON.stringify(checked.flatMap(({ name, value }) => [name, value]));
    let entry = merged.get(key);
    if (entry === undefined) {
      entry = { series: new WireSeries(checked, metadata), points: [], exemplars: [] };
      merged.set(key, entry);
    }
    for (const { value, timestamp, startTimestamp, stale = false } of samples) {
      entry.points.push({ ...times(timestamp, startTimestamp, checked), value, stale, histogram: undefined });
    }
    for (const histogram of histograms) {
      const { timestamp, startTimestamp, stale = false } = histogram;
      checkHistogram(histogram, checked);
      entry.points.push({ ...times(timestamp, startTimestamp, checked), value: 0, stale, histogram });
    }
    for (const exemplar of exemplars) {
      times(exemplar.timestamp, undefined, checked);
      entry.exemplars.push({ ...exemplar, labels: exemplar.labels.filter(({ value }) => value !== "") });
    }
  }
  const batch = new Batch();
  for (const { series, points, exemplars } of merged.values()) push(batch, series, points, exemplars);
  return batch;
}

function push(batch: Batch, series: WireSeries, points: Point[], exemplars: Exemplar[]): void {
  points.sort((a, b) => a.time - b.time);
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before?.time === point.time) {
      throw wrong(series.labels, `two samples at ${point.time}`, "one sample a millisecond");
    }
    if (before !== undefined && (before.histogram === undefined) !== (point.histogram === undefined)) {
      throw wrong(series.labels, "samples and histograms", "one of the two");
    }
    const at = point.stale
      ? batch.pushStale(series, point.time, point.histogram)
      : point.histogram === undefined
      ? batch.push(series, point.value, point.time)
      : batch.pushHistogram(series, point.histogram, point.time);
    if (point.start !== 0) batch.setStart(at, point.start);
  });
  if (points.length === 0) throw wrong(series.labels, "no sample", "at least one sample or histogram");
  if (exemplars.length > 0) {
    exemplars.sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
    batch.setExemplars(batch.length - points.length, exemplars);
  }
}

function checkLabels(labels: readonly Label[]): readonly Label[] {
  const sorted = labels.map(({ name, value }) => ({ name, value })).filter(({ value }) => value !== "").sort(byName);
  sorted.forEach(({ name, value }, index) => {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
      throw wrong(sorted, `the label name "${name}"`, "a name of the form [a-zA-Z_][a-zA-Z0-9_]*");
    }
    if (name === sorted[index - 1]?.name) throw wrong(sorted, `two labels "${name}"`, "each name once");
    if (name === "__name__" && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value)) {
      throw wrong(sorted, `the metric name "${value}"`, "a name of the form [a-zA-Z_:][a-zA-Z0-9_:]*");
    }
  });
  if (!sorted.some(({ name }) => name === "__name__")) throw wrong(sorted, "no metric name", "a label __name__");
  return sorted;
}

/** Milliseconds that a number holds exactly. */
function times(
  timestamp: number | bigint,
  start: number | bigint | undefined,
  labels: readonly Label[],
): { time: number; start: number } {
  for (const value of [timestamp, start ?? 0]) {
    if (!Number.isSafeInteger(Number(value))) throw wrong(labels, `the timestamp ${value}`, "whole milliseconds");
  }
  return { time: Number(timestamp), start: Number(start ?? 0) };
}

/** Prometheus answers 500, for ever, to counts that do not add up, and cannot query a schema it does not know. */
function checkHistogram(histogram: Histogram, labels: readonly Label[]): void {
  const { schema, count, zeroCount, sum, float = false, stale = false } = histogram;
  if (stale) return;
  if (!(schema === -53 || (Number.isInteger(schema) && schema >= -4 && schema <= 8))) {
    throw wrong(labels, `a histogram of schema ${schema}`, "-4 to 8, or -53");
  }
  const sides = [
    { spans: histogram.positiveSpans, counts: histogram.positiveCounts },
    { spans: histogram.negativeSpans, counts: histogram.negativeCounts },
  ];
  let total = zeroCount;
  for (const { spans, counts } of sides) {
    const buckets = spans.reduce((all, { length }) => all + length, 0);
    if (buckets !== counts.length) {
      throw wrong(labels, `${counts.length} counts in spans of ${buckets}`, "as many of both");
    }
    if (spans.some(({ offset }, index) => index > 0 && offset < 0)) {
      throw wrong(labels, "spans that overlap", "a rising order");
    }
    for (const value of counts) total += value;
  }
  const all = [count, zeroCount, ...histogram.positiveCounts, ...histogram.negativeCounts];
  if (all.some((value) => !(value >= 0) || (!float && !Number.isSafeInteger(value)))) {
    throw wrong(labels, "a histogram with a count that is negative or no integer", "counts from 0");
  }
  // Observations that are NaN are in the count and in no bucket.
  if (!float && (Number.isNaN(sum) ? count < total : count !== total)) {
    throw wrong(labels, `a histogram of count ${count} with ${total} in its buckets`, "counts that add up");
  }
}

function wrong(labels: readonly Label[], what: string, expected: string): FormatError {
  const name = labels.find((label) => label.name === "__name__")?.value ?? "";
  const rest = labels.filter((label) => label.name !== "__name__")
    .map((label) => `${label.name}=${JSON.stringify(label.value)}`);
  return new FormatError(`Cannot send the series ${name}{${rest.join(",")}}: it has ${what}, expected ${expected}`);
}
