/**
 * Reads the time series that a program passes, and checks them: receivers store wrong ones silently, or reject the whole request.
 *
 * @module
 */
import { FormatError } from "../model/errors.ts";
import { byName, compareUtf8, metricName } from "../model/labels.ts";
import type {
  Exemplar,
  FloatSample,
  Histogram,
  HistogramValue,
  Label,
  Metadata,
  TimeSeries,
} from "../model/time_series.ts";

/** A sample or histogram of a series. */
export interface Point {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** The start timestamp, in milliseconds since the Unix epoch. 0 if it is unknown. */
  readonly start: number;
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: HistogramValue | undefined;
}

/** The labels of a series as they are sent. */
export interface CheckedLabels {
  /** Sorted by name, unique, valid, without empty values. */
  readonly labels: readonly Label[];
  /** Whether 1.0 allows the names. */
  readonly isV1: boolean;
  /** The labels as one string. */
  readonly key: string;
}

/** A series with everything that is sent of it. */
export interface SeriesPoints extends CheckedLabels {
  readonly metadata: Metadata | undefined;
  /** In the order of their times, which differ. */
  readonly points: readonly Point[];
  /** In the order of their times. */
  readonly exemplars: readonly Exemplar[];
}

/** A series whose points are not complete. */
interface Entry extends SeriesPoints {
  points: Point[];
  readonly exemplars: Exemplar[];
}

/** The names that may be sent. */
export interface NameRules {
  /** Reports whether a name may be sent that 1.0 does not allow. */
  readonly allows: (name: string) => boolean;
  /** Sorts labels by the bytes of their names. */
  readonly compare: (a: Label, b: Label) => number;
}

/** The names of 1.0, which 2.0 prefers. */
const namesV1: NameRules = { allows: () => false, compare: byName };
const metricNameV1 = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelNameV1 = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Names of any characters, as 2.0 allows. */
export const utf8Names: NameRules = { allows: (name) => name !== "", compare: (a, b) => compareUtf8(a.name, b.name) };

/** Receives what is wrong with a series, and how many samples are left out with it. */
export type OnInvalid = (error: FormatError, samples: number) => void;

/** Which names may be sent, how histograms are read, and who gets the errors. */
interface ReadSeriesOptions {
  /**
   * Returns the value of a histogram. `fail` throws the error that the histogram cannot be sent. It is a parameter so that a sender
   * of floats does not contain the checks of histograms.
   */
  readonly readHistogram: (histogram: Histogram, fail: (problem: string) => never) => HistogramValue;
  /** The names that may be sent. @default the names of 1.0 */
  readonly names?: NameRules | undefined;
  /** Checks labels. @default `checkLabels` */
  readonly readLabels?: ((labels: readonly Label[], names: NameRules) => CheckedLabels) | undefined;
  /** Runs the check of a series. @default a wrong series is an error */
  readonly attempt?: Attempt | undefined;
}

/** Runs a check of a series, in either form. */
type Attempt = (
  check: () => void,
  series: Pick<TimeSeries, "samples" | "histograms"> & { readonly points?: readonly Point[] },
) => void;

/** Returns an `attempt` that passes errors on, so that the other series are sent. */
export function attemptWith(onInvalid: OnInvalid): Attempt {
  return (check, series) => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const { samples = [], histograms = [], points } = series;
      onInvalid(error, points?.length ?? samples.length + histograms.length);
    }
  };
}

/**
 * Sorts labels and samples, and joins series with the same labels. Leaves out series that cannot be sent.
 *
 * @throws FormatError that names the series and what is wrong with it, if there is no `attempt`
 */
export function readSeries(timeSeries: readonly TimeSeries[], options: ReadSeriesOptions): SeriesPoints[] {
  const { attempt = (check) => check() } = options;
  const merged = new Map<string, Entry>();
  for (const each of timeSeries) {
    attempt(() => {
      const read = readOne(each, options);
      const entry = merged.get(read.key);
      if (entry === undefined) return void merged.set(read.key, read);
      // One by one, because an engine limits the arguments of a call.
      for (const point of read.points) entry.points.push(point);
      for (const exemplar of read.exemplars) entry.exemplars.push(exemplar);
    }, each);
  }
  const complete: SeriesPoints[] = [];
  for (const entry of merged.values()) {
    attempt(() => {
      entry.points = checkedPoints(entry);
      complete.push(entry);
    }, entry);
    entry.exemplars.sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
  }
  return complete;
}

function readOne(
  { labels, samples = [], histograms = [], exemplars = [], metadata }: TimeSeries,
  { readHistogram, names = namesV1, readLabels = checkLabels }: ReadSeriesOptions,
): Entry {
  const checked = readLabels(labels, names);
  const { labels: sorted } = checked;
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
    ...checked,
    metadata,
    points: [
      ...samples.map((sample) => toPoint(sample, sample.value)),
      ...histograms.map((each) => toPoint(each, 0, readHistogram(each, (problem) => fail(sorted, problem)))),
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
function checkedPoints({ labels, points }: Entry): Point[] {
  const kept: Point[] = [];
  for (const point of points.sort((a, b) => a.time - b.time)) {
    const { time, histogram } = point;
    const before = kept.at(-1);
    if (before !== undefined) {
      if (before.time === time) {
        if (isSame(before, point)) continue;
        fail(labels, `it has two samples at ${time}, expected one`);
      }
      if (!before.histogram !== !histogram) fail(labels, "it has samples and histograms, expected one of them");
    }
    kept.push(point);
  }
  if (kept.length === 0) fail(labels, "it has no sample, expected a value");
  return kept;
}

/** Reports whether two points at one time are the same. */
function isSame(a: Point, b: Point): boolean {
  return a.stale === b.stale && Object.is(a.value, b.value) &&
    JSON.stringify(a.histogram) === JSON.stringify(b.histogram);
}

/** Sorts and checks the labels of a series. @throws FormatError that names the series and what is wrong with it */
export function checkLabels(labels: readonly Label[], names: NameRules): CheckedLabels {
  const sorted = sortedLabels(labels, names);
  let isV1 = true;
  const check = (kind: string, name: string, rule: RegExp): void => {
    if (rule.test(name)) return;
    if (!names.allows(name)) {
      fail(sorted, `it has the ${kind} name "${name}", expected a name of the form ${rule.source.slice(1, -1)}`);
    }
    isV1 = false;
  };
  sorted.forEach(({ name, value }, index) => {
    check("label", name, labelNameV1);
    if (name === sorted[index - 1]?.name) fail(sorted, `it has two labels "${name}", expected each name once`);
    if (name === "__name__") check("metric", value, metricNameV1);
  });
  if (metricName(sorted) === undefined) {
    fail(sorted, "it has no name, expected one, or a label __name__");
  }
  return { labels: sorted, isV1, key: JSON.stringify(sorted) };
}

/** Returns labels without empty values. An unpaired surrogate becomes U+FFFD, so that labels differ here as they do in UTF-8. */
function sortedLabels(labels: readonly Label[], { compare }: NameRules): Label[] {
  return labels.map(({ name, value }) => ({ name: name.toWellFormed(), value: value.toWellFormed() }))
    .filter(({ value }) => value !== "").sort(compare);
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
  throw seriesError(labels, problem);
}

/** Returns the error that a series cannot be sent, with its name and labels. */
export function seriesError(labels: readonly Label[], problem: string): FormatError {
  const rest = labels.flatMap(({ name, value }) => name === "__name__" ? [] : `${name}=${JSON.stringify(value)}`);
  const series = `${metricName(labels) ?? ""}{${rest.join(",")}}`.slice(0, maxMessagePart);
  return new FormatError(`Cannot send the series ${series}: ${problem.slice(0, maxMessagePart)}`);
}
