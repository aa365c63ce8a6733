/**
 * One definition per option: its check, its default, its help text and its names come from here.
 *
 * A table of definitions belongs to each interface of options. The library checks options with it; `config/` makes flags,
 * variables, keys of configuration files and the reference page of the same table.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { nearestName } from "./nearest_name.ts";

/** The kinds of values that are checked here; a definition of another kind has a `check` of its own. */
export type OptionKind =
  | "boolean"
  | "string"
  | "choice"
  | "number"
  | "durationMs"
  | "wholeNumber"
  | "bytes"
  | "function";

/** The definition of one option. */
export interface OptionDefinition<Value = unknown, Kind extends string = string> {
  /** Decides how the value is checked, and how `config/` reads it from a string. */
  readonly kind: Kind;
  /** The value of an option that is not given. An option without a default may stay undefined. */
  readonly default?: Value;
  /** The smallest number. @default 0 */
  readonly min?: number;
  /** The strings of a `choice`. */
  readonly choices?: readonly Value[];
  /** Checks a value further, or one of another kind. @throws ConfigurationError */
  readonly check?: (value: unknown, name: string) => void;
  /** One sentence for help and reference. An option without it cannot be given as a string. */
  readonly help?: string;
  /** The flag, without dashes. @default the option's name in kebab case, without the unit `Ms` */
  readonly flag?: string;
  /** Stands for the value in help. @default by the kind */
  readonly placeholder?: string;
  /** Whether messages must not show the value. @default false */
  readonly secret?: boolean;
}

/** A definition for each option; those that are not `Optional` have a default. */
export type OptionDefinitions<Options, Optional extends keyof Options, Kind extends string = string> = {
  readonly [Name in keyof Options]-?:
    & OptionDefinition<NonNullable<Options[Name]>, Kind>
    & (Name extends Optional ? unknown : { readonly default: NonNullable<Options[Name]> });
};

/** Options after the check: only the `Optional` ones may be undefined. */
export type Resolved<Options, Optional extends keyof Options> =
  & { readonly [Name in Exclude<keyof Options, Optional>]-?: Exclude<Options[Name], undefined> }
  & { readonly [Name in Optional]-?: Options[Name] | undefined };

/**
 * Checks options and adds the defaults.
 *
 * @param defaults replace the defaults of the definitions
 * @throws ConfigurationError for an unknown option, with the nearest known name, and for a value that its definition refuses
 */
export function checkOptions<Options extends object, Optional extends keyof Options, Kind extends string>(
  options: Options,
  definitions: OptionDefinitions<Options, Optional, Kind>,
  defaults?: Partial<Options>,
): Resolved<Options, Optional>;
export function checkOptions(
  options: Readonly<Record<string, unknown>>,
  definitions: Readonly<Record<string, OptionDefinition>>,
  defaults: Readonly<Record<string, unknown>> = {},
): unknown {
  checkKeys(options, Object.keys(definitions));
  return Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => {
      const value = options[name];
      if (value === undefined) return [name, defaults[name] ?? definition.default];
      // A default may be more than what a caller can give, such as Infinity for "no bound".
      if (value !== definition.default) checkValue(name, value, definition);
      return [name, value];
    }),
  );
}

/**
 * Checks that an object holds no key but the known ones.
 *
 * @param prefix stands before each name in the message, such as `receiver.`
 * @throws ConfigurationError that names the key and the nearest known one
 */
export function checkKeys(options: unknown, known: readonly string[], prefix = ""): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigurationError(`Cannot use the options: they are ${String(options)}, expected an object`);
  }
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || known.includes(key)) continue;
    const nearest = nearestName(key, known);
    throw new ConfigurationError(
      `Cannot use the option ${prefix}${key}: there is no such option, expected ${
        nearest === undefined ? known.map((name) => prefix + name).join(", ") : prefix + nearest
      }`,
    );
  }
}

/** Makes an error that names the option, its value (not for secrets) and what was expected. */
export function unexpected(name: string, value: unknown, expected: string): ConfigurationError {
  const shown = typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : String(value);
  return new ConfigurationError(`Cannot use the option ${name}: it is ${shown}, expected ${expected}`);
}

function checkValue(name: string, value: unknown, definition: OptionDefinition): void {
  const expected = expectedOf(value, definition);
  if (expected !== undefined) throw unexpected(name, definition.secret === true ? "***" : value, expected);
  definition.check?.(value, name);
}

/** What was expected instead of a value; undefined for a value that is fine. */
function expectedOf(value: unknown, { kind, min = 0, choices = [] }: OptionDefinition): string | undefined {
  switch (kind) {
    case "boolean":
      // A string from somewhere, such as "false", would count as true.
      return typeof value === "boolean" ? undefined : "true or false";
    case "string":
      return typeof value === "string" ? undefined : "a string";
    case "function":
      return typeof value === "function" ? undefined : "a function";
    case "choice":
      return choices.includes(value) ? undefined : choices.map((choice) => `"${choice}"`).join(" or ");
    case "number":
    case "durationMs":
      return typeof value === "number" && value >= min ? undefined : `a number from ${min}`;
    case "wholeNumber":
    case "bytes":
      return Number.isSafeInteger(value) && Number(value) >= min ? undefined : `a whole number from ${min}`;
  }
}
