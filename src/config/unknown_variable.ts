/**
 * Says which variable the user of an unknown variable meant.
 *
 * @module
 */
import { nearestName } from "../model/nearest_name.ts";
import { ConfigurationError } from "../model/errors.ts";
import { documentedName } from "./option_keys.ts";
import type { TextOption } from "./text_option.ts";
import { textOptions } from "./text_options.ts";

/** Matches this module's variables. An unknown variable that matches is a mistake. */
export const ownVariables: RegExp = /^K6_(PROMETHEUS_|KEEP_|CA_CERT_)/;

/** The beginnings of variables. Documents of other years and of other extensions have another one for the same option. */
const beginning = /^K6_(PROMETHEUS_)?(RW_)?(REMOTE_(WRITE_)?)?/;

/** Makes the error for an unknown variable. It names the variable of the same option, or the variable with the nearest name. */
export function unknownVariable(name: string): ConfigurationError {
  const options = optionsByWord();
  const word = name.replace(beginning, "");
  const begun = word.length < 4 ? [] : [...options.keys()].filter((key) => key.startsWith(word));
  const [shortest] = begun.sort((a, b) => a.length - b.length);
  const option = options.get(word) ?? options.get(shortest ?? nearestName(word, options.keys()) ?? "");
  const expected = option === undefined ? documentedName : describe(option, name);
  return new ConfigurationError(`Cannot read the environment: there is no variable ${name}, expected ${expected}`);
}

/** Returns the options by what follows the beginning of their variables, and by their keys. */
function optionsByWord(): ReadonlyMap<string, TextOption> {
  const named = textOptions.filter(({ env }) => env.length > 0);
  const byVariable = named.flatMap((option) =>
    option.env.map((name) => [name.replace(beginning, ""), option] as const)
  );
  const byKey = named.flatMap((option) => option.keys.map((key) => [wordOf(key), option] as const));
  // The last entry of a word counts: that of a variable, and of the first option.
  return new Map([...byVariable, ...byKey].reverse());
}

/** Returns the word that a variable would have for a key: `pushInterval` is PUSH_INTERVAL. */
function wordOf(key: string): string {
  return key.replace(/[a-z0-9](?=[A-Z])/g, "$&_").toUpperCase();
}

/** Names the variables of an option, of the same generation as an unknown name: the generations have different defaults. */
function describe({ option, env }: TextOption, unknown: string): string {
  const isPresent = (name: string): boolean => name.startsWith("K6_PROMETHEUS_RW_");
  const sameGeneration = (names: readonly string[]): string | undefined =>
    names.find((name) => isPresent(name) === isPresent(unknown)) ?? names[0];
  const prefixes = textOptions.find((other) => other.option === option && other.envPrefixes.length > 0)?.envPrefixes;
  if (prefixes === undefined) return `perhaps ${sameGeneration(env)}`;
  return `${sameGeneration(prefixes)}<NAME>=VALUE, or ${sameGeneration(env)}=NAME:VALUE,NAME:VALUE`;
}
