/**
 * A command of the program, and what all commands share: exit codes, common flags and the readers of switches.
 *
 * @module
 */
import { choiceOf, parseBoolean } from "../config/option_parsers.ts";
import type { Arguments, Flag, parseArguments } from "./arguments.ts";
import { levels, Log, logFormats, type LogLevel, type LogOptions, parseLogLevel, progressForms } from "./log.ts";

/** Exit codes: everything was delivered; something was lost or could not be read; the command was used wrongly. */
export const exitCodes = { ok: 0, lost: 1, usage: 2 } as const;

/** Exit codes after a second signal, as a shell reports them: 128 and the signal's number. */
export const signalExitCodes = { SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/** A command of the program, for example `send`. */
export interface Command {
  readonly name: string;
  /** The operands in `--help`, for example `[FILE...]`. A command without them rejects operands. */
  readonly operands: string;
  /** What the command does, in one sentence for `--help`. */
  readonly summary: string;
  /** The flags of the command, apart from those of an output's options. */
  readonly flags: readonly Flag[];
  /** The flags of the options of an output; `--help` shows them after the command's own flags. */
  readonly options: readonly Flag[];
  /** Reads the arguments, for a command that hands some of them to another program. @default parseArguments */
  readonly parse?: typeof parseArguments;
  /** Commands to try, for `--help`. */
  readonly examples?: readonly string[];
  /** Further text for `--help`. Each line is a paragraph, which is wrapped; a line that begins with blanks stays as it is. */
  readonly notes?: string;
  /**
   * Runs the command to its end.
   *
   * @returns the exit code
   * @throws ConfigurationError for a mistake that the user can correct
   */
  run(given: Arguments): Promise<number>;
}

/** The flags of every command. */
export const commonFlags: readonly Flag[] = [
  { flag: "quiet", help: "Print only errors (-q).", parse: parseBoolean },
  { flag: "verbose", help: "Print all messages, also those of the level debug (-v).", parse: parseBoolean },
  {
    flag: "log-level",
    placeholder: "LEVEL",
    help: "The least important messages to print: error, warn, info or debug.",
    default: "info",
    choices: levels,
    parse: parseLogLevel,
  },
  {
    flag: "log-format",
    placeholder: "FORMAT",
    help: "The form of messages: text, or json (one object per line, as in k6's own log).",
    default: "text",
    choices: logFormats,
    parse: choiceOf(...logFormats),
  },
  {
    flag: "progress",
    placeholder: "FORM",
    help:
      "How to show progress: auto (a line that changes on a terminal, otherwise plain), plain (a line every 10 s) or never.",
    default: "auto",
    choices: progressForms,
    parse: choiceOf(...progressForms),
  },
  { flag: "help", help: "Print this help (-h); --help all also prints all options.", parse: parseBoolean },
];

/** Reports whether a switch is on. */
export function isOn({ values }: Arguments, flag: string): boolean {
  return values.get(flag) === true;
}

function logLevelOf(given: Arguments): LogLevel {
  if (isOn(given, "quiet")) return "error";
  return isOn(given, "verbose")
    ? "debug"
    : parseLogLevel(String(given.values.get("log-level") ?? "info"), "--log-level");
}

/** Opens the log of a command, as its flags say. */
export function openLog(given: Arguments, options: LogOptions = {}): Log {
  const format = logFormats.find((each) => each === given.values.get("log-format"));
  const progress = progressForms.find((each) => each === given.values.get("progress"));
  return new Log(logLevelOf(given), { ...format && { format }, ...progress && { progress }, ...options });
}
