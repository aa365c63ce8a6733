/**
 * Checks options objects against tables of definitions, one definition per option.
 *
 * Each interface of options has a table. The library takes checks and defaults from it. `config/` reads strings as the table says,
 * and has the help texts in a table of its own (option_texts.ts).
 *
 * @module
 */
import { checkKeys, listOf, unexpected } from "../model/check_keys.ts";

/** The definition of one option. */
export interface OptionDefinition<Value = unknown> {
  /**
   * Decides how `config/` reads the value from a string, and how it is checked here: `boolean`, `string`, `function`, `token`, `choice`,
   * `number`, `durationMs`, `wholeNumber` or `bytes`. Another kind needs a `check`, or its user checks it.
   */
  readonly kind: string;
  /** The value of an option that is not given. An option without a default may stay undefined. */
  readonly default?: Value;
  /** The smallest number that is allowed, for the kinds of numbers. @default 0 */
  readonly min?: number;
  /** The allowed strings of a `choice`. */
  readonly choices?: readonly Value[];
  /** Checks a value of another kind, or checks more than the kind does. @throws ConfigurationError */
  readonly check?: (value: unknown, name: string) => void;
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
