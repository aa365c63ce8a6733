/**
 * The hash of bytes by which decoders find what they decoded before.
 *
 * @module
 */

/** Returns the FNV-1a hash of bytes. @see https://datatracker.ietf.org/doc/draft-eastlake-fnv/ */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = addToHash(hash, bytes[at] ?? 0);
  return hash;
}

/** Returns a hash with one more number. */
export function addToHash(hash: number, number: number): number {
  return Math.imul(hash ^ number, 0x01000193);
}
