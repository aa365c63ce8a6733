#!/usr/bin/env node
/**
 * The command `k6-remote-write`: importing this module runs it with the arguments of the process, and then ends the process.
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
import { exitCodes } from "./command.ts";
import { readCommandLine } from "./command_line.ts";
import { commandLine, exit, writeError, writeOut } from "./runtime.ts";

async function main(): Promise<number> {
  try {
    const { print, command, given } = readCommandLine(commandLine);
    if (print === undefined) return await command.run(given);
    await writeOut(print);
    return exitCodes.ok;
  } catch (error) {
    if (!isRemoteWriteError(error)) throw error;
    await writeError(`error: ${error.message}\n`);
    return exitCodes.usage;
  }
}

await exit(await main());
