import type { Label } from "../time_series.ts";
import { compareLabels } from "./format_series.ts";

/** No text has this unit. */
const end = 0x10000;

/**
 * A number that stands for a series, whatever the order of its labels: 53 bits, so that series can be remembered without their
 * labels, which may be long. Two of 10,000 series have the same number with a chance of 1 in 10^8.
 */
export function seriesKey(labels: readonly Label[]): number {
  let high = 0x9e3779b9;
  let low = 0x811c9dc5;
  const mix = (unit: number): void => {
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high ^= high >>> 13;
    low = Math.imul(low ^ unit, 0x01000193);
    low ^= low >>> 15;
  };
  for (const { name, value } of labels.toSorted(compareLabels)) {
    for (const text of [name, value]) {
      for (let index = 0; index < text.length; index++) mix(text.charCodeAt(index));
      mix(end);
    }
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}
