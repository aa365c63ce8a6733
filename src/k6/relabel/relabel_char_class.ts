/**
 * Character classes and escapes of RE2, and how JavaScript writes them.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 * @module
 */
import type { PatternCursor } from "./relabel_pattern_cursor.ts";

/** Characters as the inside of a JavaScript character class, or all others. */
export interface CharacterSet {
  /** Without brackets. */
  readonly content: string;
  /** Whether it means the characters that are not in `content`. */
  readonly negated: boolean;
  /** Whether upper and lower case may matter. */
  readonly cased: boolean;
}

/** What a part of a pattern is in JavaScript. */
export interface TranslatedClass {
  /** JavaScript's syntax under the flag `u`. */
  readonly expression: string;
  /** Whether upper and lower case may matter. */
  readonly cased: boolean;
}

const digits = "0-9";
const spaces = "\\t\\n\\f\\r\\x20";

/** RE2's are ASCII; JavaScript's `\s` is not. */
const perlClasses: Readonly<Record<string, string>> = { d: digits, s: spaces, w: "0-9A-Za-z_" };

const posixClasses: ReadonlyMap<string, string> = new Map([
  ["alnum", "0-9A-Za-z"],
  ["alpha", "A-Za-z"],
  ["ascii", "\\x00-\\x7f"],
  ["blank", "\\t\\x20"],
  ["cntrl", "\\x00-\\x1f\\x7f"],
  ["digit", digits],
  ["graph", "\\x21-\\x7e"],
  ["lower", "a-z"],
  ["print", "\\x20-\\x7e"],
  ["punct", "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e"],
  ["space", "\\t\\n\\v\\f\\r\\x20"],
  ["upper", "A-Z"],
  ["word", "0-9A-Za-z_"],
  ["xdigit", "0-9A-Fa-f"],
]);

const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** A character of which nothing has a meaning of its own, inside a class or out of it. */
export function literal(code: number): string {
  const character = String.fromCodePoint(code);
  return /[0-9A-Za-z]/.test(character) ? character : `\\u{${code.toString(16)}}`;
}

/** Whether upper and lower case may matter between two characters. */
export function isCased(first: number, last: number): boolean {
  const within = (a: number, z: number): boolean => first <= z && last >= a;
  return within(0x41, 0x5a) || within(0x61, 0x7a) || last > 0x7f;
}

/** Takes an escape: a character, or a set of them. */
export function takeEscape(cursor: PatternCursor): number | CharacterSet {
  const perl = cursor.take(/\\([dDsSwW])/y)?.[1];
  if (perl !== undefined) return setOf(perlClasses[perl.toLowerCase()] ?? "", perl < "a");

  const property = cursor.take(/\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/y);
  if (property !== undefined) {
    const [, letter, caret, long, short] = property;
    const name = long ?? short ?? "";
    const content = /^([A-Z][a-z]?|Any)$/.test(name) ? `\\p{${name}}` : `\\p{Script=${name}}`;
    return setOf(content, (letter === "P") !== (caret === "^"));
  }

  const hex = cursor.take(/\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))/y);
  if (hex !== undefined) {
    const code = parseInt(hex[1] ?? hex[2] ?? "", 16);
    return code <= 0x10ffff ? code : cursor.fail("a character beyond 10FFFF");
  }
  const octal = cursor.take(/\\([1-7][0-7]{1,2}|0[0-7]{0,2})/y)?.[1];
  if (octal !== undefined) return parseInt(octal, 8);

  const control = cursor.take(/\\([afnrtv])/y)?.[1];
  if (control !== undefined) return controls[control] ?? 0;

  const punctuation = cursor.take(/\\([^0-9A-Za-z\u{80}-\u{10ffff}])/uy)?.[1];
  return punctuation?.charCodeAt(0) ?? cursor.fail("an escape that RE2 does not know");
}

/** Takes a class in brackets; the cursor stands before the opening one. */
export function takeClass(cursor: PatternCursor): TranslatedClass {
  const negated = cursor.take(/\[(\^?)/y)?.[1] === "^";
  const items: CharacterSet[] = [];
  // A closing bracket in the first place stands for itself.
  while (items.length === 0 || cursor.take(/\]/y) === undefined) {
    if (cursor.done) cursor.fail("a character class without its closing bracket");
    items.push(takeItem(cursor));
  }
  const cased = items.some((item) => item.cased);
  const included = items.filter((item) => !item.negated).map((item) => item.content).join("");
  const excluded = items.filter((item) => item.negated);
  if (excluded.length === 0) return { expression: `[${negated ? "^" : ""}${included}]`, cased };
  // Negated sets stay classes of their own: joined into one class, ignoring case would turn around what they mean.
  const any = [...(included === "" ? [] : [`[${included}]`]), ...excluded.map(classOf)].join("|");
  return { expression: negated ? `(?:(?!${any})[^])` : `(?:${any})`, cased };
}

/** A set as a class in brackets. */
export function classOf({ content, negated }: CharacterSet): string {
  return `[${negated ? "^" : ""}${content}]`;
}

function setOf(content: string, negated: boolean): CharacterSet {
  return { content, negated, cased: content !== digits && content !== spaces };
}

/** A character, a range, or a set within brackets. */
function takeItem(cursor: PatternCursor): CharacterSet {
  const posix = cursor.take(/\[:(\^?)(.*?):\]/sy);
  if (posix !== undefined) {
    const content = posixClasses.get(posix[2] ?? "") ?? cursor.fail("a character class that RE2 does not know");
    return setOf(content, posix[1] === "^");
  }
  const first = takeClassCharacter(cursor);
  if (typeof first !== "number") return first;
  if (cursor.take(/-(?=[^\]])/y) === undefined) {
    return { content: literal(first), negated: false, cased: isCased(first, first) };
  }
  const last = takeClassCharacter(cursor);
  if (typeof last !== "number" || last < first) cursor.fail("a range whose end is no character at or after its start");
  return { content: `${literal(first)}-${literal(last)}`, negated: false, cased: isCased(first, last) };
}

function takeClassCharacter(cursor: PatternCursor): number | CharacterSet {
  return cursor.take(/(?=\\)/y) === undefined ? cursor.takeCharacter() : takeEscape(cursor);
}
