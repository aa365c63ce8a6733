/**
 * How an option is given as text.
 *
 * @module
 */
import type { DescribedOptions } from "./import_features.ts";

/** The options that can be given as text. */
export type TextOption = Exclude<
  keyof DescribedOptions,
  "fetch" | "now" | "random" | "sleep" | "onWarning" | "windows" | "checkpoint"
>;

/** One option as text; several may be parts or forms of one option of the library. */
export interface OptionDefinition {
  /** Its name in the library. */
  readonly option: TextOption;
  /** Its variables; the first that is set counts. */
  readonly env: readonly string[];
  /** MetadataStore of variables, `<prefix><name>`, each of which is one entry; the first family that has a name counts for it. */
  readonly envPrefixes: readonly string[];
  /** Its flag without the dashes. */
  readonly flag: string;
  /** Its names in a configuration file and in an argument, k6's first. */
  readonly keys: readonly string[];
  /** What stands for the value in `--help`; none for a switch. */
  readonly placeholder?: string;
  /** One sentence. */
  readonly help: string;
  /** The default as the user would write it. */
  readonly default?: string;
  /** Never shown in a message. */
  readonly secret?: boolean;
  /** May be given several times; the values are objects that are merged. */
  readonly named?: boolean;
  /** Its value may be an object, of which an argument gives the members: `labels.site=eu`. */
  readonly record?: boolean;
  /** Commas stand between the entries of a value, so that an argument continues after one. */
  readonly list?: boolean;
  /**
   * Reads a value of the option, or a part of one that is an object.
   *
   * @param source what to call it in an error: the variable, the flag, or the key
   * @throws ConfigurationError
   */
  parse(text: string, source: string): unknown;
}

/** What is written of a spec: the rest follows from the flag. */
export type OptionDefinitionEntry = Omit<OptionDefinition, "env" | "envPrefixes" | "keys"> & Partial<OptionDefinition>;

/**
 * Completes a spec. By default its variable is named as k6 names its own, so that `--max-series` is
 * `K6_PROMETHEUS_RW_MAX_SERIES`, and its key in camel case: `maxSeries`.
 */
export function defineOption(entry: OptionDefinitionEntry): OptionDefinition {
  const key = entry.flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return {
    env: [`K6_PROMETHEUS_RW_${entry.flag.replaceAll("-", "_").toUpperCase()}`],
    envPrefixes: [],
    ...entry,
    keys: [...new Set([...entry.keys ?? [], key])],
  };
}
