/**
 * A bound on the requests of one flush, as edge runtimes allow a handler only so many.
 *
 * @module
 */
import type { Fetch } from "./http_sender.ts";
import type { Send } from "./outcome.ts";

/** Says that a request was not sent, as the requests of this flush are used up. */
export class RequestsUsedUpError extends Error {
  override readonly name = "RequestsUsedUpError";

  constructor() {
    super("the requests of this flush are used up");
  }
}

/** How many requests may still be sent in this flush: those of redirects and for tokens count too. */
export class RequestBudget {
  readonly #perFlush: number;
  #left: number;
  #exceeded = false;

  /** @param perFlush requests; Infinity for no bound */
  constructor(perFlush: number) {
    this.#perFlush = perFlush;
    this.#left = perFlush;
  }

  /** Whether the rest has to wait for the next flush. */
  get usedUp(): boolean {
    return this.#left <= 0;
  }

  /** Whether a request was not sent, since the flush began. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  /** A new flush begins. */
  renew(): void {
    this.#left = this.#perFlush;
    this.#exceeded = false;
  }

  /** A fetch that takes its requests from here. */
  bound(fetch: Fetch): Fetch {
    return (url, init) => {
      if (this.usedUp) {
        this.#exceeded = true;
        return Promise.reject(new RequestsUsedUpError());
      }
      this.#left--;
      return fetch(url, init);
    };
  }
}

/** Sends as long as there are requests left; what comes later is held, also where an attempt comes to its second request. */
export function withBudget(send: Send, budget: RequestBudget): Send {
  return async (request, signal) => {
    if (budget.usedUp) return { kind: "held", attempts: 0, unknownBefore: false };
    const outcome = await send(request, signal);
    if (outcome.kind !== "failed" || !budget.exceeded) return outcome;
    return { kind: "held", attempts: outcome.attempts, unknownBefore: outcome.unknown };
  };
}
