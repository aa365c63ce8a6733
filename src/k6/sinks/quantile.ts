/**
 * Quantiles as k6 computes them.
 *
 * @module
 */

/** Values that can be read in rising order. */
export interface OrderedValues {
  /** How many there are. */
  readonly count: number;
  /** The value of a rank, 0 being the smallest. */
  at(rank: number): number;
}

/** The value at a quantile, 0 to 1: interpolated between the two nearest ranks; 0 if there are no values. */
export function quantileOf(values: OrderedValues, quantile: number): number {
  if (values.count === 0) return 0;
  const position = quantile * (values.count - 1);
  const rank = Math.floor(position);
  const lower = values.at(rank);
  if (position === rank) return lower;
  return lower + (values.at(rank + 1) - lower) * (position - rank);
}
