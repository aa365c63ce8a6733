/**
 * Credentials that expire: asked for once, however many requests need them, and anew before they expire.
 *
 * @module
 */
import { untilAborted } from "../sleep.ts";

/** Credentials, and how long they hold. */
export interface Obtained<Credentials> {
  /** What was obtained. */
  readonly credentials: Credentials;
  /** Milliseconds since the Unix epoch. @default until they are refused */
  readonly expiresAt?: number;
}

/** How credentials are obtained and kept. */
export interface CredentialCacheOptions<Credentials> {
  /** Asks for credentials; the signal fires when nobody waits for them any more. */
  obtain(signal: AbortSignal): Promise<Obtained<Credentials>>;
  /** How long before they expire they are asked for anew, in milliseconds; at most half of the time for which they hold. */
  readonly marginMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

interface Pending<Credentials> {
  readonly result: Promise<Credentials>;
  readonly controller: AbortController;
  waiting: number;
}

/** Keeps credentials while they hold. */
export class CredentialCache<Credentials> {
  readonly #options: CredentialCacheOptions<Credentials>;
  #kept: { readonly credentials: Credentials; readonly until: number } | undefined;
  #pending: Pending<Credentials> | undefined;

  constructor(options: CredentialCacheOptions<Credentials>) {
    this.#options = options;
  }

  /** The credentials; rejects as `obtain` does, or with the signal's reason. */
  async get(signal: AbortSignal): Promise<Credentials> {
    if (this.#kept !== undefined && this.#options.now() < this.#kept.until) return this.#kept.credentials;
    const pending = this.#pending ??= this.#obtain();
    pending.waiting += 1;
    try {
      return await untilAborted(pending.result, signal);
    } finally {
      pending.waiting -= 1;
      if (pending.waiting === 0) {
        pending.controller.abort();
        if (this.#pending === pending) this.#pending = undefined;
      }
    }
  }

  /**
   * Says that credentials were refused. Requests of several shards are refused together when a token is revoked: those that are
   * kept by then may be new already.
   */
  forget(wereRefused: (credentials: Credentials) => boolean): void {
    if (this.#kept !== undefined && wereRefused(this.#kept.credentials)) this.#kept = undefined;
  }

  #obtain(): Pending<Credentials> {
    const { obtain, marginMs, now } = this.#options;
    const controller = new AbortController();
    const since = now();
    const result = obtain(controller.signal).then(({ credentials, expiresAt = Infinity }) => {
      this.#kept = { credentials, until: expiresAt - Math.min(marginMs, (expiresAt - since) / 2) };
      return credentials;
    });
    return { result, controller, waiting: 0 };
  }
}
