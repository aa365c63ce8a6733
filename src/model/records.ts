/**
 * Recognises objects among values of which nothing is known.
 *
 * @module
 */

/** An object whose properties are not known. */
export type UnknownRecord = Readonly<Record<string, unknown>>;

/** Reports whether a value is an object of any kind. */
export function isObject(value: unknown): value is UnknownRecord {
  return typeof value === "object" && value !== null;
}

/** Reports whether a value is an object with named properties. The items of a list, a Map or `Headers` are no properties. */
export function isRecord(value: unknown): value is UnknownRecord {
  return isObject(value) && !(Symbol.iterator in value);
}
