/**
 * Checks options objects against tables of definitions, one definition per option.
 *
 * Each interface of options has a table. The library takes checks and defaults from it; `config/` takes flags, variables, keys of
 * configuration files and help texts from the same table.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { nearestName } from "./nearest_name.ts";

/** A message lists at most this many names. */
const maxListed = 10;

/** The definition of one option. */
export interface OptionDefinition<Value = unknown> {
  /**
   * Decides how `config/` reads the value from a string, and how it is checked here: `boolean`, `string`, `function`, `token`, `choice`,
   * `number`, `durationMs`, `wholeNumber` or `bytes`. Another kind needs a `check`, or its user checks it.
   */
  readonly kind: string;
  /** The value of an option that is not given. An option without a default may stay undefined. */
  readonly default?: Value;
  /** The smallest allowed number. @default 0 */
  readonly min?: number;
  /** The allowed strings of a `choice`. */
  readonly choices?: readonly Value[];
  /** Checks a value of another kind, or checks more than the kind does. @throws ConfigurationError */
  readonly check?: (value: unknown, name: string) => void;
  /** The help text: one sentence. An option without it cannot be given as a string. */
  readonly help?: string;
  /** The flag, without dashes. @default the option's name in kebab case, without the unit `Ms` */
  readonly flag?: string;
  /** Stands for the value in the help. @default by the kind */
  readonly placeholder?: string;
  /** Whether messages must not show the value. @default false */
  readonly secret?: boolean;
}

/** A definition for each option. Only options that are `Optional` may lack a default. */
export type OptionDefinitions<Options, Optional extends keyof Options> = {
  readonly [Name in keyof Options]-?:
    & OptionDefinition<NonNullable<Options[Name]>>
    & (Name extends Optional ? unknown : { readonly default: NonNullable<Options[Name]> });
};

/** Options after the check. Only options that are `Optional` may be undefined. */
export type Resolved<Options, Optional extends keyof Options> =
  & { readonly [Name in Exclude<keyof Options, Optional>]-?: Exclude<Options[Name], undefined> }
  & { readonly [Name in Optional]-?: Options[Name] | undefined };

/**
 * Checks options and adds the defaults.
 *
 * @throws ConfigurationError for an unknown option, with the nearest known name, and for a value that its definition does not allow
 */
export function checkOptions<Options extends object, Optional extends keyof Options>(
  options: Options,
  definitions: OptionDefinitions<Options, Optional>,
): Resolved<Options, Optional>;
export function checkOptions(
  options: Readonly<Record<string, unknown>>,
  definitions: Readonly<Record<string, OptionDefinition>>,
): unknown {
  checkKeys(options, Object.keys(definitions));
  return Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => {
      const { [name]: value = definition.default } = options;
      // A default may be a value that a caller cannot give, such as Infinity for a whole number.
      if (value !== definition.default) {
        const expected = expectedOf(value, definition);
        if (expected !== undefined) throw unexpected(name, definition.secret === true ? "***" : value, expected);
        definition.check?.(value, name);
      }
      return [name, value];
    }),
  );
}

/**
 * Checks that options are an object without unknown keys.
 *
 * @param parent the option that holds the object, if the object is not the whole options
 * @throws ConfigurationError that names the key and the nearest known key
 */
export function checkKeys(options: unknown, known: readonly string[], parent?: string): void {
  if (typeof options !== "object" || options === null) {
    if (parent !== undefined) throw unexpected(parent, options, "an object");
    // A string may be a URL with a password.
    const shown = options === null ? "null" : `a ${typeof options}`;
    throw new ConfigurationError(`Cannot use the options: they are ${shown}, expected an object`);
  }
  const prefix = parent === undefined ? "" : `${parent}.`;
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || known.includes(key)) continue;
    const expected = nearestName(key, known) ??
      (known.length > maxListed ? "an option from the table in the README" : known.join(", "));
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

/** Returns what was expected instead of a value; undefined if the value is of its kind. */
function expectedOf(value: unknown, { kind, min = 0, choices = [] }: OptionDefinition): string | undefined {
  switch (kind) {
    case "boolean":
      // Every string, also "false", would count as true.
      return typeof value === "boolean" ? undefined : "true or false";
    case "string":
    case "function":
    case "token": {
      const types = kind === "token" ? ["string", "function"] : [kind];
      return types.includes(typeof value) ? undefined : `a ${types.join(" or a ")}`;
    }
    case "choice":
      return choices.includes(value) ? undefined : listOf(choices.map((choice) => `"${choice}"`));
    case "number":
    case "durationMs":
      return typeof value === "number" && value >= min ? undefined : `a number from ${min}`;
    case "wholeNumber":
    case "bytes":
      return Number.isSafeInteger(value) && Number(value) >= min ? undefined : `a whole number from ${min}`;
  }
}
