/**
 * Sends a request again if it may succeed later.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#retries-backoff
 * @module
 */
import { describe, type Send } from "./request_result.ts";
import { maxLateMs } from "./deadline_clock.ts";
import type { Sleep } from "./sleep.ts";
import type { Warnings } from "./warnings.ts";

/** The options and clocks that decide when a request is sent again. */
export interface RetryOptions {
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether a 429 is tried again. */
  readonly retryOn429: boolean;
  /** Returns a number from 0 to below 1. */
  readonly random: () => number;
  readonly sleep: Sleep;
  /** The clock of `retryUntilMs`, in milliseconds. */
  readonly monotonicNow: () => number;
  /** Returns how often the process was stopped so far. */
  readonly gaps: () => number;
  /** Receives a warning when a request fails. */
  readonly warnings: Warnings;
}

/** The upper bound of the first pause, as in Prometheus. It doubles from one pause to the next. */
const minBackoffMs = 30;

/** The upper bound of all pauses, as in Prometheus. */
const maxBackoffMs = 5_000;

/** The longest pause for Retry-After. An attempt that is too early loses nothing, but in an hour, as some ask for, a queue overflows. */
const maxRetryAfterMs = 60_000;

/** Tries network errors, timeouts, 5xx and 429 again, until the request's own deadline. Any other result is final. */
export function withRetry(send: Send, options: RetryOptions): Send {
  const { timeoutMs, retryOn429, random, sleep, monotonicNow, gaps, warnings } = options;
  return async (request, signal) => {
    let attempts = 0;
    let unknownBefore = false;
    let backoffMs = minBackoffMs;
    let serverErrors = 0;
    let reconnected = false;
    let prolonged = false;
    let failure: string | undefined;
    for (;;) {
      const gapsBefore = gaps();
      const latestEndMs = monotonicNow() + timeoutMs + maxLateMs;
      const result = await send({ ...request, attempt: request.attempt + attempts }, signal);
      attempts += result.attempts;
      if (result.kind === "aborted") return { ...result, attempts, unknownBefore, failure };
      if (result.kind !== "failed") {
        return { ...result, attempts, unknownBefore: unknownBefore || result.unknownBefore };
      }
      const { status, reason, disconnected, retryAfterMs = 0 } = result;
      if (status === 429 && !retryOn429) {
        return { kind: "rejected", status, reason, written: undefined, attempts, unknownBefore };
      }
      const leftMs = request.retryUntilMs - monotonicNow();
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
      if (status === 500 && ++serverErrors >= request.maxServerErrors) return { ...result, attempts, unknownBefore };
      if (pauseMs > leftMs) {
        // Perhaps the process was stopped, so that the answer or the connection was lost. Such an attempt must not be the last one.
        const hadGap = gaps() !== gapsBefore || monotonicNow() > latestEndMs;
        if (!hadGap || prolonged) return { ...result, attempts, unknownBefore };
        prolonged = true;
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
