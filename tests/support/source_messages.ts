/**
 * Finds the messages in the source, and the rows of the tables in docs/troubleshooting*.md that explain them.
 */
import { readdirSync, readFileSync } from "node:fs";

/** A row of a table. */
export interface TroubleshootingRow {
  readonly page: string;
  /** The message. `...` stands for the part that differs; the end may be missing. */
  readonly message: string;
  readonly cause: string;
  readonly help: string;
}

/** The pages with tables from message to cause to help. */
export const troubleshootingPages: readonly string[] = readdirSync("docs")
  .filter((name) => /^troubleshooting.*\.md$/.test(name)).map((name) => `docs/${name}`).sort();

/** Returns the rows of all pages, in order. */
export function readTroubleshooting(): readonly TroubleshootingRow[] {
  return troubleshootingPages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/^\| `(.+?)` \| (.+?) \| (.+?) \|$/gm)].map((
      [, message = "", cause = "", help = ""],
    ) => ({ page, message, cause, help }))
  );
}

/** Returns the pattern of messages that a row is about. */
export function patternOf({ message }: Pick<TroubleshootingRow, "message">): RegExp {
  const parts = message.split("...").map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}`, "s");
}

/** Replaces each `${...}` of a template by an ellipsis. */
const gap = "…";

/** What begins an error of the configuration, or a message on standard error. */
const beginnings =
  /(?:new (?:ConfigurationError|QueryError)\(|\.say\(\s*"(?:error|warn)",|\b[wW]arn(?:ing)?\(|\.once\()\s*(?=["`])/g;

/** Returns the messages in a source file. A part that differs is an ellipsis. */
export function messagesIn(path: string): string[] {
  const code = readFileSync(path, "utf8");
  return [...code.matchAll(beginnings)].map((match) => readStrings(code, match.index + match[0].length));
}

/** Reads a string literal, and those that are added to it. */
function readStrings(code: string, start: number): string {
  let text = "";
  let at = start;
  while (true) {
    const quote = code[at++];
    for (; code[at] !== quote; at++) {
      if (code[at] === "\\") text += code[++at];
      else if (quote === "`" && code.startsWith("${", at)) {
        at = endOfSubstitution(code, at);
        text += gap;
      } else text += code[at];
    }
    const next = /^.\s*\+\s*(?=["`])/s.exec(code.slice(at, at + 200));
    if (next === null) return text;
    at += next[0].length;
  }
}

/** Returns the index of the brace that ends `${`. */
function endOfSubstitution(code: string, start: number): number {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    if (code[at] === "{") depth++;
    else if (code[at] === "}" && --depth === 0) return at;
  }
  return code.length;
}
