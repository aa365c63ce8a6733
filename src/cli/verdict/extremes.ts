/**
 * The smallest and the largest of many numbers.
 *
 * @module
 */

/** Returns the smallest number; Infinity if there is none. Math.min takes too many arguments for the stack from 100,000 on. */
export function smallest(values: Iterable<number>): number {
  let result = Infinity;
  for (const value of values) result = Math.min(result, value);
  return result;
}

/** Returns the largest number; -Infinity if there is none. */
export function largest(values: Iterable<number>): number {
  let result = -Infinity;
  for (const value of values) result = Math.max(result, value);
  return result;
}
