/**
 * Tells an endpoint that is down from one that fails now and then.
 *
 * @module
 */
import { describe, isAnswer, type RequestResult } from "./request_result.ts";

/** What decides. */
export interface OutageOptions {
  /** How long a batch is tried, in milliseconds. */
  readonly retryDeadlineMs: number;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the time for retries runs on from one batch to the next while every request fails. */
  readonly sharedDeadline: boolean;
  /** Milliseconds; the clock of the retries. */
  readonly now: () => number;
}

/** The time in which every request to an endpoint fails; there is none as long as something is answered. */
export class Outage {
  readonly #options: OutageOptions;
  #sinceMs: number | undefined;
  #answeredMs = -Infinity;
  #reason = "";

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** From when on the time for retries counts, for a batch that is sent now. */
  get startMs(): number {
    const { sharedDeadline, now } = this.#options;
    return (sharedDeadline ? this.#sinceMs : undefined) ?? now();
  }

  /** Whether what waits need not be tried any more. */
  get isLong(): boolean {
    const { retryDeadlineMs, timeoutMs, sharedDeadline, now } = this.#options;
    if (!sharedDeadline || this.#sinceMs === undefined) return false;
    // With a short deadline a single failure is no outage, and costs nothing but itself.
    return now() >= this.#sinceMs + Math.max(retryDeadlineMs, timeoutMs);
  }

  /** Why the latest request failed, or its attempt before it was ended; empty if it was answered. */
  get reason(): string {
    return this.#reason;
  }

  /** Takes note of what became of a request whose time for retries counts from `startMs`. */
  note(outcome: RequestResult, startMs: number): void {
    if (outcome.kind === "failed") {
      // Another shard's request may have been answered meanwhile.
      this.#sinceMs ??= Math.max(startMs, this.#answeredMs);
      this.#reason = describe(outcome);
    } else if (outcome.kind === "aborted") {
      // Another shard's answer since then may have ended what it failed of.
      if (startMs >= this.#answeredMs) this.#reason = outcome.failure ?? this.#reason;
    } else if (isAnswer(outcome)) {
      this.#reason = "";
      this.#sinceMs = undefined;
      this.#answeredMs = this.#options.now();
    }
  }
}
