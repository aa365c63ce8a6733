/**
 * Options from the argument that k6 gives to outputs: `-o output=url=http://...,mapping=raw`.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { optionsOf } from "./given_options.ts";
import { optionOfKey } from "./option_keys.ts";
import { buildOptions, type OptionsFromText, type RawOptions } from "./raw_options.ts";
import type { TextOption } from "./text_option.ts";

/** A key with the value that was read so far. */
interface Entry {
  readonly key: string;
  readonly option: TextOption;
  /** The name of an object's member, such as `X-Scope` in `headers.X-Scope`. */
  readonly member: string | undefined;
  value: string;
}

/**
 * Reads an argument such as `url=http://...,mapping=raw,headers.X-Scope=a,trendStats=avg,p(95)`. Keys are k6's names, or flags in
 * camel case. A part without `key=` continues the list before it.
 *
 * @throws ConfigurationError that names the key, its value (never a secret) and what was expected
 */
export function optionsFromArgument(text: string): OptionsFromText {
  if (typeof text !== "string") {
    throw new ConfigurationError(`Cannot read the argument: it is of type ${typeof text}, expected a string`);
  }
  return buildOptions(readArgument(text));
}

/** Reads the raw options of an argument. */
export function readArgument(text: string): RawOptions {
  const set = entriesOf(text).filter(({ value }) => value !== "");
  return optionsOf(set.map(({ key, option, member, value }) => {
    const source = `the argument's ${key}`;
    const written = member === undefined ? value : JSON.stringify({ [member]: value });
    return { option, value: option.parse(written, source), source };
  }));
}

/** Reports whether a part may be the rest of a secret that contains a comma. */
function mayGoOn({ option, value }: Entry, part: string): boolean {
  if (option.secret !== true) return false;
  // In a URL, the user info comes before the path, and a query after it.
  return option.placeholder !== "URL" || part.includes("@") || !/^https?:\/\/[^/?#]*\/[^?#]*$/i.test(value);
}

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const part of text === "" ? [] : text.split(",")) {
    const [, key, value = ""] = /^\s*([A-Za-z][A-Za-z0-9]*(?:\.[^=]+)?)=(.*)$/s.exec(part) ?? [];
    const last = entries.at(-1);
    if (key !== undefined) {
      const dot = key.indexOf(".");
      const option = optionOfKey(dot < 0 ? key : key.slice(0, dot), {
        where: "the argument",
        mayBeSecret: last !== undefined && mayGoOn(last, part),
      });
      if (dot >= 0 && option.record !== true) {
        const name = key.slice(0, dot);
        throw new ConfigurationError(`Cannot read the argument: ${name} is not an object, expected ${name}=value`);
      }
      entries.push({ key, option, member: dot < 0 ? undefined : key.slice(dot + 1), value });
    } else if (last?.option.list === true && last.member === undefined) {
      last.value += `,${part}`;
    } else {
      // The part may be the rest of a password.
      const where = last === undefined ? "at its beginning" : `after ${last.key}`;
      throw new ConfigurationError(`Cannot read the argument: ${where} there is no key, expected key=value,key=value`);
    }
  }
  return entries;
}
