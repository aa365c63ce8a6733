/**
 * The flags of `send` beside the options, and which of them go together.
 *
 * @module
 */
import { parseDurationMs } from "../config/duration.ts";
import { ConfigurationError } from "../model/errors.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { commonFlags, isOn, parseSwitch } from "./flags.ts";
import { isRegularFile, isThere } from "./runtime.ts";

/** All of them. */
export const sendFlags: readonly Flag[] = [
  { flag: "replay", help: "Windows by the samples' own times, as for files.", parse: parseSwitch },
  { flag: "live", help: "Windows by the clock, as for standard input.", parse: parseSwitch },
  { flag: "shift-to-now", help: "Move the recording so that it ends now.", parse: parseSwitch },
  { flag: "follow", help: "Wait for FILE to appear, and for what is added to it.", parse: parseSwitch },
  {
    flag: "idle-timeout",
    placeholder: "DURATION",
    help: "With --follow: end when nothing has been added for so long.",
    default: "never",
    parse: parseIdleTimeout,
  },
  {
    flag: "checkpoint",
    placeholder: "STATE",
    help: "Write to this file how far it is; after a crash, the same command continues there.",
    parse: parsePath,
  },
  ...commonFlags,
];

/** What is to be read. */
export function inputPaths({ operands }: Arguments): readonly string[] {
  return operands.length === 0 ? ["-"] : operands;
}

/** Whether the windows are by the clock. */
export function isLive(given: Arguments): boolean {
  return isOn(given, "live") ||
    (!isOn(given, "replay") && (isOn(given, "follow") || inputPaths(given).includes("-")));
}

/** @throws ConfigurationError where flags and files do not go together */
export function checkContradictions(given: Arguments): void {
  const paths = inputPaths(given);
  const unrepeatable = paths.find((path) => isThere(path) && !isRegularFile(path));
  const [live, replay, follow, shift] = ["live", "replay", "follow", "shift-to-now"].map((flag) => isOn(given, flag));
  const checkpoint = given.values.has("checkpoint");
  if (live && replay) {
    throw new ConfigurationError("Cannot read the command line: --live and --replay exclude each other");
  }
  for (const flag of ["shift-to-now", "checkpoint"]) {
    if (given.values.has(flag) && paths.includes("-")) {
      throw new ConfigurationError(`Cannot use --${flag}: standard input can be read only once, expected FILE`);
    }
  }
  if (shift && unrepeatable !== undefined) {
    throw new ConfigurationError(
      `Cannot use --shift-to-now with "${unrepeatable}": it can be read only once, expected a regular file`,
    );
  }
  if (follow && (replay || checkpoint || shift)) {
    throw new ConfigurationError(
      "Cannot use --follow: --replay, --checkpoint and --shift-to-now are for files that are complete",
    );
  }
  if (checkpoint && isLive(given)) {
    throw new ConfigurationError("Cannot read the command line: --live and --checkpoint exclude each other");
  }
  if (follow && (given.operands.length !== 1 || paths.includes("-"))) {
    throw new ConfigurationError("Cannot use --follow: it is for one FILE, expected its path");
  }
  if (follow && unrepeatable !== undefined) {
    throw new ConfigurationError(
      `Cannot use --follow with "${unrepeatable}": it does not grow, expected a regular file`,
    );
  }
  if (!follow && given.values.has("idle-timeout")) {
    throw new ConfigurationError("Cannot use --idle-timeout: it is for --follow");
  }
}

function parseIdleTimeout(text: string, source: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms <= 0) {
    throw new ConfigurationError(`Cannot read ${source}: it is "${text}", expected a duration such as 30s or 5m`);
  }
  return ms;
}

function parsePath(text: string, source: string): string {
  if (text === "") throw new ConfigurationError(`Cannot read ${source}: it is "", expected the path of a file`);
  return text;
}
