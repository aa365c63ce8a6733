/**
 * Joins bytes.
 *
 * @module
 */

/** Returns the bytes of the first array, followed by those of the second. */
export function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
