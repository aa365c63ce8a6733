/**
 * A bound on the requests of one flush, as edge runtimes allow a handler only so many.
 *
 * @module
 */
import type { Send } from "./outcome.ts";

/** How many requests may still be sent in this flush. */
export class RequestBudget {
  readonly #perFlush: number;
  #left: number;

  /** @param perFlush attempts; Infinity for no bound */
  constructor(perFlush: number) {
    this.#perFlush = perFlush;
    this.#left = perFlush;
  }

  /** Whether the rest has to wait for the next flush. */
  get usedUp(): boolean {
    return this.#left <= 0;
  }

  /** A new flush begins. */
  renew(): void {
    this.#left = this.#perFlush;
  }

  /** Takes one request, if there is one left. */
  take(): boolean {
    if (this.usedUp) return false;
    this.#left--;
    return true;
  }
}

/** Sends as long as there are requests left; what comes later is held. */
export function withBudget(send: Send, budget: RequestBudget): Send {
  return async (request, signal) => {
    if (!budget.take()) return { kind: "held", attempts: 0, unknownBefore: false };
    return await send(request, signal);
  };
}
