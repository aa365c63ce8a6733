/**
 * Whether an option's value makes sense.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { defaultOptions, type NumberOption, type RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/** An error that names the option, its value and what was expected. Not for secrets. */
export function unexpected(name: string, value: unknown, expected: string): ConfigurationError {
  const shown = typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : String(value);
  return new ConfigurationError(`Cannot use the option ${name}: it is ${shown}, expected ${expected}`);
}

/** @throws ConfigurationError unless it is a function */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw unexpected(name, value, "a function");
}

/** The URL in full. */
export function checkUrl(url: string | URL): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    // What does not parse may hold a password at a place that nobody can tell.
    const shown = parsed === undefined ? "not a URL" : `"${parsed.protocol}//..."`;
    throw new ConfigurationError(`Cannot use the option url: it is ${shown}, expected http://... or https://...`);
  }
  return parsed.href;
}

/** A number, or the default. */
export function atLeast(minimum: number, name: NumberOption, options: RemoteWriteOutputOptions): number {
  const value = options[name] ?? defaultOptions[name];
  if (typeof value !== "number" || !(value >= minimum)) throw unexpected(name, value, `a number from ${minimum}`);
  return value;
}

/** A whole number, or the default. */
export function wholeAtLeast(minimum: number, name: NumberOption, options: RemoteWriteOutputOptions): number {
  const value = atLeast(minimum, name, options);
  // Infinity is a default: no bound.
  if (!Number.isSafeInteger(value) && value !== defaultOptions[name]) {
    throw unexpected(name, value, `a whole number from ${minimum}`);
  }
  return value;
}

/** One of the choices; the first is the default. */
export function oneOf<const Choice extends string>(
  choices: readonly [Choice, ...Choice[]],
  name: string,
  value?: Choice,
): Choice {
  if (value === undefined) return choices[0];
  if (!choices.includes(value)) throw unexpected(name, value, choices.map((choice) => `"${choice}"`).join(" or "));
  return value;
}

/** A switch, or what it is by default. */
export function flag(
  name: keyof RemoteWriteOutputOptions,
  options: RemoteWriteOutputOptions,
  byDefault: boolean,
): boolean {
  const value = options[name] ?? byDefault;
  // A text from somewhere, such as "false", would count as true.
  if (typeof value !== "boolean") throw unexpected(name, value, "true or false");
  return value;
}
