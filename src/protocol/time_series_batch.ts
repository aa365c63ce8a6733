/**
 * Makes a batch of time series that a program hands over, and checks them on the way: receivers store wrong ones silently,
 * or not at all.
 *
 * @module
 */
import type { HistogramValue } from "../model/time_series.ts";
import { FormatError } from "../model/errors.ts";
import { byName } from "../model/labels.ts";
import type { Exemplar, Label, TimeSeries } from "../model/time_series.ts";
import { Batch, emptyHistogram } from "./batch.ts";
import { checkHistogram } from "./histogram_rules.ts";
import { metadataTexts } from "./metadata_store.ts";
import { EncodedSeries } from "./encoded_series.ts";

/** What a batch takes at one time. */
interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: HistogramValue | undefined;
}

/** A series with all that is to be sent of it. */
interface Entry {
  readonly series: EncodedSeries;
  readonly points: Point[];
  readonly exemplars: Exemplar[];
}

/** Which names may be sent. */
export interface NameRules {
  /** Of metrics. */
  readonly metric: RegExp;
  /** Of labels. */
  readonly label: RegExp;
  /** Puts labels in the byte order of their names. */
  readonly compare: (a: Label, b: Label) => number;
}

/** Those of 1.0, which 2.0 prefers. */
const namesV1: NameRules = {
  metric: /^[a-zA-Z_:][a-zA-Z0-9_:]*$/,
  label: /^[a-zA-Z_][a-zA-Z0-9_]*$/,
  compare: byName,
};

/** How to make batches. */
export interface TimeSeriesBatchOptions {
  /** How many batches to make, so that a series is always in the same of them. @default 1 */
  readonly shards?: number;
  /** @default those of 1.0 */
  readonly names?: NameRules;
  /** Takes what is wrong with a series, and how many samples are left out with it. @default it is thrown */
  readonly onInvalid?: (error: FormatError, samples: number) => void;
}

/**
 * Sorts labels and samples; joins series with the same labels.
 *
 * @throws FormatError that names the series and what is wrong with it
 */
export function batchOf(timeSeries: readonly TimeSeries[]): Batch {
  return batchesOf(timeSeries)[0] ?? new Batch();
}

/**
 * The same for several shards, and without the series that cannot be sent.
 *
 * @returns batches by shard
 * @throws FormatError if nothing takes it instead
 */
export function batchesOf(
  timeSeries: readonly TimeSeries[],
  { shards = 1, names = namesV1, onInvalid = rethrow }: TimeSeriesBatchOptions = {},
): readonly (Batch | undefined)[] {
  const merged = new Map<string, Entry>();
  for (const each of timeSeries) {
    const { samples = [], histograms = [] } = each;
    attempt(samples.length + histograms.length, onInvalid, () => {
      const { series, points, exemplars } = read(each, names);
      const key = JSON.stringify(series.labels.flatMap(({ name, value }) => [name, value]));
      const entry = merged.get(key) ?? { series, points: [], exemplars: [] };
      merged.set(key, entry);
      // One by one: as arguments of one call, many would be too many.
      for (const point of points) entry.points.push(point);
      for (const exemplar of exemplars) entry.exemplars.push(exemplar);
    });
  }
  const batches: (Batch | undefined)[] = [];
  for (const entry of merged.values()) {
    attempt(entry.points.length, onInvalid, () => {
      const points = checkedPoints(entry);
      push(batches[entry.series.hash % shards] ??= new Batch(), { ...entry, points });
    });
  }
  return batches;
}

function attempt(samples: number, onInvalid: (error: FormatError, samples: number) => void, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    onInvalid(error, samples);
  }
}

function rethrow(error: FormatError): never {
  throw error;
}

function read(
  { labels, samples = [], histograms = [], exemplars = [], metadata }: TimeSeries,
  names: NameRules,
): Entry {
  const checked = checkLabels(labels, names);
  return {
    series: new EncodedSeries(checked, metadata && metadataTexts(metadata)),
    points: [
      ...samples.map(({ value, timestamp, startTimestamp, stale = false }) => ({
        ...times(timestamp, startTimestamp, checked),
        value,
        stale,
        histogram: undefined,
      })),
      ...histograms.map((histogram) => {
        const { timestamp, startTimestamp, stale = false } = histogram;
        // Prometheus answers 500, again and again, to counts that do not add up, and cannot query a schema it does not know.
        if (!stale) {
          checkHistogram(histogram, (_, message) => {
            throw refused(checked, message);
          });
        }
        // Of a marker, only the bits of its sum count.
        const value = stale ? emptyHistogram : histogram;
        return { ...times(timestamp, startTimestamp, checked), value: 0, stale, histogram: value };
      }),
    ],
    exemplars: exemplars.flatMap(({ labels, value, timestamp }) => {
      const { time } = times(timestamp, undefined, checked);
      const sorted = sortedLabels(labels, names);
      const valid = sorted.every(({ name }, index) => name !== "" && name !== sorted[index - 1]?.name);
      // What receivers refuse must not take its sample with it; a time of 0 is none on the wire.
      return valid && time !== 0 ? [{ labels: sorted, value, timestamp: time }] : [];
    }),
  };
}

/** In order, each once. */
function checkedPoints({ series: { labels }, points }: Entry): Point[] {
  points.sort((a, b) => a.time - b.time);
  const kept = points.filter((point, index) => !isSame(point, points[index - 1]));
  kept.forEach(({ time, histogram }, index) => {
    const before = kept[index - 1];
    if (before?.time === time) throw wrong(labels, `two samples at ${time}`, "one sample a millisecond");
    if (before !== undefined && (before.histogram === undefined) !== (histogram === undefined)) {
      throw wrong(labels, "samples and histograms", "one of the two");
    }
  });
  if (kept.length === 0) throw wrong(labels, "no sample", "at least one sample or histogram");
  return kept;
}

/** The same once more does no harm, and is no reason to lose it. */
function isSame(a: Point, b: Point | undefined): boolean {
  if (a.time !== b?.time || a.stale !== b.stale || !Object.is(a.value, b.value)) return false;
  return a.histogram === b.histogram || JSON.stringify(a.histogram) === JSON.stringify(b.histogram);
}

function push(batch: Batch, { series, points, exemplars }: Entry): void {
  // Unlike an output's, these series live as long as their batch.
  batch.bytes += seriesBytes + labelBytes * series.labels.length + 3 * series.labelsV1.length;
  for (const { time, start, value, stale, histogram } of points) {
    const at = stale
      ? batch.pushStale(series, time, histogram)
      : histogram === undefined
      ? batch.push(series, value, time)
      : batch.pushHistogram(series, histogram, time);
    // One that is later than its sample says nothing.
    if (start !== 0 && start <= time) batch.setStart(at, start);
  }
  if (exemplars.length > 0) {
    exemplars.sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
    batch.setExemplars(batch.length - points.length, exemplars);
  }
}

/** Estimated: a series and each of its labels, beside their texts. */
const [seriesBytes, labelBytes] = [400, 100] as const;

function checkLabels(labels: readonly Label[], names: NameRules): readonly Label[] {
  const sorted = sortedLabels(labels, names);
  sorted.forEach(({ name, value }, index) => {
    if (!names.label.test(name)) throw wrong(sorted, `the label name "${name}"`, formOf(names.label));
    if (name === sorted[index - 1]?.name) throw wrong(sorted, `two labels "${name}"`, "each name once");
    if (name === "__name__" && !names.metric.test(value)) {
      throw wrong(sorted, `the metric name "${value}"`, formOf(names.metric));
    }
  });
  if (!sorted.some(({ name }) => name === "__name__")) throw wrong(sorted, "no metric name", "a label __name__");
  return sorted;
}

/** Without empty values; as UTF-8 has them, so that what differs here differs there too. */
function sortedLabels(labels: readonly Label[], { compare }: NameRules): Label[] {
  return labels.map(({ name, value }) => ({ name: String(name), value: String(value ?? "").toWellFormed() }))
    .filter(({ value }) => value !== "").sort(compare);
}

function formOf({ source }: RegExp): string {
  return `a name of the form ${source.slice(1, -1)}`;
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

const maxSeriesText = 500;

function wrong(labels: readonly Label[], what: string, expected: string): FormatError {
  return refused(labels, `it has ${what}, expected ${expected}`);
}

function refused(labels: readonly Label[], problem: string): FormatError {
  const name = labels.find((label) => label.name === "__name__")?.value ?? "";
  const rest = labels.filter((label) => label.name !== "__name__")
    .map((label) => `${label.name}=${JSON.stringify(label.value)}`);
  // A hostile series is as long as its request, and the message goes into an answer and a log.
  const series = `${name}{${rest.join(",")}}`.slice(0, maxSeriesText);
  return new FormatError(`Cannot send the series ${series}: ${problem.slice(0, maxSeriesText)}`);
}
