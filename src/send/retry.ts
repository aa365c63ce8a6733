/**
 * Sends a request again if it may succeed later.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#retries-backoff
 * @module
 */
import { describe, type Send } from "./request_result.ts";
import type { Sleep } from "./sleep.ts";
import type { Warnings } from "./warnings.ts";

/** What a retry needs. */
export interface RetryOptions {
  /** Whether a 429 is tried again. */
  readonly retryOn429: boolean;
  /** Returns a number from 0 to below 1. */
  readonly random: () => number;
  readonly sleep: Sleep;
  /** The clock of `retryUntilMs`, in milliseconds. */
  readonly now: () => number;
  /** Gets a warning when a request fails. */
  readonly warnings: Warnings;
}

/** The upper bound of the first pause, as in Prometheus. It doubles from one pause to the next. */
const minBackoffMs = 30;

/** The upper bound of all pauses, as in Prometheus. */
const maxBackoffMs = 5_000;

/** An earlier attempt than the receiver asks for loses nothing, but an hour, as some ask for, would overflow a queue of minutes. */
const maxRetryAfterMs = 60_000;

/** Tries network errors, timeouts, 5xx and 429 again, until the request's own deadline. Any other result is final. */
export function withRetry(send: Send, { retryOn429, random, sleep, now, warnings }: RetryOptions): Send {
  return async (request, signal) => {
    let attempts = 0;
    let unknownBefore = false;
    let backoffMs = minBackoffMs;
    let serverErrors = 0;
    let reconnected = false;
    let failure: string | undefined;
    for (;;) {
      const result = await send({ ...request, attempt: request.attempt + attempts }, signal);
      attempts += result.attempts;
      if (result.kind === "aborted") return { ...result, attempts, unknownBefore, failure };
      if (result.kind !== "failed") return { ...result, attempts, unknownBefore };
      const { status, reason, disconnected, retryAfterMs = 0 } = result;
      if (status === 429 && !retryOn429) {
        return { kind: "rejected", status, reason, written: undefined, attempts, unknownBefore };
      }
      const leftMs = request.retryUntilMs - now();
      let pauseMs = 0;
      if (disconnected && !reconnected) {
        // The connection was most likely idle, and the receiver closed it just when it was used again.
        reconnected = true;
      } else {
        const jittered = random() * backoffMs;
        backoffMs = Math.min(maxBackoffMs, backoffMs * 2);
        // If the receiver asks for more time than there is, the last attempt is at the deadline.
        pauseMs = Math.min(retryAfterMs, maxRetryAfterMs, leftMs);
        if (pauseMs <= 0) pauseMs = jittered;
      }
      if ((status === 500 && ++serverErrors >= request.maxServerErrors) || pauseMs > leftMs) {
        return { ...result, attempts, unknownBefore };
      }
      const what = status === undefined ? "no answer" : `status ${status}`;
      warnings.once(`Sending fails (${what}: ${reason}); the sender tries again.`);
      unknownBefore ||= result.unknown;
      failure = describe(result);
      if (pauseMs > 0) await sleep(pauseMs, signal);
      if (signal.aborted) return { kind: "aborted", unknown: false, attempts, unknownBefore, failure };
    }
  };
}
