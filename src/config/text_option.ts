/**
 * Options that are given as strings: flags, variables, keys of configuration files and of k6's argument.
 *
 * @module
 */
import type { OptionDefinition } from "../client/option_definition.ts";
import { formatDurationMs } from "./duration.ts";
import { k6Names } from "./k6_names.ts";
import {
  choiceOf,
  parseBoolean,
  parseBuckets,
  parseDuration,
  parseFactors,
  parseHeaders,
  parseLabelOption,
  parseList,
  parseNumber,
  parsePairs,
  parsePeriod,
  parseString,
  parseThresholdOption,
  parseUrl,
} from "./option_parsers.ts";

/** One option as a string. Several of them may be parts or forms of one option of the library. */
export interface TextOption {
  /** The name of the option in `RawOptions`. */
  readonly option: string;
  /** The variables. The first one that is set counts. */
  readonly env: readonly string[];
  /** Families of variables, `<prefix><name>`, with one entry per variable. The first family that has a name counts for it. */
  readonly envPrefixes: readonly string[];
  /** The flag, without dashes. */
  readonly flag: string;
  /** The names in a configuration file and in an argument; k6's names come first. */
  readonly keys: readonly string[];
  /** Stands for the value in help; a switch has none. */
  readonly placeholder?: string;
  /** One sentence. */
  readonly help: string;
  /** The default, as a user would write it. */
  readonly default?: string;
  /** Whether messages must not show the value. */
  readonly secret?: boolean;
  /** Whether the flag may be repeated; its values are objects that are merged. */
  readonly named?: boolean;
  /** Whether the value may be an object, whose members an argument can give: `labels.site=eu`. */
  readonly record?: boolean;
  /** Whether commas separate the entries of a value, so that an argument continues after a comma. */
  readonly list?: boolean;
  /**
   * Reads a value of the option, or a part of a value that is an object.
   *
   * @param source what a message calls the string: the variable, the flag or the key
   * @throws ConfigurationError
   */
  parse(text: string, source: string): unknown;
}

/** A `TextOption` as it is written down: the names follow from the flag. */
export type TextOptionEntry = Omit<TextOption, "env" | "envPrefixes" | "keys"> & Partial<TextOption>;

/**
 * Adds the names: by default, `--max-series` has the variable `K6_PROMETHEUS_RW_MAX_SERIES`, as k6 names its own, and the key
 * `maxSeries`.
 */
export function textOption(entry: TextOptionEntry): TextOption {
  const key = entry.flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return {
    env: [`K6_PROMETHEUS_RW_${entry.flag.replaceAll("-", "_").toUpperCase()}`],
    envPrefixes: [],
    ...entry,
    keys: [...new Set([...entry.keys ?? [], key])],
  };
}

/** Makes the text options of a table of definitions: one for each definition that has a help text. */
export function textOptionsOf(definitions: Readonly<Record<string, OptionDefinition>>): TextOption[] {
  return Object.entries(definitions).flatMap(([option, definition]) => {
    const { help, flag = kebabCase(option.replace(/Ms$/, "")), placeholder, secret } = definition;
    if (help === undefined) return [];
    const form = forms[definition.kind];
    if (form === undefined) {
      throw new Error(`Cannot read the option ${option}: the kind ${definition.kind} has no reader`);
    }
    const byDefault = formatDefault(definition);
    return textOption({
      ...form(definition),
      option,
      flag,
      help,
      ...byDefault !== undefined && { default: byDefault },
      ...placeholder !== undefined && { placeholder },
      ...secret !== undefined && { secret },
      ...k6Names[option],
    });
  });
}

type Form = Pick<TextOption, "parse" | "placeholder" | "named" | "list" | "record">;

/** How the values of each kind are written. */
const forms: Readonly<Record<string, (definition: OptionDefinition) => Form>> = {
  boolean: () => ({ parse: parseBoolean }),
  string: () => ({ placeholder: "TEXT", parse: parseString }),
  token: () => ({ placeholder: "TOKEN", parse: parseString }),
  choice: ({ choices = [] }) => ({ parse: choiceOf(...choices.map(String)) }),
  mapping: () => ({ parse: choiceOf("prometheus", "raw", "legacy") }),
  number: () => ({ placeholder: "NUMBER", parse: parseNumber }),
  wholeNumber: () => ({ placeholder: "NUMBER", parse: parseNumber }),
  bytes: () => ({ placeholder: "BYTES", parse: parseNumber }),
  durationMs: ({ min = 0 }) => ({ placeholder: "DURATION", parse: min > 0 ? parsePeriod : parseDuration }),
  url: () => ({ placeholder: "URL", parse: parseUrl }),
  headers: () => ({ placeholder: "NAME:VALUE,...", list: true, record: true, parse: parseHeaders }),
  strings: () => ({ placeholder: "LIST", list: true, parse: parseList }),
  factors: () => ({ placeholder: "NUMBER", list: true, record: true, parse: parseFactors }),
  buckets: () => ({ placeholder: "LIST", list: true, record: true, parse: parseBuckets }),
  labels: () => ({ placeholder: "NAME=VALUE", named: true, list: true, record: true, parse: parsePairs }),
  thresholds: () => ({ record: true, parse: parseThresholdOption }),
  runInfo: () => ({ record: true, parse: parseLabelOption }),
};

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function formatDefault({ default: value, kind }: OptionDefinition): string | undefined {
  if (value === Infinity) return "no bound";
  if (typeof value === "number" && kind === "durationMs") return value === 0 ? "0s" : formatDurationMs(value);
  if (Array.isArray(value)) return value.join(",");
  return value === undefined || typeof value === "object" ? undefined : String(value);
}
