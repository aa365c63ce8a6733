/**
 * Says each thing once: a run that goes wrong does so thousands of times, in the same way.
 *
 * @module
 */

/** So many kinds tell what is wrong; the rest is only counted. */
const maxKinds = 100;

/** Passes messages on, one of a kind: they differ if more than their quoted texts, label sets and numbers but a status does. */
export class Warnings {
  readonly #onWarning: (message: string) => void;
  readonly #kinds = new Set<string>();

  /** @param onWarning gets messages without secrets; never throws */
  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning;
  }

  /** Passes the message on unless there was one of its kind. */
  once(message: string): void {
    const kind = kindOf(message);
    if (this.#kinds.has(kind) || this.#kinds.size === maxKinds) return;
    this.#kinds.add(kind);
    this.#onWarning(message);
  }
}

/** What messages of the same kind have in common. Nothing else is decided by it: receivers' texts are not to be interpreted. */
export function kindOf(message: string): string {
  const same = (part: string): string => part.startsWith("status") ? part : "#";
  return message.replace(/\bstatus \d{3}\b|"[^"]*"|\{[^{}]*\}|\d+/g, same).slice(0, 300);
}
