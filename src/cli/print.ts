/**
 * Prints to standard output and standard error. Everything else in this folder prints through these functions and through `Log`, so
 * that no string of another program reaches a terminal as it is.
 *
 * @module
 */
import { printableLines, printableMessage } from "../model/printable.ts";
import { writeError, writeOut } from "./runtime.ts";

/** Prints lines to standard output. A string of others within them must not contain a line break: see `printable`. */
export function print(lines: string): Promise<void> {
  return writeOut(printableLines(lines));
}

/** Prints a message to standard error, as one line of at most 4000 characters. */
export function printError(message: string): Promise<void> {
  return writeError(`${printableMessage(message)}\n`);
}

/** Passes on to standard output, unchanged, what another program (k6) printed to the standard input of this one. */
export const passOn: (text: string) => Promise<void> = writeOut;
