/**
 * The form in which series travel to the live page, and in which a report contains them: columns of numbers that differ little from
 * one to the next, as JSON. JSON is as small as base64 of binary numbers, browsers read it fast, and it compresses well.
 *
 * @module
 */
import type { HistogramValue, Metadata, SeriesType } from "../../model/time_series.ts";

/** A number in JSON. Null stands for NaN, and strings for infinite numbers. */
export type JsonNumber = number | string | null;

/** A native histogram in JSON. The spans are offsets and lengths in turn. */
export type JsonHistogram = readonly [
  count: JsonNumber,
  sum: JsonNumber,
  schema: number,
  zeroThreshold: number,
  zeroCount: number,
  positiveSpans: readonly number[],
  positiveCounts: readonly number[],
  negativeSpans: readonly number[],
  negativeCounts: readonly number[],
  customValues: readonly number[],
];

/** Series, and points of these or of series before them. */
export interface LiveChunk {
  /** Metric families: name, type, help and unit. */
  readonly families: readonly (readonly [name: string, type: SeriesType, help: string, unit: string])[];
  /** New series: the number of the series, then the names and the values of its labels in turn. */
  readonly series: readonly (readonly [id: number, ...labels: string[]])[];
  /** For each point, by how much the number of its series is larger than that of the point before it. */
  readonly ids: readonly number[];
  /** For each point, how much later it is than the point before it, in milliseconds. */
  readonly times: readonly number[];
  /** The value of each point, or null for a staleness marker. The value of a histogram is its count. */
  readonly values: readonly JsonNumber[];
  /** The histograms by the index of their point. */
  readonly histograms: readonly (readonly [index: number, histogram: JsonHistogram])[];
}

/** Collects points for a chunk. */
export class ChunkWriter {
  readonly families: [string, SeriesType, string, string][] = [];
  readonly series: [number, ...string[]][] = [];
  readonly ids: number[] = [];
  readonly times: number[] = [];
  readonly values: JsonNumber[] = [];
  readonly histograms: [number, JsonHistogram][] = [];
  #lastId = 0;
  #lastTime = 0;

  /** The number of points. */
  get length(): number {
    return this.ids.length;
  }

  /** Whether there is nothing to send. */
  get isEmpty(): boolean {
    return this.ids.length + this.series.length + this.families.length === 0;
  }

  addFamily(name: string, { type, help = "", unit = "" }: Metadata): void {
    this.families.push([name, type, help, unit]);
  }

  addPoint(id: number, { time, value, histogram }: LivePoint): void {
    if (histogram !== undefined) this.histograms.push([this.ids.length, jsonHistogram(histogram)]);
    this.ids.push(id - this.#lastId);
    this.times.push(time - this.#lastTime);
    this.values.push(jsonNumber(value));
    this.#lastId = id;
    this.#lastTime = time;
  }

  /** Returns the chunk as one line. */
  toJson(): string {
    const { families, series, ids, times, values, histograms } = this;
    return JSON.stringify({ families, series, ids, times, values, histograms } satisfies LiveChunk);
  }
}

/** A point of a series. */
export interface LivePoint {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** NaN for a staleness marker. The value of a histogram is its count. */
  readonly value: number;
  readonly histogram?: HistogramValue | undefined;
}

const none: readonly [undefined, undefined] = [undefined, undefined];

/** Calls back with each point of a chunk. */
export function forEachPoint(
  { ids, times, values, histograms }: LiveChunk,
  visit: (id: number, time: number, value: number, histogram: HistogramValue | undefined) => void,
): void {
  let id = 0;
  let time = 0;
  let next = 0;
  for (let index = 0; index < ids.length; index++) {
    id += ids[index] ?? 0;
    time += times[index] ?? 0;
    const value = numberOf(values[index] ?? null);
    const [at, histogram] = histograms[next] ?? none;
    // Without an object for each point: there may be many thousands in a second.
    if (at === index && histogram !== undefined) {
      visit(id, time, value, histogramOf(histogram));
      next++;
    } else visit(id, time, value, undefined);
  }
}

function jsonNumber(value: number): JsonNumber {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? null : String(value);
}

function numberOf(value: JsonNumber): number {
  return value === null ? NaN : Number(value);
}

function jsonHistogram(histogram: HistogramValue): JsonHistogram {
  const { schema, zeroThreshold, zeroCount, positiveSpans, positiveCounts, negativeSpans, negativeCounts } = histogram;
  const flat = (spans: HistogramValue["positiveSpans"]): number[] =>
    spans.flatMap(({ offset, length }) => [offset, length]);
  return [
    jsonNumber(histogram.count),
    jsonNumber(histogram.sum),
    schema,
    zeroThreshold,
    zeroCount,
    flat(positiveSpans),
    positiveCounts,
    flat(negativeSpans),
    negativeCounts,
    histogram.customValues ?? [],
  ];
}

function histogramOf(
  [count, sum, schema, zeroThreshold, zeroCount, positive, positiveCounts, negative, negativeCounts, customValues]:
    JsonHistogram,
): HistogramValue {
  const spans = (flat: readonly number[]): HistogramValue["positiveSpans"] =>
    flat.flatMap((offset, index) => index % 2 === 0 ? [{ offset, length: flat[index + 1] ?? 0 }] : []);
  return {
    count: numberOf(count),
    sum: numberOf(sum),
    schema,
    zeroThreshold,
    zeroCount,
    positiveSpans: spans(positive),
    positiveCounts,
    negativeSpans: spans(negative),
    negativeCounts,
    customValues,
  };
}
