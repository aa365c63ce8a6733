/**
 * Makes batches of the time series that a program passes, and checks the series: receivers store wrong ones silently, or
 * reject the whole request.
 *
 * @module
 */
import { FormatError } from "../model/errors.ts";
import { byName } from "../model/labels.ts";
import type { Exemplar, FloatSample, HistogramValue, Label, TimeSeries } from "../model/time_series.ts";
import { Batch, emptyHistogram } from "./batch.ts";
import { EncodedSeries } from "./encoded_series.ts";
import { checkHistogram } from "./histogram_rules.ts";
import { metadataTexts } from "./metadata_store.ts";

/** A sample or histogram of a series. */
interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: HistogramValue | undefined;
}

/** A series with everything that is sent of it. */
interface Entry {
  readonly series: EncodedSeries;
  readonly points: Point[];
  readonly exemplars: Exemplar[];
}

/** The names that may be sent. */
export interface NameRules {
  /** Matches the names of metrics. */
  readonly metric: RegExp;
  /** Matches the names of labels. */
  readonly label: RegExp;
  /** Sorts labels by the bytes of their names. */
  readonly compare: (a: Label, b: Label) => number;
}

/** The names of 1.0, which 2.0 prefers. */
const namesV1: NameRules = {
  metric: /^[a-zA-Z_:][a-zA-Z0-9_:]*$/,
  label: /^[a-zA-Z_][a-zA-Z0-9_]*$/,
  compare: byName,
};

/** What `batchesOf` does with series. */
export interface TimeSeriesBatchOptions {
  /** The number of batches. All samples of a series are in the same batch. @default 1 */
  readonly shards?: number | undefined;
  /** The names that may be sent. @default the names of 1.0 */
  readonly names?: NameRules | undefined;
  /** Receives what is wrong with a series, and how many samples are left out with it. @default throws the error */
  readonly onInvalid?: ((error: FormatError, samples: number) => void) | undefined;
}

/**
 * Makes one batch. Sorts labels and samples, and joins series with the same labels.
 *
 * @throws FormatError that names the series and what is wrong with it
 */
export function batchOf(timeSeries: readonly TimeSeries[]): Batch {
  return batchesOf(timeSeries)[0] ?? new Batch();
}

/**
 * Makes a batch for each shard, without the series that cannot be sent.
 *
 * @returns batches by shard
 * @throws FormatError if there is no `onInvalid`
 */
export function batchesOf(
  timeSeries: readonly TimeSeries[],
  { shards = 1, names = namesV1, onInvalid }: TimeSeriesBatchOptions = {},
): readonly (Batch | undefined)[] {
  const attempt = (samples: number, run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (onInvalid === undefined || !(error instanceof FormatError)) throw error;
      onInvalid(error, samples);
    }
  };
  if (!Array.isArray(timeSeries)) throw new FormatError("Cannot send the series: they are no list, expected an array");
  const merged = new Map<string, Entry>();
  for (const each of timeSeries) {
    attempt((each?.samples?.length ?? 0) + (each?.histograms?.length ?? 0), () => {
      if (!Array.isArray(each?.labels)) {
        throw new FormatError("Cannot send a series: it has no labels, expected a list");
      }
      const read = readSeries(each, names);
      const key = JSON.stringify(read.series.labels);
      const entry = merged.get(key);
      if (entry === undefined) return void merged.set(key, read);
      // One by one, because an engine limits the arguments of a call.
      for (const point of read.points) entry.points.push(point);
      for (const exemplar of read.exemplars) entry.exemplars.push(exemplar);
    });
  }
  const batches: (Batch | undefined)[] = [];
  for (const entry of merged.values()) {
    attempt(entry.points.length, () => {
      const points = checkedPoints(entry);
      push(batches[entry.series.hash % shards] ??= new Batch(), { ...entry, points });
    });
  }
  return batches;
}

function readSeries(
  { labels, samples = [], histograms = [], exemplars = [], metadata }: TimeSeries,
  names: NameRules,
): Entry {
  const sorted = sortedLabels(labels, names);
  checkLabels(sorted, names);
  const toPoint = (
    { timestamp, startTimestamp, stale = false }: Omit<FloatSample, "value">,
    value: number,
    histogram?: HistogramValue,
  ): Point => ({
    time: toTime(timestamp, sorted),
    start: toTime(startTimestamp ?? 0, sorted),
    value,
    stale,
    histogram,
  });
  return {
    series: new EncodedSeries(sorted, metadata && metadataTexts(metadata)),
    points: [
      ...samples.map((sample) => toPoint(sample, sample.value)),
      ...histograms.map((histogram) => {
        // A receiver reads only the sum's bits of a marker.
        if (histogram.stale) return toPoint(histogram, 0, emptyHistogram);
        checkHistogram(histogram, (_, problem) => fail(sorted, problem));
        return toPoint(histogram, 0, histogram);
      }),
    ],
    exemplars: exemplars.flatMap(({ labels, value, timestamp }) => {
      const time = toTime(timestamp, sorted);
      const own = sortedLabels(labels, names);
      const valid = own.every(({ name }, index) => name !== "" && name !== own[index - 1]?.name);
      // A receiver would reject the exemplar together with its sample. A time of 0 is a missing one.
      return valid && time !== 0 ? [{ labels: own, value, timestamp: time }] : [];
    }),
  };
}

/** Returns the points in order, without repetitions: the same point twice is harmless. */
function checkedPoints({ series: { labels }, points }: Entry): Point[] {
  points.sort((a, b) => a.time - b.time);
  const kept = points.filter((point, index) => !isSame(point, points[index - 1]));
  if (kept.length === 0) fail(labels, "it has no sample, expected at least one sample or histogram");
  kept.forEach(({ time, histogram }, index) => {
    const before = kept[index - 1];
    if (before?.time === time) fail(labels, `it has two samples at ${time}, expected one sample per millisecond`);
    if (before && !before.histogram !== !histogram) {
      fail(labels, "it has samples and histograms, expected one of the two");
    }
  });
  return kept;
}

function isSame(a: Point, b: Point | undefined): boolean {
  if (a.time !== b?.time || a.stale !== b.stale || !Object.is(a.value, b.value)) return false;
  return a.histogram === b.histogram || JSON.stringify(a.histogram) === JSON.stringify(b.histogram);
}

function push(batch: Batch, { series, points, exemplars }: Entry): void {
  // Unlike the series of an output, these live as long as their batch. Estimated: 400 bytes, and 100 for each label.
  batch.bytes += 400 + 100 * series.labels.length + 3 * series.labelsV1.length;
  for (const { time, start, value, stale, histogram } of points) {
    const at = stale
      ? batch.pushStale(series, time, histogram)
      : histogram === undefined
      ? batch.push(series, value, time)
      : batch.pushHistogram(series, histogram, time);
    // A start later than its sample has no meaning.
    if (start !== 0 && start <= time) batch.setStart(at, start);
  }
  if (exemplars.length > 0) {
    exemplars.sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
    batch.setExemplars(batch.length - points.length, exemplars);
  }
}

function checkLabels(sorted: readonly Label[], names: NameRules): void {
  const check = (kind: string, name: string, rule: RegExp): void => {
    if (!rule.test(name)) {
      fail(sorted, `it has the ${kind} name "${name}", expected a name of the form ${rule.source.slice(1, -1)}`);
    }
  };
  sorted.forEach(({ name, value }, index) => {
    check("label", name, names.label);
    if (name === sorted[index - 1]?.name) fail(sorted, `it has two labels "${name}", expected each name once`);
    if (name === "__name__") check("metric", value, names.metric);
  });
  if (metricName(sorted) === undefined) fail(sorted, "it has no metric name, expected a label __name__");
}

/** Returns labels without empty values. An unpaired surrogate becomes U+FFFD, so that labels differ here as they do in UTF-8. */
function sortedLabels(labels: readonly Label[], { compare }: NameRules): Label[] {
  return labels.map(({ name, value }) => ({ name: String(name), value: String(value ?? "").toWellFormed() }))
    .filter(({ value }) => value !== "").sort(compare);
}

function metricName(labels: readonly Label[]): string | undefined {
  return labels.find(({ name }) => name === "__name__")?.value;
}

/** Returns milliseconds as a number, which must hold them exactly. */
function toTime(value: number | bigint, labels: readonly Label[]): number {
  const time = Number(value);
  if (!Number.isSafeInteger(time)) fail(labels, `it has the timestamp ${value}, expected whole milliseconds`);
  return time;
}

/** The limit of each part of a message, in characters: a hostile series can be as long as its request. */
const maxMessagePart = 500;

function fail(labels: readonly Label[], problem: string): never {
  const rest = labels.filter(({ name }) => name !== "__name__")
    .map(({ name, value }) => `${name}=${JSON.stringify(value)}`);
  const series = `${metricName(labels) ?? ""}{${rest.join(",")}}`.slice(0, maxMessagePart);
  throw new FormatError(`Cannot send the series ${series}: ${problem.slice(0, maxMessagePart)}`);
}
