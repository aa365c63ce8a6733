/**
 * Options from the argument that k6 outputs take: `-o output=url=http://...,mapping=raw`.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { definitionOfKey } from "./option_keys.ts";
import type { OptionDefinition } from "./option_definition.ts";
import { importFeatures } from "./import_features.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/** A key and its value, so far. */
interface Entry {
  readonly key: string;
  readonly spec: OptionDefinition;
  /** Of `headers.X-Scope`: `X-Scope`. */
  readonly member: string | undefined;
  value: string;
}

/**
 * Reads `url=http://...,mapping=raw,headers.X-Scope=a,trendStats=avg,p(95)`: k6's names, and those of the further flags in camel
 * case. What follows a comma without being `key=value` belongs to the list before it.
 *
 * @throws ConfigurationError that names the key, its value (never a secret) and what was expected
 */
export function optionsFromArgument(text: string): RemoteWriteOutputOptions {
  return importFeatures(optionsOf(readArgument(text)));
}

/** Returns the values of an argument, key by key. */
export function readArgument(text: string): readonly GivenValue[] {
  const set = entriesOf(text).filter(({ value }) => value !== "");
  return set.map(({ key, spec, member, value }) => {
    const source = `the argument's ${key}`;
    const written = member === undefined ? value : JSON.stringify({ [member]: value });
    return { spec, value: spec.parse(written, source), source };
  });
}

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const part of text === "" ? [] : text.split(",")) {
    const [, key, value = ""] = /^\s*([A-Za-z][A-Za-z0-9]*(?:\.[^=]+)?)=(.*)$/s.exec(part) ?? [];
    const last = entries.at(-1);
    if (key !== undefined) {
      const dot = key.indexOf(".");
      const spec = definitionOfKey(dot < 0 ? key : key.slice(0, dot), {
        where: "the argument",
        mayBeSecret: last?.spec.secret,
      });
      if (dot >= 0 && spec.record !== true) {
        const name = key.slice(0, dot);
        throw new ConfigurationError(`Cannot read the argument: ${name} is no object, expected ${name}=value`);
      }
      entries.push({ key, spec, member: dot < 0 ? undefined : key.slice(dot + 1), value });
    } else if (last?.spec.list === true && last.member === undefined) {
      last.value += `,${part}`;
    } else {
      // The part itself may be the rest of a password.
      const where = last === undefined ? "at its beginning" : `after ${last.key}`;
      throw new ConfigurationError(`Cannot read the argument: ${where} there is no key, expected key=value,key=value`);
    }
  }
  return entries;
}
