/**
 * Credentials that change: those that expire, and those that a function of the user returns.
 *
 * @module
 */
import { isRemoteWriteError } from "../../model/errors.ts";
import { untilAborted } from "../sleep.ts";

/** Credentials and the time at which they expire. */
export interface Obtained<Credentials> {
  readonly credentials: Credentials;
  /** Milliseconds since the Unix epoch. @default they are used until they are refused */
  readonly expiresAt?: number;
}

/** How credentials are obtained and kept. */
interface CredentialCacheOptions<Credentials> {
  /** Asks for credentials. The signal fires when no caller waits for them any more. */
  obtain(signal: AbortSignal): Promise<Obtained<Credentials>>;
  /** How long before they expire new ones are requested, in milliseconds; at most half of their lifetime. */
  readonly marginMs: number;
  /** The time in milliseconds since the Unix epoch. */
  readonly now: () => number;
}

interface Pending<Credentials> {
  readonly result: Promise<Credentials>;
  readonly controller: AbortController;
  waiting: number;
}

/** Obtains credentials once for all requests that need them, and again shortly before they expire. */
export class CredentialCache<Credentials> {
  readonly #options: CredentialCacheOptions<Credentials>;
  #kept: { readonly credentials: Credentials; readonly until: number } | undefined;
  #pending: Pending<Credentials> | undefined;

  constructor(options: CredentialCacheOptions<Credentials>) {
    this.#options = options;
  }

  /** Returns the credentials. Rejects if `obtain` does, or with the signal's reason. */
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
   * Forgets credentials that the endpoint refused. When a token is revoked, several shards get a 401 at the same time, so the
   * credentials that are kept by then may be new already.
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

/**
 * Obtains credentials from a function of the user. If that fails, the attempt fails and the next one calls the function again: a
 * file that is being replaced is empty for a moment. So a ConfigurationError becomes an ordinary Error.
 */
export async function retriable<Credentials>(obtain: () => Promise<Credentials>): Promise<Credentials> {
  try {
    return await obtain();
  } catch (error) {
    if (isRemoteWriteError(error, "configuration")) throw new Error(error.message);
    throw error;
  }
}
