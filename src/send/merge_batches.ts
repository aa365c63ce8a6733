/**
 * Merges windows that wait: values are cumulative, so the newest sample of a series replaces the older ones.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import type { Exemplar } from "../model/time_series.ts";

/** Reports whether a batch can be merged: it has at most one sample of each series, and no staleness markers. */
export function isMergeable(batch: Batch): boolean {
  return batch.stale.size === 0 && batch.series.every((_, index) => batch.keyAt(index) !== batch.keyAt(index + 1));
}

/** Returns a batch with the newest sample of each series. */
export function mergeBatches(oldestFirst: readonly Batch[]): Batch {
  // By the keys of the series.
  const newest = new Map<number, readonly [batch: Batch, index: number]>();
  const exemplars = new Map<number, readonly Exemplar[]>();
  for (const batch of oldestFirst) {
    for (let index = 0; index < batch.length; index++) {
      const key = batch.keyAt(index);
      newest.set(key, [batch, index]);
      const own = batch.exemplars.get(index);
      if (own !== undefined) exemplars.set(key, own);
    }
  }
  const merged = new Batch(Math.max(1, newest.size));
  for (const [key, [batch, index]] of newest) {
    merged.copy(batch, index);
    // A newer window without exemplars does not hide those of an older one.
    const latest = exemplars.get(key);
    if (latest !== undefined && batch.exemplars.get(index) === undefined) {
      merged.setExemplars(merged.length - 1, latest);
    }
  }
  return merged;
}
