/**
 * A bound on the requests of one flush, as edge runtimes allow a handler only so many.
 *
 * @module
 */
import type { Fetch } from "./fetch.ts";
import type { Send } from "./request_result.ts";

/** Says that a request was not sent, as the requests of this flush are used up. */
class RequestsUsedUpError extends Error {
  override readonly name = "RequestsUsedUpError";

  constructor() {
    super("the requests of this flush are used up");
  }
}

/** Whether an error comes from there: one for a token has others around it. */
export function isUsedUp(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof RequestsUsedUpError) return true;
  }
  return false;
}

/** How many requests may still be sent in this flush: those of redirects and for tokens count too. */
export class RequestBudget {
  readonly #perFlush: number;
  #left: number;

  /** @param perFlush requests; Infinity for no bound */
  constructor(perFlush: number) {
    this.#perFlush = perFlush;
    this.#left = perFlush;
  }

  /** Whether none was sent: a later flush will have no more. */
  get unused(): boolean {
    return this.#left === this.#perFlush;
  }

  /** Whether the rest has to wait for the next flush. */
  get usedUp(): boolean {
    return this.#left <= 0;
  }

  /** A new flush begins. */
  renew(): void {
    this.#left = this.#perFlush;
  }

  /** A fetch that takes its requests from here, and rejects where there is none left. */
  bound(fetch: Fetch): Fetch {
    return (url, init) => {
      if (this.usedUp) return Promise.reject(new RequestsUsedUpError());
      this.#left--;
      return fetch(url, init);
    };
  }
}

/** Sends as long as there are requests left; what comes later is held. */
export function withBudget(send: Send, budget: RequestBudget): Send {
  return async (request, signal) =>
    budget.usedUp ? { kind: "deferred", attempts: 0, unknownBefore: false } : await send(request, signal);
}
