/**
 * Readers of options that are given as strings. Their parameter `source` is where the string comes from, for errors: a variable, a
 * flag or a key.
 *
 * @module
 */
import { listOf } from "../model/check_keys.ts";
import { parseDurationMs } from "./duration.ts";
import { ConfigurationError } from "../model/errors.ts";
import { parseShallowJson } from "../model/shallow_json.ts";
import { thresholdText } from "../k6/metric.ts";

/** Makes an error that names the source, the string (undefined if it may be secret) and what was expected. */
export function unreadable(source: string, text: string | undefined, expected: string): ConfigurationError {
  const shown = text === undefined ? "it is not" : `it is "${text}", expected`;
  return new ConfigurationError(`Cannot read ${source}: ${shown} ${expected}`);
}

/** Returns the string as it is: any string is a valid value. */
export function parseString(text: string): string {
  return text;
}

/** Reads the forms of a boolean that k6 (Go's ParseBool) accepts. */
export function parseBoolean(text: string, source: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw unreadable(source, text, "true or false");
}

/** Reads a number in decimal notation. */
export function parseNumber(text: string, source: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) throw unreadable(source, text, "a number");
  return Number(text);
}

/** Reads a duration into milliseconds. */
export function parseDuration(text: string, source: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw unreadable(source, text, "a duration such as 1s, 500ms or 1m30s");
  return ms;
}

/** Reads a duration of at least one millisecond. */
export function parsePeriod(text: string, source: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 1) {
    throw unreadable(source, text, "a duration of at least 1ms, such as 1s, 500ms or 1m30s");
  }
  return ms;
}

/** Returns a reader that allows one of several words. */
export function choiceOf<const Choice extends string>(
  ...choices: readonly Choice[]
): (text: string, source: string) => Choice {
  return (text, source) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw unreadable(source, text, listOf(choices));
    return choice;
  };
}

/** Reads an http or https URL. */
export function parseUrl(text: string, source: string): string {
  // A blank within it would be a part of the path, but is more likely the end of a first URL.
  if (!URL.canParse(text) || !/^https?:\S*$/i.test(text.trim())) {
    // A string that is not a URL may contain a password anywhere.
    throw unreadable(source, undefined, "a URL that begins with http:// or https://");
  }
  return text;
}

/** Reads one URL, or several with blanks between them. */
export function parseUrls(text: string, source: string): string {
  const urls = text.trim().split(/\s+/);
  return urls.map((url) => parseUrl(url, source)).join(" ");
}

/** Reads the URL of a proxy, whose scheme is http by default, or `none`. */
export function parseProxy(text: string, source: string): string {
  return text === "none" ? text : parseProxyUrl(text, source).href;
}

/** Reads the URL of a proxy, whose scheme is http by default. An error does not show the string, which may contain a password. */
export function parseProxyUrl(text: string, source: string): URL {
  const trimmed = text.trim();
  const url = trimmed.includes("://") ? trimmed : `http://${trimmed}`;
  if (!URL.canParse(url) || !/^https?:/i.test(url)) {
    throw unreadable(
      source,
      undefined,
      "the URL of an HTTP proxy such as http://host:3128; --proxy sets another one, or none",
    );
  }
  return new URL(url);
}

/** Reads `a,b,c` without spaces around the entries, or a JSON list. */
export function parseList(text: string, source: string): readonly string[] {
  const json = parseJson(text, "[");
  if (json === undefined) return text.split(",").map((part) => part.trim());
  if (!Array.isArray(json)) throw unreadable(source, text, "a list a,b,c, or a JSON list");
  return json.map((member) => textOf(member, source));
}

/** Reads `1,2,3`, or a JSON list. */
function parseNumbers(text: string, source: string): readonly number[] {
  return parseList(text, source).map((part) => parseNumber(part, source));
}

/** Reads one header, `NAME:VALUE`. The value may contain colons. An error does not show the string, which may be secret. */
export function parseHeader(text: string, source: string): Readonly<Record<string, string>> {
  const colon = text.indexOf(":");
  const name = text.slice(0, colon).trim();
  if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw unreadable(source, undefined, "of the form NAME:VALUE");
  }
  return { [name]: text.slice(colon + 1).trim() };
}

/** Reads headers, `NAME:VALUE,NAME:VALUE`, or a JSON object for values that contain commas. */
export function parseHeaders(text: string, source: string): Readonly<Record<string, string>> {
  const json = parseJson(text, "{");
  const headers = json === undefined
    ? text.split(",")
    : Object.entries(json).map(([name, value]) => `${name}:${textOf(value, source)}`);
  return Object.assign({}, ...headers.map((header) => parseHeader(header, source)));
}

/** Reads `a=b,c=d`, or a JSON object. An error does not show the string, which may be secret. */
export function parsePairs(text: string, source: string): Readonly<Record<string, string>> {
  const json = parseJson(text, "{");
  if (json !== undefined) return mapValues(json, (value) => textOf(value, source));
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw unreadable(source, undefined, "of the form NAME=VALUE,NAME=VALUE, or a JSON object");
      return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
    }),
  );
}

/** Reads one number for all metrics, or `metric=number,metric=number`, or a JSON object of them. */
export function parseFactors(text: string, source: string): number | Readonly<Record<string, number>> {
  if (!text.includes("=") && parseJson(text, "{") === undefined) return parseNumber(text, source);
  return mapValues(parsePairs(text, source), (value) => parseNumber(value, source));
}

/** Reads one list of bounds for all metrics, or a JSON object of lists by metric. */
export function parseBuckets(
  text: string,
  source: string,
): readonly number[] | Readonly<Record<string, readonly number[]>> {
  const json = parseJson(text, "{");
  if (json === undefined) return parseNumbers(text, source);
  return mapValues(json, (value) => parseNumbers(typeof value === "string" ? value : JSON.stringify(value), source));
}

/** Reads a switch, or a JSON object of thresholds as in a k6 script. */
export function parseThresholdOption(
  text: string,
  source: string,
): boolean | Readonly<Record<string, readonly string[]>> {
  const json = parseJson(text, "{");
  if (json === undefined) return parseBoolean(text, source);
  return mapValues(json, (value) => [value].flat().map((each) => parseThresholdText(each, source)));
}

function parseThresholdText(threshold: unknown, source: string): string {
  const text = thresholdText(threshold);
  if (text === undefined) throw unreadable(source, JSON.stringify(threshold), "an expression such as p(95)<500");
  return text;
}

/** Reads a switch, or labels. */
export function parseLabelOption(text: string, source: string): boolean | Readonly<Record<string, string>> {
  return /[={]/.test(text) ? parsePairs(text, source) : parseBoolean(text, source);
}

/** Reads a JSON list of objects. Its users check the objects' members. */
export function parseJsonList(text: string, source: string): readonly object[] {
  const json = parseJson(text, "[");
  if (!Array.isArray(json) || json.some((each) => typeof each !== "object" || each === null)) {
    throw unreadable(source, text, "a JSON list of objects");
  }
  return json;
}

/** Returns a member of a list or an object as a string. */
function textOf(value: unknown, source: string): string {
  if (["string", "number", "boolean"].includes(typeof value)) return String(value);
  throw unreadable(source, undefined, "made of strings and numbers only");
}

/** Parses a string that begins like JSON; returns undefined for any other string. */
function parseJson(text: string, first: "{" | "["): object | undefined {
  if (!text.trimStart().startsWith(first)) return undefined;
  try {
    return Object(parseShallowJson(text));
  } catch {
    return undefined;
  }
}

function mapValues<Value, Mapped>(
  values: Readonly<Record<string, Value>> | object,
  map: (value: Value) => Mapped,
): Readonly<Record<string, Mapped>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}
