/**
 * The floats and the native histograms of a range: a receiver may accept only the floats.
 *
 * @module
 */
import { Batch, type BatchSlice } from "../protocol/batch.ts";

/** Returns how many native histograms a range has. */
export function histogramsOf({ batch: { histograms }, from, to }: BatchSlice): number {
  let count = 0;
  if (histograms.size > 0) { for (let index = from; index < to; index++) if (histograms.has(index)) count++; }
  return count;
}

/** Reports whether a range has floats and native histograms. */
export function hasBothKinds(range: BatchSlice): boolean {
  const count = histogramsOf(range);
  return count > 0 && count < range.to - range.from;
}

/** Returns the floats and the native histograms of a range. */
export function splitKinds({ batch, from, to }: BatchSlice): readonly [floats: Batch, histograms: Batch] {
  const [floats, histograms] = [new Batch(), new Batch()];
  for (let index = from; index < to; index++) (batch.histograms.has(index) ? histograms : floats).copy(batch, index);
  return [floats, histograms];
}
