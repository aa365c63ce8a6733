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
import { print, printError } from "./print.ts";
import { commandLine, exit } from "./runtime.ts";

async function main(): Promise<number> {
  try {
    const { print: text, command, given } = readCommandLine(commandLine);
    if (text === undefined) return await command.run(given);
    await print(text);
    return exitCodes.ok;
  } catch (error) {
    if (isRemoteWriteError(error)) {
      await printError(`error: ${error.message}`);
      return exitCodes.usage;
    }
    // A mistake in this program. The runtime would print the message as it is.
    const trace = error instanceof Error ? `${error.stack ?? error}` : String(error);
    for (const line of `error: ${trace}`.split("\n")) await printError(line);
    return exitCodes.lost;
  }
}

await exit(await main());
