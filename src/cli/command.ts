/**
 * What a command is.
 *
 * @module
 */
import type { Arguments, Flag, parseArguments } from "./arguments.ts";

/** How a command ended: all was delivered, something was lost or could not be read, or it was used wrongly. */
export const exitCodes = { ok: 0, lost: 1, usage: 2 } as const;

/** One of the things that the program can do. */
export interface Command {
  readonly name: string;
  /** What follows the name in `--help`. */
  readonly operands: string;
  /** One sentence. */
  readonly summary: string;
  /** Its own flags. */
  readonly flags: readonly Flag[];
  /** Flags of the options of an output, shown after its own. */
  readonly options: readonly Flag[];
  /** How to read the arguments, where they are not all its own. @default parseArguments */
  readonly parse?: typeof parseArguments;
  /** What else `--help` says. */
  readonly notes?: string;
  /**
   * Does it.
   *
   * @returns the exit code
   * @throws ConfigurationError for what the user has to correct
   */
  run(given: Arguments): Promise<number>;
}
