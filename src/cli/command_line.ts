/**
 * Decides what a command line asks for: a command with its arguments, a help text, or the version.
 *
 * @module
 */
import { listOf } from "../model/check_keys.ts";
import { ConfigurationError } from "../model/errors.ts";
import { version } from "../model/version.ts";
import { nearestName } from "../model/nearest_name.ts";
import { type Arguments, firstOperand, parseArguments } from "./arguments.ts";
import { check } from "./check/check.ts";
import type { Command } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { formatCommandHelp, formatHelp, topics } from "./help.ts";
import { receive } from "./receive.ts";
import { run } from "./run.ts";
import { helpWidth, isThere } from "./runtime.ts";
import { send } from "./send.ts";
import { verdict } from "./verdict/verdict.ts";

const runnable: readonly Command[] = [send, run, check, receive, verdict];

/** The commands of the program. */
export const commands: readonly Command[] = [...runnable, completionCommand(runnable)];

/** What a command line asks for: to print something, or to run a command. */
type CommandLine =
  | { readonly print: string; readonly command?: undefined; readonly given?: undefined }
  | { readonly print?: undefined; readonly command: Command; readonly given: Arguments };

/**
 * Reads a command line. Without a command's name, the command is `send`.
 *
 * @param args the arguments after the program's name
 * @throws ConfigurationError for an unknown command or flag, or a value that cannot be read
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const [first = "", second = ""] = args;
  const width = helpWidth();
  if (first === "help" && !["", "all"].includes(second)) return helpOn(second, { width, all: args[2] === "all" });
  if (first === "help" && second === "all") return helpOn(send.name, { width, all: true });
  if (["help", "--help", "-h"].includes(first) && second !== "all") return { print: formatHelp(commands, { width }) };
  if (args.length === 1 && first === "version" && !isThere(first)) return { print: shownVersion };
  // Flags may come before the command.
  const at = firstOperand(args, commands.flatMap(({ flags, options }) => [...flags, ...options])) ?? 0;
  const word = args[at] ?? "";
  // The command replaces k6, so its words may be those of k6 cloud run.
  const command = word === "cloud" && !isThere(word) ? run : commandOf(word) ?? send;
  const rest = command.name === word ? args.toSpliced(at, 1) : args;
  if (asksFor(rest, "--version", "-V")) return { print: shownVersion };
  if (asksFor(rest, "--help", "-h")) {
    const all = rest.some((argument, index) => argument === "all" && ["--help", "-h"].includes(rest[index - 1] ?? ""));
    return { print: formatCommandHelp(command, { width, all }) };
  }
  if (command.name !== word && !isThere(word)) {
    const nearest = nearestName(word, commands.map(({ name }) => name));
    if (nearest !== undefined) {
      throw new ConfigurationError(
        `Cannot read the command line: there is no command or file ${word}; did you mean ${nearest}?`,
      );
    }
  }
  const { parse = parseArguments } = command;
  const given = parse(rest, [...command.flags, ...command.options]);
  if (command.operands === "" && given.operands.length > 0) {
    throw new ConfigurationError(
      `Cannot read the command line: ${command.name} takes no argument "${given.operands[0]}", expected only flags`,
    );
  }
  return { command, given };
}

const shownVersion = `k6-remote-write ${version}\n`;

/** Returns the help on a command or a topic. @throws ConfigurationError for another word */
function helpOn(word: string, layout: { readonly width: number; readonly all: boolean }): CommandLine {
  const command = commandOf(word);
  if (command !== undefined) return { print: formatCommandHelp(command, layout) };
  const topic = topics.find(({ name }) => name === word);
  if (topic !== undefined) return { print: `${topic.format(layout.width)}\n` };
  const names = [...commands, ...topics].map(({ name }) => name);
  const nearest = nearestName(word, names);
  const expected = nearest === undefined ? listOf(names) : `perhaps "${nearest}"`;
  throw new ConfigurationError(`Cannot show help: there is no command or topic "${word}", expected ${expected}`);
}

function asksFor(args: readonly string[], ...flags: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((argument) => flags.includes(argument));
}

function commandOf(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}
