/**
 * Flags that several commands have, and how their values are read.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { type LogLevel, parseLogLevel } from "./log.ts";

/** Every command has these. */
export const commonFlags: readonly Flag[] = [
  { flag: "quiet", help: "Say nothing but errors (-q).", parse: parseSwitch },
  {
    flag: "log-level",
    placeholder: "LEVEL",
    help: "What to say: error, warn, info or debug.",
    default: "info",
    parse: parseLogLevel,
  },
  { flag: "help", help: "Say how to use this (-h).", parse: parseSwitch },
];

/** @throws ConfigurationError */
export function parseSwitch(text: string, source: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new ConfigurationError(`Cannot read ${source}: it is "${text}", expected true or false`);
}

/** A reader of whole numbers from `minimum` to `maximum`. */
export function wholeNumber(minimum: number, maximum: number): Flag["parse"] {
  return (text, source) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
      throw new ConfigurationError(
        `Cannot read ${source}: it is "${text}", expected a whole number from ${minimum} to ${maximum}`,
      );
    }
    return number;
  };
}

/** Whether a switch is on. */
export function isOn({ values }: Arguments, flag: string): boolean {
  return values.get(flag) === true;
}

/** How much to say. */
export function logLevelOf(given: Arguments): LogLevel {
  return isOn(given, "quiet") ? "error" : parseLogLevel(String(given.values.get("log-level") ?? "info"), "--log-level");
}
