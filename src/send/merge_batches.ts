/**
 * Merges windows that wait: values are cumulative, so the newest sample of a series replaces the older ones.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import type { EncodedSeries } from "../protocol/encoded_series.ts";
import type { Exemplar } from "../model/time_series.ts";

/** Reports whether a batch can be merged: it has at most one sample of each series, and no staleness markers. */
export function isMergeable({ series, stale }: Batch): boolean {
  return stale.size === 0 && series.every((each, index) => each !== series[index + 1]);
}

/** Returns a batch with the newest sample of each series. */
export function mergeBatches(oldestFirst: readonly Batch[]): Batch {
  const newest = new Map<EncodedSeries, readonly [batch: Batch, index: number]>();
  const exemplars = new Map<EncodedSeries, readonly Exemplar[]>();
  for (const batch of oldestFirst) {
    for (const [index, series] of batch.series.entries()) {
      newest.set(series, [batch, index]);
      const own = batch.exemplars.get(index);
      if (own !== undefined) exemplars.set(series, own);
    }
  }
  const merged = new Batch(Math.max(1, newest.size));
  for (const [series, [batch, index]] of newest) {
    merged.copy(batch, index);
    // A newer window without exemplars does not hide those of an older one.
    const latest = exemplars.get(series);
    if (latest !== undefined && batch.exemplars.get(index) === undefined) {
      merged.setExemplars(merged.length - 1, latest);
    }
  }
  return merged;
}
