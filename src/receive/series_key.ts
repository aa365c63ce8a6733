import type { Label } from "../model/time_series.ts";

/** Ends a string. No string contains this code unit. */
const end = 0x10000;

/** Longer strings are hashed once and remembered, because in 2.0 many labels can refer to the same string. */
const longText = 64;

/** The keys of labels that cannot change: a receiver has the same object for the same series in each request. */
const knownKeys = new WeakMap<readonly Label[], number>();

/** The keys of the long strings of one request. */
export type LongTexts = Map<string, number>;

/**
 * Returns a hash of a series' labels in any order, as a whole number of 53 bits. It allows a program to remember series
 * without their labels, which may be long. The chance that two of 10,000 series have the same hash is 1 in 10^8.
 */
export function seriesKey(labels: readonly Label[], longTexts: LongTexts = new Map()): number {
  const known = knownKeys.get(labels);
  if (known !== undefined) return known;
  const key = hashLabels(labels, longTexts);
  if (Object.isFrozen(labels)) knownKeys.set(labels, key);
  return key;
}

function hashLabels(labels: readonly Label[], longTexts: LongTexts): number {
  let high = 0;
  let low = 0;
  // A sum does not depend on the order. Sorting would be slow for hostile names, which are long and differ only at the end.
  for (const { name, value } of labels) {
    const hash = new Hash();
    for (const text of [name, value]) {
      if (text.length <= longText) {
        hash.addText(text);
      } else {
        const key = keyOfText(text, longTexts);
        hash.add(key >>> 0);
        hash.add(Math.floor(key / 2 ** 32));
      }
      hash.add(end);
    }
    high = (high + hash.high) | 0;
    low = (low + hash.low) | 0;
  }
  return toKey(high, low);
}

function keyOfText(text: string, longTexts: LongTexts): number {
  const known = longTexts.get(text);
  if (known !== undefined) return known;
  const hash = new Hash();
  hash.addText(text);
  const key = toKey(hash.high, hash.low);
  longTexts.set(text, key);
  return key;
}

function toKey(high: number, low: number): number {
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** Computes two hashes of 32 bits at once. */
class Hash {
  high = 0x9e3779b9 | 0;
  low = 0x811c9dc5 | 0;

  add(unit: number): void {
    this.high = Math.imul(this.high ^ unit, 0x85ebca6b);
    this.high ^= this.high >>> 13;
    this.low = Math.imul(this.low ^ unit, 0x01000193);
    this.low ^= this.low >>> 15;
  }

  addText(text: string): void {
    for (let index = 0; index < text.length; index++) this.add(text.charCodeAt(index));
  }
}
