#!/usr/bin/env node
/**
 * The command `k6-remote-write`.
 *
 * @module
 */
import { isRemoteWriteError } from "../errors.ts";
import { version } from "../version.ts";
import { nearestName } from "../options/nearest_name.ts";
import { parseArguments } from "./arguments.ts";
import { type Command, exitCodes } from "./command.ts";
import { formatCommandHelp, formatHelp } from "./help.ts";
import { receive } from "./receive.ts";
import { run } from "./run.ts";
import { commandLine, exit, writeError, writeOut } from "./runtime.ts";
import { send } from "./send.ts";

const commands: readonly Command[] = [send, run, receive];

async function main(args: readonly string[]): Promise<number> {
  const [first = "", second = ""] = args;
  if (first === "--version" || first === "-V") return print(`k6-remote-write ${version}\n`);
  if (first === "help" && commandOf(second) !== undefined) return main([second, "--help"]);
  if (first === "help" || first === "--help" || first === "-h") return print(formatHelp(commands));
  const command = commandOf(first) ?? send;
  const meant = command.name === first ? undefined : nearestName(first, commands.map(({ name }) => name));
  if (meant !== undefined) {
    return refuse(`Cannot read the command line: there is no command ${first}; did you mean ${meant}?`);
  }
  const rest = command.name === first ? args.slice(1) : args;
  if (asksForHelp(rest)) return print(formatCommandHelp(command));
  const { parse = parseArguments } = command;
  try {
    return await command.run(parse(rest, [...command.flags, ...command.options]));
  } catch (error) {
    if (!isRemoteWriteError(error)) throw error;
    return refuse(error.message);
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((argument) => argument === "--help" || argument === "-h");
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
