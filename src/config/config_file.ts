/**
 * Options from a configuration file.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { definitionOfKey } from "./option_keys.ts";
import { unreadable } from "./option_parsers.ts";
import { importFeatures } from "./import_features.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/**
 * Reads the text of a JSON file with k6's names (`url`, `headers`, `pushInterval`, `username`, `trendStats`, ...) and those of the
 * further flags in camel case (`maxSeries`, `trendAs`).
 *
 * @param name of the file, for errors
 * @throws ConfigurationError that names the file, the key, its value (never a secret) and what was expected
 * @example
 * ```ts
 * import { optionsFromConfig } from "k6-remote-write";
 *
 * const options = optionsFromConfig('{"url": "http://localhost:9090/api/v1/write", "pushInterval": "5s"}', "rw.json");
 * console.log(options.flushPeriodMs); // 5000
 * ```
 */
export function optionsFromConfig(text: string, name: string): RemoteWriteOutputOptions {
  return importFeatures(optionsOf(readConfig(text, name)));
}

/** What a configuration file says, key by key. */
export function readConfig(text: string, name: string): readonly GivenValue[] {
  return Object.entries(parseObject(text, name)).flatMap(([key, value]) => {
    const spec = definitionOfKey(key, { where: name });
    // As a variable, what is empty is not set.
    if (value === null || value === "") return [];
    const source = `${key} in ${name}`;
    if (typeof value === "object" && (Array.isArray(value) ? spec.list : spec.record) !== true) {
      throw unreadable(source, undefined, "a single value");
    }
    // One way to read all sources: what is not a text is read as the text that it is in JSON.
    const written = typeof value === "string" ? value : JSON.stringify(value);
    return [{ spec, value: spec.parse(written, source), source }];
  });
}

function parseObject(text: string, name: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The runtime's own message would show a part of the text, which may be a secret.
    throw new ConfigurationError(`Cannot read ${name}: it is not JSON, expected a JSON object`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigurationError(`Cannot read ${name}: it is not an object, expected {"url": "...", ...}`);
  }
  return value;
}
