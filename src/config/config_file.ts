/**
 * Options from a configuration file.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { jsonProblem, parseShallowJson } from "../model/shallow_json.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { optionOfKey } from "./option_keys.ts";
import { unreadable } from "./option_parsers.ts";
import { buildOptions, type OptionsFromText } from "./raw_options.ts";

/**
 * Reads the content of a JSON file. Keys are k6's names (`url`, `headers`, `pushInterval`, `username`, `trendStats`, ...) or flags in
 * camel case (`maxSeries`, `trendAs`, ...).
 *
 * @param name the file's name, for errors
 * @throws ConfigurationError that names the file, the key, its value (never a secret) and what was expected
 * @example
 * ```ts
 * import { optionsFromConfig } from "k6-remote-write";
 *
 * const { options } = optionsFromConfig('{"url": "http://localhost:9090/api/v1/write", "pushInterval": "5s"}', "rw.json");
 * console.log(options.flushPeriodMs); // 5000
 * ```
 */
export function optionsFromConfig(text: string, name = "the configuration"): OptionsFromText {
  return buildOptions(optionsOf(readConfig(text, name)));
}

/** Reads a configuration file, key by key. */
export function readConfig(text: string, name: string): readonly GivenValue[] {
  return Object.entries(parseObject(text, name)).flatMap(([key, value]) => {
    const option = optionOfKey(key, { where: name });
    // As with variables, an empty value counts as not set.
    if (value === null || value === "") return [];
    const source = `${key} in ${name}`;
    if (typeof value === "object" && (Array.isArray(value) ? option.list : option.record) !== true) {
      throw unreadable(source, undefined, "a single value");
    }
    // All sources have the same readers, so a value that is not a string is read as JSON.
    const written = typeof value === "string" ? value : JSON.stringify(value);
    return [{ option, value: option.parse(written, source), source }];
  });
}

function parseObject(text: string, name: string): object {
  let value: unknown;
  if (typeof text !== "string") {
    throw new ConfigurationError(`Cannot read ${name}: its content is of type ${typeof text}, expected a string`);
  }
  try {
    value = parseShallowJson(text);
  } catch (error) {
    // The runtime's message would show a part of the file, which may be secret.
    throw new ConfigurationError(`Cannot read ${name}: it ${jsonProblem(error)}, expected a JSON object`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigurationError(`Cannot read ${name}: it is not an object, expected {"url": "...", ...}`);
  }
  return value;
}
