/**
 * Finds the mistake `relabel: relabelRules`, instead of `relabel: relabelRules([...])`. Both are functions.
 *
 * @module
 */

const mark = Symbol.for("k6-remote-write.uncalled");

/** Marks a function whose result is the value of an option. */
export function markUncalled(feature: object): void {
  Object.defineProperty(feature, mark, { value: true });
}

/** Reports whether a value is a marked function, from any copy of this module. */
export function isUncalled(value: object): boolean {
  return mark in value;
}
