import type { HistogramValue } from "../model/time_series.ts";

/** A histogram of nothing: what a staleness marker is, but for the bits of its sum. */
export const emptyHistogram: HistogramValue = {
  count: 0,
  sum: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
};
