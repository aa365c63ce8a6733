/**
 * Makes batches of the time series that a program passes.
 *
 * @module
 */
import type { FormatError } from "../model/errors.ts";
import type { Histogram, HistogramValue, TimeSeries } from "../model/time_series.ts";
import { Batch, emptyHistogram } from "./batch.ts";
import { type EncodedSeries, encodeSeries } from "./encoded_series.ts";
import { checkHistogram } from "./histogram_rules.ts";
import { metadataTexts } from "./metadata_store.ts";
import { type NameRules, readSeries, type SeriesPoints } from "./read_series.ts";

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
  { shards = 1, ...options }: TimeSeriesBatchOptions = {},
): readonly (Batch | undefined)[] {
  const batches: (Batch | undefined)[] = [];
  for (const points of readSeries(timeSeries, { ...options, readHistogram })) {
    const series = encodeSeries(points.labels, points.metadata && metadataTexts(points.metadata));
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
