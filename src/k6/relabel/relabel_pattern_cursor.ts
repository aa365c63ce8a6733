/**
 * Reads a pattern from left to right.
 *
 * @module
 */

/** A place in a pattern. */
export class PatternCursor {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Whether all of it was taken. */
  get done(): boolean {
    return this.#at === this.#pattern.length;
  }

  /** Takes what a sticky expression matches here; undefined if nothing. */
  take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#pattern) ?? undefined;
    if (match !== undefined) this.#at = expression.lastIndex;
    return match;
  }

  /** Takes one character. */
  takeCharacter(): number {
    const code = this.#pattern.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  /** Throws a SyntaxError that shows where the reading stopped. */
  fail(reason: string): never {
    throw new SyntaxError(`${reason} (at ${JSON.stringify(this.#pattern.slice(this.#at, this.#at + 12))})`);
  }
}
