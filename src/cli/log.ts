/**
 * What the command says beside its results, on standard error.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { stderrIsTerminal, terminalWidth, writeError } from "./runtime.ts";

const levels = ["error", "warn", "info", "debug"] as const;

/** How much is said. */
export type LogLevel = (typeof levels)[number];

/** Says things, and keeps one line of progress below them on a terminal. */
export class Log {
  readonly #level: number;
  readonly #clearsBelow: boolean;
  #progress = "";

  /**
   * @param level the least important that is still said
   * @param options clearsBelow: whether another program shows its progress below the cursor, as k6 does; it draws it anew
   */
  constructor(level: LogLevel, { clearsBelow = false }: { readonly clearsBelow?: boolean } = {}) {
    this.#level = levels.indexOf(level);
    this.#clearsBelow = clearsBelow && stderrIsTerminal;
  }

  /** Says a message unless it is less important than the level. */
  say(level: LogLevel, message: string): void {
    if (levels.indexOf(level) > this.#level) return;
    const label = level === "info" ? "" : `${level}: `;
    void writeError(`${this.#erase()}${label}${message}\n${this.#progress}`);
  }

  /** Shows a line that is replaced by the next; none if it is empty. Only on a terminal. */
  progress(line: string): void {
    if (!stderrIsTerminal || this.#level < levels.indexOf("info")) return;
    // A line that wraps could not be erased.
    const shown = line.slice(0, terminalWidth() - 1);
    void writeError(`${this.#erase()}${shown}`);
    this.#progress = shown;
  }

  #erase(): string {
    if (this.#clearsBelow) return "\r\x1b[J";
    return this.#progress === "" ? "" : "\r\x1b[K";
  }
}

/** @throws ConfigurationError */
export function parseLogLevel(text: string, source: string): LogLevel {
  const level = levels.find((candidate) => candidate === text);
  if (level === undefined) {
    throw new ConfigurationError(`Cannot read ${source}: it is "${text}", expected ${levels.join(", ")}`);
  }
  return level;
}
