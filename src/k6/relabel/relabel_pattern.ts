/**
 * Patterns of relabelling rules, in RE2's syntax, and templates that are filled with their groups.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 * @module
 */
import { RE2JS, RE2JSException } from "re2js";

/** The strings of a match by group number. A group that took no part is null, and group 0 is the whole string. */
type Groups = readonly (string | null)[];

/** Fills templates from a string, in their order. Returns undefined if the string does not match the pattern. */
type Expand = (value: string) => readonly string[] | undefined;

/** A compiled pattern. It matches only whole strings, and its dot also matches line feeds, as in Prometheus. */
interface RelabelPattern {
  /** Reports whether the whole string matches. */
  readonly matches: (value: string) => boolean;
  /**
   * Reads templates such as `${1}_$name`, as Go's Regexp.Expand does. A name is as long as possible, so that `$1x` is the group
   * named `1x`. A group that does not exist is empty. `$$` is a dollar sign, and so is a `$` that no name follows.
   *
   * @see https://pkg.go.dev/regexp#Regexp.Expand
   */
  expander(templates: readonly string[]): Expand;
}

/**
 * Compiles a pattern, which must match the whole string.
 *
 * @throws {SyntaxError} if the pattern is not in RE2's syntax
 */
export function compilePattern(pattern: string): RelabelPattern {
  // Compiled first without the anchors: between them, "a)|(b" would be valid.
  const bare = compile(pattern, RE2JS.DOTALL);
  // With anchors in the pattern, the engine can often find the groups in one pass.
  const anchored = compile(`^(?s:${pattern})$`, 0).re2();
  const names = bare.namedGroups();
  // Most strings that do not match differ at their beginning; this check is faster than the engine.
  const prefix = String(bare.re2().prefix ?? "");
  const engineMatch = (readsGroups: boolean) => (value: string): Groups | null => {
    if (!value.startsWith(prefix)) return null;
    if (readsGroups) return anchored.findSubmatch(value);
    return bare.testExact(value) ? [value] : null;
  };
  const simple = simpleMatch(pattern);
  const match = simple ?? engineMatch(false);
  return {
    matches: (value) => match(value) !== null,
    expander(templates: readonly string[]): Expand {
      const parsed = templates.map((template) => parseTemplate(template, names));
      const readsGroups = parsed.flat().some((part) => typeof part === "number" && part > 0);
      const groupsOf = simple ?? engineMatch(readsGroups);
      return (value) => {
        const groups = groupsOf(value);
        return groups === null ? undefined : parsed.map((parts) => fill(parts, groups));
      };
    },
  };
}

function compile(pattern: string, flags: number): RE2JS {
  try {
    return RE2JS.compile(pattern, flags);
  } catch (error) {
    if (error instanceof RE2JSException) throw new SyntaxError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Returns how to match the patterns that most rules have without the engine: `(.*)` and the like, and a list of literal strings
 * such as `vu|iter`. Returns undefined for other patterns.
 */
function simpleMatch(pattern: string): ((value: string) => Groups | null) | undefined {
  const [, group, repetition] = /^(\()?\.([*+])\)?$/.exec(pattern) ?? [];
  if (repetition !== undefined) {
    const groupsOf = (value: string): Groups => group === undefined ? [value] : [value, value];
    return (value) => repetition === "+" && value === "" ? null : groupsOf(value);
  }
  const literals = new Set<string>();
  for (const alternative of pattern.split("|")) {
    const literal = /^\^?((?:[^\\.+*?()[\]{}^$]|\\[^0-9A-Za-z])*)\$?$/.exec(alternative)?.[1];
    if (literal === undefined) return undefined;
    literals.add(literal.replaceAll(/\\(.)/gs, "$1"));
  }
  return (value) => literals.has(value) ? [value] : null;
}

/** Returns the literal parts of a template, and the numbers of its groups between them. */
function parseTemplate(template: string, names: Readonly<Record<string, number>>): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let end = 0;
  for (const reference of template.matchAll(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu)) {
    parts.push(template.slice(end, reference.index));
    end = reference.index + reference[0].length;
    const name = reference[1] ?? reference[2];
    // Go accepts no leading zeros, so that `$01` is a name.
    if (name === undefined) parts.push("$");
    else if (/^(0|[1-9][0-9]*)$/.test(name)) parts.push(Number(name));
    else if (Object.hasOwn(names, name)) parts.push(names[name] ?? 0);
  }
  parts.push(template.slice(end));
  return parts;
}

function fill(parts: readonly (string | number)[], groups: Groups): string {
  let filled = "";
  for (const part of parts) filled += typeof part === "number" ? groups[part] ?? "" : part;
  return filled;
}
