/**
 * The messages and the progress of a command, on standard error.
 *
 * @module
 */
import { choiceOf } from "../config/option_parsers.ts";
import { printable, printableMessage } from "../model/printable.ts";
import { environment, stderrIsTerminal, terminalWidth, writeError } from "./runtime.ts";

/** The levels, the most important first. */
export const levels = ["error", "warn", "info", "debug"] as const;
/** The values of `--log-format`. */
export const logFormats = ["text", "json"] as const;
/** The values of `--progress`. */
export const progressForms = ["auto", "plain", "never"] as const;

/** How important a message is. */
export type LogLevel = (typeof levels)[number];

/** Reads a level; throws ConfigurationError for any other word. */
export const parseLogLevel: (text: string, source: string) => LogLevel = choiceOf(...levels);

/** In which form a log prints messages and progress, and where. */
export interface LogOptions {
  /** Another program (k6) draws its progress below the cursor, and draws it again if it is erased. @default false */
  readonly clearsBelow?: boolean;
  /** `json` prints one object per message, with the names of k6's own log. @default text */
  readonly format?: (typeof logFormats)[number];
  /**
   * `auto` shows one line that changes, on a terminal, and otherwise does as `plain`, which prints a line every 10 s. `never` shows
   * none. @default auto
   */
  readonly progress?: (typeof progressForms)[number];
  /** Whether standard error is a terminal with control sequences. @default as it is */
  readonly isTerminal?: boolean;
  /** Whether the labels of messages are coloured. @default on a terminal, unless NO_COLOR is set */
  readonly color?: boolean;
  /** Returns milliseconds that only rise. @default performance.now */
  readonly now?: () => number;
  /** @default writes to standard error */
  readonly write?: (text: string) => Promise<void>;
}

/** The time between two lines of plain progress, in milliseconds. */
const plainPeriodMs = 10_000;

/** The colours of labels, as codes of a terminal: bold red and yellow. */
const colors: Readonly<Partial<Record<LogLevel, string>>> = { error: "1;31", warn: "33" };

/** Whether standard error is a terminal that knows control sequences. */
const hasControls = stderrIsTerminal && environment.TERM !== "dumb";

/** Prints messages and, on a terminal, keeps one line of progress below them. */
export class Log {
  readonly #level: number;
  readonly #format: (typeof logFormats)[number];
  readonly #clearsBelow: boolean;
  readonly #color: boolean;
  /** Whether progress is one line that changes, a line every 10 s, or not shown. */
  readonly #progressForm: "line" | "plain" | "never";
  readonly #now: () => number;
  readonly #write: (text: string) => Promise<void>;
  #progress = "";
  #plainAt: number;

  /** @param level the least important level that is printed */
  constructor(level: LogLevel, options: LogOptions = {}) {
    const { clearsBelow = false, format = "text", progress = "auto", isTerminal = hasControls } = options;
    // NO_COLOR counts with any value but the empty one: https://no-color.org/
    const { color = isTerminal && (environment.NO_COLOR ?? "") === "", now = () => performance.now() } = options;
    this.#level = levels.indexOf(level);
    this.#format = format;
    this.#clearsBelow = clearsBelow && isTerminal;
    this.#color = color;
    const isLine = progress === "auto" && isTerminal && format === "text";
    this.#progressForm = progress === "never" || !this.#prints("info") ? "never" : isLine ? "line" : "plain";
    this.#now = now;
    this.#plainAt = now() + plainPeriodMs;
    this.#write = options.write ?? writeError;
  }

  /** Prints a message unless it is less important than the level. A string is one line: line breaks within it are escaped. */
  say(level: LogLevel, message: string | readonly string[]): void {
    if (!this.#prints(level)) return;
    const lines = [message].flat().map(printableMessage).join("\n");
    if (this.#format === "json") {
      // The names and levels of k6's log in this format.
      const fields = { level: level === "warn" ? "warning" : level, msg: lines, source: "k6-remote-write" };
      void this.#write(`${JSON.stringify({ ...fields, time: new Date().toISOString() })}\n`);
      return;
    }
    const label = level === "info" ? "" : `${this.#colored(`${level}:`, level)} `;
    void this.#write(`${this.#erase()}${label}${lines}\n${this.#progress}`);
  }

  /** Prints a message of the level debug; undefined if such messages are not printed, so that no one makes them. */
  get debug(): ((message: string) => void) | undefined {
    return this.#prints("debug") ? (message) => this.say("debug", message) : undefined;
  }

  /** Shows how far the command is. On a terminal, it replaces the last such line; an empty line removes it. */
  progress(line: string): void {
    if (this.#progressForm === "plain" && line !== "" && this.#now() >= this.#plainAt) {
      this.#plainAt = this.#now() + plainPeriodMs;
      this.say("info", line);
    }
    if (this.#progressForm !== "line") return;
    // A line that wraps could not be erased.
    const shown = printable(line).slice(0, terminalWidth() - 1);
    void this.#write(`${this.#erase()}${shown}`);
    this.#progress = shown;
  }

  #prints(level: LogLevel): boolean {
    return levels.indexOf(level) <= this.#level;
  }

  #colored(text: string, level: LogLevel): string {
    const code = this.#color ? colors[level] : undefined;
    return code === undefined ? text : `\x1b[${code}m${text}\x1b[0m`;
  }

  #erase(): string {
    if (this.#clearsBelow) return "\r\x1b[J";
    return this.#progress === "" ? "" : "\r\x1b[K";
  }
}
