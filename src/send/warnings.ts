/**
 * Reports each problem once: a run that goes wrong does so thousands of times, in the same way.
 *
 * @module
 */

/** The most kinds of messages that are reported, which are enough to show what is wrong. */
const maxKinds = 100;

/** The beginning of a message decides its kind. The pattern takes quadratic time, and a name may have a megabyte. */
const maxKindLength = 1000;

/** Passes on one message of each kind. */
export class Warnings {
  readonly #onWarning: (message: string) => void;
  readonly #kinds = new Set<string>();

  /** @param onWarning gets messages without secrets; it must not throw */
  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning;
  }

  /**
   * Passes the message on, unless one of its kind came before.
   *
   * @param message a function is called only if its message is passed on
   * @param cause messages with causes of the same kind are of the same kind. @default the message
   */
  once(message: string): void;
  once(message: () => string, cause: string): void;
  once(message: string | (() => string), cause = String(message)): void {
    const kind = kindOf(cause);
    if (this.#kinds.has(kind) || this.#kinds.size === maxKinds) return;
    this.#kinds.add(kind);
    this.#onWarning(typeof message === "string" ? message : message());
  }
}

/**
 * Returns what messages of the same kind have in common: quoted strings, series and numbers other than a status are left out.
 * No decision depends on it, because a sender must not interpret the words of receivers.
 */
export function kindOf(message: string): string {
  const same = (part: string): string => part.startsWith("status") ? part : "#";
  return message.slice(0, maxKindLength).replace(/\bstatus \d{3}\b|"[^"]*"|[\w:.]*\{[^{}]*\}|\d+/g, same).slice(0, 300);
}
