/**
 * The pages for users, and what is in them.
 */
import { readdirSync, readFileSync } from "node:fs";

/** A code block of a page. */
export interface CodeBlock {
  readonly page: string;
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** The language after the backticks. */
  readonly language: string;
  readonly code: string;
  /** Why no test runs it: `<!-- not run: REASON -->` before the block. */
  readonly notRun: string | undefined;
}

/** The pages in docs/, with the path from the top of the project. */
export const docsPages: readonly string[] = readdirSync("docs", { recursive: true })
  .map((name) => `docs/${String(name).replaceAll("\\", "/")}`).filter((path) => path.endsWith(".md")).sort();

/** Returns the code blocks of a page. A block in a list is indented, and its code is not. */
export function codeBlocksOf(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = readFileSync(page, "utf8").split("\n");
  let notRun: string | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, indent = "", fence = "", language = ""] = /^(\s*)(`{3,})(\w*)/.exec(line) ?? [];
    if (fence === "") {
      if (line.trim() !== "") notRun = /<!-- not run: (.+) -->/.exec(line)?.[1];
      continue;
    }
    const end = lines.findIndex((each, index) => index > at && each.trimEnd() === `${indent}${fence}`);
    if (end < 0) throw new Error(`${page}:${at + 1}: the code block does not end`);
    const code = lines.slice(at + 1, end).map((each) => `${each.slice(indent.length)}\n`).join("");
    blocks.push({ page, line: at + 1, language, code, notRun });
    notRun = undefined;
    at = end;
  }
  return blocks;
}

/** Returns a page without its code, where brackets are no links. */
export function proseOf(page: string): string {
  const text = readFileSync(page, "utf8").replaceAll(/^(\s*)(`{3,})[\s\S]*?^\1\2$/gm, "");
  return text.replaceAll(/(`+)(?:(?!\1)[^])+?\1/g, (code) => code.replaceAll(/[[\]()]/g, ""));
}

/** Returns the anchors of a page, as GitHub makes them from its headings. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  const text = readFileSync(page, "utf8").replaceAll(/^(\s*)(`{3,})[\s\S]*?^\1\2$/gm, "");
  for (const [, heading = ""] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = shown.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}
