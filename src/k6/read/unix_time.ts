/**
 * Times as digits, as k6's CSV and k6's cloud write them.
 *
 * @module
 */
import { parseRfc3339Ms } from "./rfc3339.ts";

/**
 * Returns the milliseconds since the Unix epoch, without fractions; undefined if the string is not a time. Digits are seconds,
 * milliseconds, microseconds or nanoseconds, whichever lies between 1973 and 5138; other strings are RFC 3339.
 */
export function parseTimeMs(time: string): number | undefined {
  if (!/^\d{1,19}$/.test(time)) return parseRfc3339Ms(time);
  const { length } = time;
  if (length <= 11) return Number(time) * 1000;
  if (length <= 14) return Number(time);
  // Digits are cut off instead of divided, because nanoseconds are no exact doubles.
  return Number(time.slice(0, length <= 17 ? -3 : -6));
}
