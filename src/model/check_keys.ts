/**
 * Checks the keys of objects with options, and makes the errors about options.
 *
 * @module
 */
import { ConfigurationError } from "./errors.ts";
import { nearestName } from "./nearest_name.ts";
import { isRecord } from "./records.ts";

/** A message lists at most this many names. */
const maxListed = 10;

/**
 * Checks that options are an object without unknown keys.
 *
 * @param parent the option that holds the object, or the function that takes it. @default the options of a class
 * @throws ConfigurationError that names the key and the nearest known key
 */
export function checkKeys(options: unknown, known: readonly string[], parent?: string): void {
  if (!isRecord(options)) {
    const subject = parent === undefined ? "the options: they are" : `the option ${parent}: it is`;
    // Neither a string nor the members of a list are shown: they may be a password.
    const isNone = options === undefined || options === null;
    const shown = isNone ? options : `a ${typeof options === "object" ? "list" : typeof options}`;
    throw new ConfigurationError(`Cannot use ${subject} ${shown}, expected an object`);
  }
  const prefix = parent === undefined ? "" : `${parent}.`;
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || known.includes(key)) continue;
    const expected = nearestName(key, known) ??
      (known.length > maxListed ? "an option from its documentation" : known.join(", "));
    throw new ConfigurationError(
      `Cannot use the option ${prefix}${key}: there is no such option, expected ${expected}`,
    );
  }
}

/** Makes an error that names the option, its value (must not be secret) and what was expected. */
export function unexpected(name: string, value: unknown, expected: string): ConfigurationError {
  const isText = typeof value === "object" || typeof value === "string";
  const shown = typeof value === "function" ? "a function" : isText ? JSON.stringify(value) : String(value);
  return new ConfigurationError(`Cannot use the option ${name}: it is ${shown}, expected ${expected}`);
}

/** Lists the choices of which one is expected: "a", "a or b", "a, b or c". */
export function listOf(choices: readonly string[]): string {
  return [choices.slice(0, -1).join(", "), ...choices.slice(-1)].filter((part) => part !== "").join(" or ");
}
