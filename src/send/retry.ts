/**
 * Sends again what may succeed later.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#retries-backoff
 * @module
 */
import { sendDefaults } from "./defaults.ts";
import { describe, type Failed, type RequestResult, type Send } from "./request_result.ts";
import { type Sleep, sleep as realSleep } from "./sleep.ts";
import type { Warnings } from "./warnings.ts";

/** How patient to be. */
export interface RetryOptions {
  /** Upper bound of the first pause, in milliseconds; it doubles from one pause to the next. @default 30 */
  readonly minBackoffMs?: number;
  /** Upper bound of all pauses, in milliseconds. @default 5000 */
  readonly maxBackoffMs?: number;
  /** How far a Retry-After is followed, in milliseconds. @default 60000 */
  readonly maxRetryAfterMs?: number;
  /** Whether 429 is tried again. @default true */
  readonly retryOn429?: boolean;
  /** From 0 to below 1. @default Math.random */
  readonly random?: () => number;
  /** @default by the runtime's timers */
  readonly sleep?: Sleep;
  /** Milliseconds; the clock of `retryUntilMs`. @default Date.now */
  readonly now?: () => number;
  /** Where to say that something fails. @default nowhere */
  readonly warnings?: Warnings;
}

/** Network errors, timeouts, 5xx and 429 are tried again until the request's own deadline; anything else is final. */
export function withRetry(send: Send, options: RetryOptions = {}): Send {
  const {
    minBackoffMs = sendDefaults.minBackoffMs,
    maxBackoffMs = sendDefaults.maxBackoffMs,
    maxRetryAfterMs = sendDefaults.maxRetryAfterMs,
    retryOn429 = true,
    random = Math.random,
    sleep = realSleep,
    now = Date.now,
    warnings,
  } = options;

  return async (request, signal) => {
    const { attempt: first = 0, maxServerErrors = sendDefaults.maxLastServerErrors, retryUntilMs = Infinity } = request;
    let attempts = 0;
    let unknownBefore = false;
    let backoffMs = minBackoffMs;
    let serverErrors = 0;
    let reconnected = false;
    let failure: string | undefined;

    const delayMs = ({ disconnected, retryAfterMs = 0 }: Failed, leftMs: number): number => {
      if (disconnected && !reconnected) {
        // Most likely an idle connection that the receiver closed just when it was used again.
        reconnected = true;
        return 0;
      }
      const jittered = random() * backoffMs;
      backoffMs = Math.min(maxBackoffMs, backoffMs * 2);
      // To try earlier than asked loses nothing: the last try is at the deadline at the latest.
      const askedMs = Math.min(retryAfterMs, maxRetryAfterMs, leftMs);
      return askedMs > 0 ? askedMs : jittered;
    };

    for (;;) {
      const outcome: RequestResult = await send({ ...request, attempt: first + attempts }, signal);
      attempts += outcome.attempts;
      if (outcome.kind === "aborted") return { ...outcome, attempts, unknownBefore, failure };
      if (outcome.kind !== "failed") return { ...outcome, attempts, unknownBefore };
      if (outcome.status === 429 && !retryOn429) {
        const { status, reason } = outcome;
        return { kind: "rejected", status, reason, written: undefined, attempts, unknownBefore };
      }
      const givenUp = { ...outcome, attempts, unknownBefore };
      if (outcome.status === 500 && ++serverErrors >= maxServerErrors) return givenUp;
      const leftMs = retryUntilMs - now();
      const pauseMs = delayMs(outcome, leftMs);
      if (pauseMs > leftMs) return givenUp;
      const status = outcome.status === undefined ? "no answer" : `status ${outcome.status}`;
      warnings?.once(`Sending fails (${status}: ${outcome.reason}); it is tried again.`);
      unknownBefore ||= outcome.unknown;
      failure = describe(outcome);
      if (pauseMs > 0) await sleep(pauseMs, signal);
      if (signal.aborted) return { kind: "aborted", unknown: false, attempts, unknownBefore, failure };
    }
  };
}
