/**
 * Checks the options of this entry's functions, and states the defaults that they share.
 *
 * @module
 */
import { nearestName } from "../../client/nearest_name.ts";
import { ConfigurationError } from "../../model/errors.ts";

/** The clocks of samples and durations. Both are read at each call, so that a test can replace the runtime's clocks. */
export const clocks: { readonly now: () => number; readonly monotonicNow: () => number } = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
};

/** The shape of an option's value: a test, and its description in messages. */
export type Shape = readonly [isValid: (value: unknown) => boolean, expected: string];

/** The shape of each option. */
export type Shapes<Options> = { readonly [Name in keyof Options]-?: Shape };

/** A function. */
export const callback: Shape = [(value) => typeof value === "function", "a function"];

/** True or false. */
export const boolean: Shape = [(value) => typeof value === "boolean", "true or false"];

/** An object, such as tags. */
export const object: Shape = [isObject, "an object"];

/**
 * Checks an options object.
 *
 * @param prefix the beginning of the options' names in messages, such as `http.`
 * @throws {ConfigurationError} for an unknown option, with the nearest known name, and for a value of another shape
 */
export function checkOptions<Options extends object>(options: Options, shapes: Shapes<Options>, prefix?: string): void;
export function checkOptions(options: unknown, shapes: Readonly<Record<string, Shape>>, prefix = ""): void {
  if (!isObject(options)) {
    throw new ConfigurationError(`Cannot use the options: they are ${show(options)}, expected an object`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (shape === undefined) {
      const nearest = nearestName(name, Object.keys(shapes));
      const expected = nearest === undefined ? Object.keys(shapes) : [nearest];
      throw new ConfigurationError(
        `Cannot use the option ${prefix}${name}: there is no such option, expected ${
          expected.map((known) => prefix + known).join(", ")
        }`,
      );
    }
    const [isValid, expected] = shape;
    if (isValid(value)) continue;
    throw new ConfigurationError(`Cannot use the option ${prefix}${name}: it is ${show(value)}, expected ${expected}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return typeof value === "string" || Array.isArray(value) ? JSON.stringify(value) : String(value);
}
