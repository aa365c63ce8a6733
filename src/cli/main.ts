#!/usr/bin/env node
/**
 * The command `k6-remote-write`.
 *
 * @example
 * ```ts
 * import process from "node:process";
 *
 * process.argv.splice(2, Infinity, "--version");
 * await import("k6-remote-write/cli");
 * ```
 *
 * @module
 */
import { isRemoteWriteError } from "../model/errors.ts";
import { version } from "../model/version.ts";
import { nearestName } from "../client/nearest_name.ts";
import { firstOperand, parseArguments } from "./arguments.ts";
import { type Command, exitCodes } from "./command.ts";
import { formatCommandHelp, formatHelp } from "./help.ts";
import { receive } from "./receive.ts";
import { run } from "./run.ts";
import { commandLine, exit, isThere, writeError, writeOut } from "./runtime.ts";
import { send } from "./send.ts";

const commands: readonly Command[] = [send, run, receive];

async function main(args: readonly string[]): Promise<number> {
  const [first = "", second = ""] = args;
  if (first === "help" && commandOf(second) !== undefined) return main([second, "--help"]);
  if (first === "help" || first === "--help" || first === "-h") return print(formatHelp(commands));
  // Flags may stand before the command.
  const at = firstOperand(args, commands.flatMap(({ flags, options }) => [...flags, ...options])) ?? 0;
  const word = args[at] ?? "";
  const command = commandOf(word) ?? send;
  const rest = command.name === word ? args.toSpliced(at, 1) : args;
  if (asksFor(rest, "--version", "-V")) return print(`k6-remote-write ${version}\n`);
  if (asksFor(rest, "--help", "-h")) return print(formatCommandHelp(command));
  const meant = command.name === word || isThere(word)
    ? undefined
    : nearestName(word, commands.map(({ name }) => name));
  if (meant !== undefined) {
    return refuse(`Cannot read the command line: there is no command ${word}; did you mean ${meant}?`);
  }
  const { parse = parseArguments } = command;
  try {
    const given = parse(rest, [...command.flags, ...command.options]);
    if (command.operands === "" && given.operands.length > 0) {
      return refuse(`Cannot read the command line: ${command.name} takes no ${given.operands[0]}, expected flags only`);
    }
    return await command.run(given);
  } catch (error) {
    if (!isRemoteWriteError(error)) throw error;
    return refuse(error.message);
  }
}

function asksFor(args: readonly string[], ...flags: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((argument) => flags.includes(argument));
}

function commandOf(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}

async function refuse(message: string): Promise<number> {
  await writeError(`error: ${message}\n`);
  return exitCodes.usage;
}

async function print(text: string): Promise<number> {
  await writeOut(text);
  return exitCodes.ok;
}

await exit(await main(commandLine));
