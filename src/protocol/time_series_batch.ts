/**
 * Makes batches of the time series that a program passes.
 *
 * @module
 */
import type { Histogram, HistogramValue, TimeSeries } from "../model/time_series.ts";
import { Batch, emptyHistogram } from "./batch.ts";
import { type EncodedSeries, encodeSeries } from "./encoded_series.ts";
import { checkHistogram } from "./histogram_rules.ts";
import { metadataTexts } from "./metadata_store.ts";
import { distinctSeries, escapeLabels, type NameEscaping } from "./name_escaping.ts";
import type { SeriesCache } from "./series_cache.ts";
import { attemptWith, type NameRules, type OnInvalid, readSeries, type SeriesPoints } from "./read_series.ts";

/** What `batchesOf` does with series. */
export interface TimeSeriesBatchOptions {
  /** The number of batches. All samples of a series are in the same batch. @default 1 */
  readonly shards?: number | undefined;
  /** The names that may be sent. @default the names of 1.0 */
  readonly names?: NameRules | undefined;
  /** What was checked and encoded before. @default nothing */
  readonly cache?: SeriesCache | undefined;
  /** How names are escaped for 1.0. @default no escaping, because 1.0 will not be used or allows the names */
  readonly escaping?: NameEscaping | undefined;
  /** Whether the series were checked before, by another call. @default false */
  readonly isChecked?: boolean | undefined;
  /** @default throws the error */
  readonly onInvalid?: OnInvalid | undefined;
}

/**
 * Makes one batch. Sorts labels and samples, and joins series with the same labels.
 *
 * @throws FormatError that names the series and what is wrong with it
 */
export function batchOf(timeSeries: readonly TimeSeries[], options?: TimeSeriesBatchOptions): Batch {
  return batchesOf(timeSeries, options)[0] ?? new Batch();
}

/**
 * Makes a batch for each shard, without the series that cannot be sent.
 *
 * @returns batches by shard
 * @throws FormatError if there is no `onInvalid`
 */
export function batchesOf(
  timeSeries: readonly TimeSeries[],
  { shards = 1, cache, escaping, isChecked = false, names, onInvalid }: TimeSeriesBatchOptions = {},
): readonly (Batch | undefined)[] {
  const batches: (Batch | undefined)[] = [];
  const attempt = onInvalid && attemptWith(onInvalid);
  const read = readSeries(timeSeries, { names, readLabels: cache?.checkLabels, attempt, readHistogram });
  const distinct = escaping === undefined || isChecked ? read : distinctSeries(read, escaping, onInvalid);
  for (const points of distinct) {
    const { labels, isV1 } = points;
    const metadata = points.metadata && metadataTexts(points.metadata);
    const encode = (): EncodedSeries =>
      encodeSeries(labels, metadata, isV1 || escaping === undefined ? labels : escapeLabels(labels, escaping));
    const series = cache?.encoded(labels, metadata, encode) ?? encode();
    push(batches[series.hash % shards] ??= new Batch(), series, points);
  }
  return batches;
}

function readHistogram(histogram: Histogram, fail: (problem: string) => never): HistogramValue {
  // A receiver reads only the sum's bits of a marker.
  if (histogram.stale) return emptyHistogram;
  checkHistogram(histogram, (_, problem) => fail(problem));
  return histogram;
}

function push(batch: Batch, series: EncodedSeries, { points, exemplars }: SeriesPoints): void {
  // Unlike the series of an output, these live as long as their batch. Estimated: 400 bytes, and 100 for each label.
  batch.bytes += 400 + 100 * series.labels.length + 3 * (series.outputs[0]?.labelsV1.length ?? 0);
  for (const { time, start, value, stale, histogram } of points) {
    const at = stale
      ? batch.pushStale(series, time, { histogram })
      : histogram === undefined
      ? batch.push(series, value, time)
      : batch.pushHistogram(series, histogram, time);
    // A start later than its sample has no meaning.
    if (start !== 0 && start <= time) batch.setStart(at, start);
  }
  if (exemplars.length > 0) batch.setExemplars(batch.length - points.length, exemplars);
}
