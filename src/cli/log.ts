/**
 * The messages and the progress of a command, on standard error.
 *
 * @module
 */
import { choiceOf } from "../config/option_parsers.ts";
import { printable, printableMessage } from "../model/printable.ts";
import { stderrIsTerminal, terminalWidth, writeError } from "./runtime.ts";

/** The levels, the most important first. */
export const levels = ["error", "warn", "info", "debug"] as const;

/** How important a message is. */
export type LogLevel = (typeof levels)[number];

/** Reads a level; throws ConfigurationError for any other word. */
export const parseLogLevel: (text: string, source: string) => LogLevel = choiceOf(...levels);

/** Prints messages and, on a terminal, keeps one line of progress below them. */
export class Log {
  readonly #level: number;
  readonly #clearsBelow: boolean;
  #progress = "";

  /**
   * @param level the least important level that is printed
   * @param options clearsBelow: another program (k6) draws its progress below the cursor, and draws it again if it is erased
   */
  constructor(level: LogLevel, { clearsBelow = false }: { readonly clearsBelow?: boolean } = {}) {
    this.#level = levels.indexOf(level);
    this.#clearsBelow = clearsBelow && stderrIsTerminal;
  }

  /** Prints a message unless it is less important than the level. A string is one line: line breaks within it are escaped. */
  say(level: LogLevel, message: string | readonly string[]): void {
    if (levels.indexOf(level) > this.#level) return;
    const label = level === "info" ? "" : `${level}: `;
    const lines = [message].flat().map(printableMessage).join("\n");
    void writeError(`${this.#erase()}${label}${lines}\n${this.#progress}`);
  }

  /** Replaces the line of progress; an empty line removes it. Does nothing if there is no terminal. */
  progress(line: string): void {
    if (!stderrIsTerminal || this.#level < levels.indexOf("info")) return;
    // A line that wraps could not be erased.
    const shown = printable(line).slice(0, terminalWidth() - 1);
    void writeError(`${this.#erase()}${shown}`);
    this.#progress = shown;
  }

  #erase(): string {
    if (this.#clearsBelow) return "\r\x1b[J";
    return this.#progress === "" ? "" : "\r\x1b[K";
  }
}
