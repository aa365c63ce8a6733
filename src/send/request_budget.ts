/**
 * A limit on the requests of one flush, for edge runtimes that allow a handler only so many.
 *
 * @module
 */
import type { Fetch, Send } from "./request_result.ts";

class RequestsUsedUpError extends Error {}

/** How many requests this flush may still send. Redirects and requests for tokens count too. */
export class RequestBudget {
  readonly #perFlush: number;
  #left: number;

  /** @param perFlush Infinity for no limit */
  constructor(perFlush: number) {
    this.#perFlush = perFlush;
    this.#left = perFlush;
  }

  /** Whether no request was sent yet, so that a later flush will have no more than this one. */
  get unused(): boolean {
    return this.#left === this.#perFlush;
  }

  /** Whether what is left must wait for the next flush. */
  get usedUp(): boolean {
    return this.#left <= 0;
  }

  /** Begins a new flush, which has the whole budget again. */
  renew(): void {
    this.#left = this.#perFlush;
  }

  /** Returns a fetch that counts its requests, and rejects if none is left. */
  limitFetch(fetch: Fetch): Fetch {
    return (url, init) => {
      if (this.usedUp) return Promise.reject(new RequestsUsedUpError("the requests of this flush are used up"));
      this.#left--;
      return fetch(url, init);
    };
  }

  /** Returns a `send` that defers requests if none is left. */
  limitSend(send: Send): Send {
    return async (request, signal) =>
      this.usedUp ? { kind: "deferred", attempts: 0, unknownBefore: false } : await send(request, signal);
  }

  /** Reports whether this error comes from a limited fetch. An error about a token has it as its cause. */
  isCauseOf(error: unknown): boolean {
    for (let current = error; current instanceof Error; current = current.cause) {
      if (current instanceof RequestsUsedUpError) return true;
    }
    return false;
  }
}
