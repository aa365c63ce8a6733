/**
 * Parses JSON that others wrote.
 *
 * @module
 */

/** Options need a few levels. `JSON.stringify` overflows the stack of some runtimes at some thousands. */
const maxLevels = 100;

/**
 * Parses JSON of at most 100 levels.
 *
 * @throws RangeError if there are more levels, SyntaxError if the string is not JSON
 */
export function parseShallowJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  let level: unknown[] = [parsed];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxLevels) throw new RangeError(`The JSON has more than ${maxLevels} levels`);
    level = level.flatMap((value) => typeof value === "object" && value !== null ? Object.values(value) : []);
  }
  return parsed;
}

/** Says what is wrong with a string that `parseShallowJson` rejected. It does not show the string, which may be secret. */
export function jsonProblem(error: unknown): string {
  return error instanceof RangeError ? `has more than ${maxLevels} levels` : "is not JSON";
}
