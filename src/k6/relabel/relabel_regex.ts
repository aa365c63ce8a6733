/**
 * Regular expressions as Prometheus takes them, run by JavaScript. Where the two would not find the same, the pattern is
 * refused. What stays different: JavaScript may take very long for patterns such as `(a+)+`, and under `(?i)` its `\b` counts
 * the Kelvin sign and the long s as letters.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 * @module
 */
import { classOf, isCased, literal, takeClass, takeEscape } from "./relabel_char_class.ts";
import { PatternCursor } from "./relabel_pattern_cursor.ts";

/** A compiled expression, anchored at both ends, whose dot takes line feeds. */
export interface RelabelRegex {
  /** The groups if the whole text matches, null if not. */
  match(text: string): RegExpExecArray | null;
  /** Group numbers by name. */
  readonly groupNames: ReadonlyMap<string, number>;
  /** Whether a group holds what RE2 would find in it; whether the text matches, and `$0`, never differ. */
  isFaithful(group: number): boolean;
}

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly U: boolean;
}

/** Something that a repetition can follow: a character, a class, a group. */
interface Part {
  /** Whether it can match nothing. */
  nullable: boolean;
  /** Numbers of its capturing groups. */
  captures: readonly number[];
  /** Those of them that its match may pass by. */
  skippable: readonly number[];
}

/** An open group. */
interface Frame {
  /** The flags that hold again after it. */
  readonly outerFlags: Flags;
  /** Its number, if it captures. */
  readonly number: number | undefined;
  /** What stands in it so far. */
  readonly alternatives: Part[][];
}

/** RE2's limit. */
const maxRepeat = 1000;

/**
 * Compiles an expression in RE2's syntax.
 *
 * @throws {SyntaxError} where it is not RE2's syntax, or JavaScript cannot express it
 */
export function compileRelabelRegex(pattern: string): RelabelRegex {
  const translation = new Translation(pattern);
  const { source, ignoreCase } = translation.run();
  const regex = new RegExp(`^(?:${source})$`, ignoreCase ? "iu" : "u");
  return {
    match: (text) => regex.exec(text),
    groupNames: translation.groupNames,
    isFaithful: (group) => translation.isFaithful(group),
  };
}

class Translation {
  readonly groupNames = new Map<string, number>();
  readonly #cursor: PatternCursor;
  readonly #frames: Frame[] = [];
  /** Whether case was ignored, where it matters. */
  readonly #caseRules = new Set<boolean>();
  /** JavaScript forgets a group at each turn of a repetition around it, RE2 does not. */
  readonly #forgotten = new Set<number>();
  /** JavaScript makes no turn that takes nothing, RE2 does; what other groups take may then differ too. */
  #hasEmptyTurns = false;
  #flags: Flags = { i: false, m: false, s: true, U: false };
  #groups = 0;
  #source = "";
  /** What a repetition would repeat. */
  #last: Part | undefined;

  constructor(pattern: string) {
    this.#cursor = new PatternCursor(pattern);
  }

  run(): { source: string; ignoreCase: boolean } {
    this.#frames.push(this.#frameOf(undefined));
    while (!this.#cursor.done) {
      if (!this.#takeRepetition()) this.#takePart();
    }
    if (this.#frames.length > 1) this.#cursor.fail("a group without its closing parenthesis");
    if (this.#caseRules.size > 1) {
      this.#cursor.fail("(?i) for a part of the expression, which JavaScript has only for the whole");
    }
    return { source: this.#source, ignoreCase: this.#caseRules.has(true) };
  }

  isFaithful(group: number): boolean {
    return group === 0 || (!this.#hasEmptyTurns && !this.#forgotten.has(group));
  }

  #takePart(): void {
    const cursor = this.#cursor;
    const quoted = cursor.take(/\\Q(.*?)\\E/sy)?.[1];
    if (quoted !== undefined) {
      for (const character of quoted) this.#putCharacter(character.codePointAt(0) ?? 0);
      return;
    }
    const assertion = cursor.take(/\\([AzbB])|[\^$]/y);
    if (assertion !== undefined) {
      this.#put(this.#assertion(assertion[1] ?? assertion[0]), { nullable: true });
    } else if (cursor.take(/\(/y) !== undefined) {
      this.#takeGroup();
    } else if (cursor.take(/\)/y) !== undefined) {
      this.#close();
    } else if (cursor.take(/\|/y) !== undefined) {
      this.#source += "|";
      this.#frame.alternatives.push([]);
    } else if (cursor.take(/\./y) !== undefined) {
      this.#put(this.#flags.s ? "[^]" : "[^\\n]");
    } else if (cursor.take(/(?=\[)/y) !== undefined) {
      const { expression, cased } = takeClass(cursor);
      this.#put(expression, { cased });
    } else if (cursor.take(/(?=\\)/y) !== undefined) {
      const escape = takeEscape(cursor);
      if (typeof escape === "number") this.#putCharacter(escape);
      else this.#put(classOf(escape), { cased: escape.cased });
    } else {
      this.#putCharacter(cursor.takeCharacter());
    }
  }

  #takeGroup(): void {
    const cursor = this.#cursor;
    const name = cursor.take(/\?P?<(\w+)>/y)?.[1];
    if (name !== undefined) {
      if (this.groupNames.has(name)) cursor.fail(`two groups of the name ${name}`);
      this.groupNames.set(name, this.#groups + 1);
      return this.#open("(", ++this.#groups);
    }
    const flags = cursor.take(/\?([imsU]*)(?:-([imsU]+))?([:)])/y);
    if (flags !== undefined) {
      const [, on = "", off = "", end] = flags;
      if (end === ":") this.#open("(?:");
      const has = (flag: keyof Flags): boolean => !off.includes(flag) && (on.includes(flag) || this.#flags[flag]);
      this.#flags = { i: has("i"), m: has("m"), s: has("s"), U: has("U") };
      return;
    }
    if (cursor.take(/(?=\?)/y) !== undefined) cursor.fail("a group that RE2 does not know, such as a look-ahead");
    this.#open("(", ++this.#groups);
  }

  #open(source: string, number?: number): void {
    this.#source += source;
    this.#frames.push(this.#frameOf(number));
  }

  #close(): void {
    if (this.#frames.length === 1) this.#cursor.fail("a closing parenthesis without its group");
    const { outerFlags, number, alternatives } = this.#frame;
    this.#frames.pop();
    this.#flags = outerFlags;
    const parts = alternatives.flat();
    const captures = parts.flatMap((part) => part.captures);
    this.#put(")", {
      nullable: alternatives.some((alternative) => alternative.every((part) => part.nullable)),
      captures: number === undefined ? captures : [number, ...captures],
      skippable: alternatives.length > 1 ? captures : parts.flatMap((part) => part.skippable),
    });
  }

  #takeRepetition(): boolean {
    const taken = this.#cursor.take(/([*+?]|\{(\d+)(,(\d+)?)?\})(\??)/y);
    if (taken === undefined) return false;
    const [, token = "", first = token === "+" ? "1" : "0", comma, second, question] = taken;
    const least = Number(first);
    const fixed = token.startsWith("{") && comma === undefined;
    const most = token === "?" ? 1 : fixed ? least : Number(second ?? Infinity);
    if (least > maxRepeat || (most > maxRepeat && most < Infinity)) {
      this.#cursor.fail(`a repetition of more than ${maxRepeat}`);
    }
    const lazy = (question === "?") !== this.#flags.U;
    this.#source += token + (lazy ? "?" : "");
    // JavaScript's own compiler finds repetitions of nothing.
    const part = this.#last;
    if (part === undefined) return true;
    if (most > 1) { for (const group of part.skippable) this.#forgotten.add(group); }
    if (most > least && part.nullable) this.#hasEmptyTurns = true;
    if (least === 0) {
      part.nullable = true;
      part.skippable = part.captures;
    }
    return true;
  }

  #assertion(token: string): string {
    if (token === "b" || token === "B") return `\\${token}`;
    if (token === "A") return "^";
    if (token === "z") return "$";
    if (!this.#flags.m) return token;
    return token === "^" ? "(?<![^\\n])" : "(?![^\\n])";
  }

  #putCharacter(code: number): void {
    this.#put(literal(code), { cased: isCased(code, code) });
  }

  #put(expression: string, { cased = false, ...part }: Partial<Part> & { readonly cased?: boolean } = {}): void {
    this.#source += expression;
    this.#last = { nullable: false, captures: [], skippable: [], ...part };
    this.#frame.alternatives.at(-1)?.push(this.#last);
    if (cased) this.#caseRules.add(this.#flags.i);
  }

  #frameOf(number: number | undefined): Frame {
    return { outerFlags: this.#flags, number, alternatives: [[]] };
  }

  get #frame(): Frame {
    return this.#frames.at(-1) ?? this.#cursor.fail("a closing parenthesis without its group");
  }
}
