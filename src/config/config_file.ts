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
import { buildOptions, type OptionsFromText, type RawEndpoint, splitUrls } from "./raw_options.ts";
import { type TextOption, textOption } from "./text_option.ts";

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
  const { endpoints, ...others } = parseObject(text, name);
  const source = `${endpointsOption.option} in ${name}`;
  return [
    ...readObject(others, name),
    ...(endpoints === undefined ? [] : [{ option: endpointsOption, value: readEndpoints(endpoints, source), source }]),
  ];
}

/** The option that only a configuration file has: a list of endpoints with options of their own. */
const endpointsOption: TextOption = textOption({
  option: "endpoints",
  group: "endpoint",
  flag: "endpoints",
  help: "Several endpoints, each with its own options.",
  parse: (text) => text,
});

/** The options about delivery and labels that an endpoint can have of its own. */
const ofEndpoints: readonly string[] = [
  ...["timeoutMs", "retryDeadlineMs", "retryOn429", "maxSamplesPerSend", "maxDecodedBytes", "maxBodyBytes", "bisect"],
  ...["onLoss", "labels", "relabelConfigs", "relabelConfigFile"],
];

function readEndpoints(value: unknown, source: string): RawEndpoint[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw unreadable(source, undefined, 'a list such as [{"url": "..."}]');
  }
  return value.map((endpoint: unknown, index) => {
    const where = `endpoints[${index}] in ${source.replace(/^endpoints in /, "")}`;
    if (typeof endpoint !== "object" || endpoint === null || Array.isArray(endpoint)) {
      throw unreadable(where, undefined, 'an object such as {"url": "..."}');
    }
    const { name, ...others }: { name?: unknown } = endpoint;
    if (name !== undefined && typeof name !== "string") throw unreadable(`name in ${where}`, undefined, "a string");
    const values = readObject(others, where);
    for (const { option, source } of values) {
      if (["endpoint", "authentication"].includes(option.group) || ofEndpoints.includes(option.option)) continue;
      throw new ConfigurationError(
        `Cannot use ${source}: it is not an option of one endpoint, expected it outside of endpoints`,
      );
    }
    const options = optionsOf(values);
    if (splitUrls(options.url ?? "").length !== 1) throw unreadable(`url in ${where}`, undefined, "one URL");
    return { ...options, name };
  });
}

function readObject(object: object, name: string): GivenValue[] {
  return Object.entries(object).flatMap(([key, value]) => {
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

function parseObject(text: string, name: string): { readonly endpoints?: unknown } {
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
