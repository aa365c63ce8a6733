/**
 * Options that are given as strings: flags, variables, keys of configuration files and of k6's argument.
 *
 * @module
 */
import type { OptionDefinition } from "../client/option_definition.ts";
import { formatDurationMs } from "./duration.ts";
import type { OptionGroup, OptionText, OptionTexts } from "./option_texts.ts";
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
  parseUrls,
} from "./option_parsers.ts";

/** An option that is given as a string. Several of them may be parts or forms of one option of the library. */
export interface TextOption {
  /** The name of the option in `RawOptions`. */
  readonly option: string;
  /** The group that the help and the reference show the option in. */
  readonly group: OptionGroup;
  /** The environment variables. The first variable that is set counts. */
  readonly env: readonly string[];
  /** Prefixes of variables that each give one entry of the option: `<prefix><name>`. For a name, the first prefix counts. */
  readonly envPrefixes: readonly string[];
  /** The name of the flag without the dashes in front. */
  readonly flag: string;
  /** The names in a configuration file and in an argument. k6's names come first. */
  readonly keys: readonly string[];
  /** Stands for the value in the help. A switch has no placeholder. */
  readonly placeholder?: string;
  /** The values, if there are few. */
  readonly choices?: readonly string[];
  /** The help text: one sentence. */
  readonly help: string;
  /** The default, as a user would write it. */
  readonly default?: string;
  /** Whether messages must not show the value. */
  readonly secret?: boolean;
  /** Whether the flag may be repeated. Its values are objects, which are merged. */
  readonly named?: boolean;
  /** Whether the flag may be repeated. Its values are joined with blanks. */
  readonly repeats?: boolean;
  /** Whether the value may be an object. An argument can give its members one by one: `labels.site=eu`. */
  readonly record?: boolean;
  /** Whether commas separate the entries of a value, so that in an argument, the value continues after a comma. */
  readonly list?: boolean;
  /**
   * Reads a value of the option, or a part of a value that is an object.
   *
   * @param source where the string comes from, for messages: the variable, the flag or the key
   * @throws ConfigurationError
   */
  parse(text: string, source: string): unknown;
}

/** A `TextOption` without the names that follow from its flag. */
export type TextOptionEntry = Omit<TextOption, "env" | "envPrefixes" | "keys"> & Partial<TextOption>;

/** Adds the names. As in k6, `--max-series` has the variable `K6_PROMETHEUS_RW_MAX_SERIES` and the key `maxSeries`. */
export function textOption(entry: TextOptionEntry): TextOption {
  const key = entry.flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return {
    env: [`K6_PROMETHEUS_RW_${entry.flag.replaceAll("-", "_").toUpperCase()}`],
    envPrefixes: [],
    ...entry,
    keys: [...new Set([...entry.keys ?? [], key])],
  };
}

/** Returns a `TextOption` for each definition that has a help text. */
export function textOptionsOf<Options extends object>(
  definitions: Readonly<Record<keyof Options, OptionDefinition>>,
  texts: OptionTexts<Options>,
): TextOption[];
export function textOptionsOf(
  definitions: Readonly<Record<string, OptionDefinition>>,
  texts: Readonly<Record<string, OptionText | null>>,
): TextOption[] {
  return Object.entries(definitions).flatMap(([option, definition]) => {
    const text = texts[option];
    if (!text) return [];
    const { group, help, flag = kebabCase(option.replace(/Ms$/, "")), placeholder } = text;
    const { secret } = definition;
    const form = forms[definition.kind];
    if (form === undefined) {
      throw new Error(`Cannot read the option ${option}: the kind ${definition.kind} has no reader`);
    }
    const shownDefault = formatDefault(definition);
    return textOption({
      ...form(definition),
      option,
      group,
      flag,
      help,
      ...shownDefault !== undefined && { default: shownDefault },
      ...placeholder !== undefined && { placeholder },
      ...secret !== undefined && { secret },
      ...k6Names[option],
    });
  });
}

/** Names of k6's present output and of the original extension that differ from this module's rule. k6's present names come first. */
const k6Names: Readonly<Record<string, Partial<Pick<TextOption, "env" | "keys">>>> = {
  url: { env: ["K6_PROMETHEUS_RW_SERVER_URL", "K6_PROMETHEUS_REMOTE_URL"] },
  user: { env: ["K6_PROMETHEUS_RW_USERNAME", "K6_PROMETHEUS_USER"], keys: ["username"] },
  password: { env: ["K6_PROMETHEUS_RW_PASSWORD", "K6_PROMETHEUS_PASSWORD"] },
  headers: { keys: ["headers"] },
  flushPeriodMs: { env: ["K6_PROMETHEUS_RW_PUSH_INTERVAL", "K6_PROMETHEUS_FLUSH_PERIOD"], keys: ["pushInterval"] },
  mapping: { env: ["K6_PROMETHEUS_MAPPING"] },
  keepTags: { env: ["K6_KEEP_TAGS"] },
  keepNameTag: { env: ["K6_KEEP_NAME_TAG"] },
  keepUrlTag: { env: ["K6_KEEP_URL_TAG"] },
  labels: { env: ["K6_PROMETHEUS_RW_LABELS"], keys: ["labels"] },
};

type Form = Pick<TextOption, "parse" | "choices" | "placeholder" | "default" | "named" | "repeats" | "list" | "record">;

/** How the values of each kind are given as strings. */
const forms: Readonly<Record<string, (definition: OptionDefinition) => Form>> = {
  boolean: () => ({ parse: parseBoolean }),
  string: () => ({ placeholder: "TEXT", parse: parseString }),
  token: () => ({ placeholder: "TOKEN", parse: parseString }),
  choice: ({ choices = [] }) => choice(...choices.map(String)),
  mapping: () => choice("prometheus", "raw", "legacy"),
  number: () => ({ placeholder: "NUMBER", parse: parseNumber }),
  wholeNumber: () => ({ placeholder: "NUMBER", parse: parseNumber }),
  bytes: () => ({ placeholder: "BYTES", parse: parseNumber }),
  durationMs: ({ min = 0 }) => ({ placeholder: "DURATION", parse: min > 0 ? parsePeriod : parseDuration }),
  url: () => ({ placeholder: "URL", repeats: true, parse: parseUrls }),
  headers: () => ({ placeholder: "NAME:VALUE,...", list: true, record: true, parse: parseHeaders }),
  strings: () => ({ placeholder: "LIST", list: true, parse: parseList }),
  factors: () => ({ placeholder: "NUMBER", list: true, record: true, parse: parseFactors }),
  buckets: () => ({ placeholder: "LIST", list: true, record: true, default: "by the unit", parse: parseBuckets }),
  labels: () => ({ placeholder: "NAME=VALUE", named: true, list: true, record: true, parse: parsePairs }),
  thresholds: () => ({ record: true, default: "false", parse: parseThresholdOption }),
  runInfo: () => ({ record: true, default: "false", parse: parseLabelOption }),
};

function choice(...choices: readonly string[]): Form {
  return { choices, parse: choiceOf(...choices) };
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function formatDefault({ default: value, kind }: OptionDefinition): string | undefined {
  if (value === Infinity) return "no limit";
  if (typeof value === "number" && kind === "durationMs") return value === 0 ? "0s" : formatDurationMs(value);
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(",");
  return value === undefined || typeof value === "object" ? undefined : String(value);
}
