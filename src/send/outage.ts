/**
 * Distinguishes an endpoint that is down from one that fails now and then.
 *
 * @module
 */
import { describe, isAnswer, type RequestResult } from "./request_result.ts";

/** When an endpoint counts as down. */
export interface OutageOptions {
  /** How long a batch is tried, in milliseconds. */
  readonly retryDeadlineMs: number;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Whether the deadline runs on from one batch to the next while every request fails, so that the sender waits only once for an
   * endpoint that is down.
   */
  readonly sharedDeadline: boolean;
  /** The clock of deadlines, in milliseconds. */
  readonly monotonicNow: () => number;
}

/** The time in which every request to an endpoint fails. Any answer ends it. The batches of a queue share it. */
export class Outage {
  readonly #options: OutageOptions;
  #sinceMs: number | undefined;
  #answeredMs = -Infinity;
  #reason = "";

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** The start of the deadline for a batch that is sent now. */
  get startMs(): number {
    const { sharedDeadline, monotonicNow } = this.#options;
    return (sharedDeadline ? this.#sinceMs : undefined) ?? monotonicNow();
  }

  /** Whether the batches that wait need not be tried any more. */
  get isLong(): boolean {
    const { retryDeadlineMs, timeoutMs, sharedDeadline, monotonicNow } = this.#options;
    if (!sharedDeadline || this.#sinceMs === undefined) return false;
    // With a short deadline, a single failure is no outage: it costs only its own batch.
    return monotonicNow() >= this.#sinceMs + Math.max(retryDeadlineMs, timeoutMs);
  }

  /** Why the latest request failed, or why its attempt before the last one failed; "" after an answer. */
  get reason(): string {
    return this.#reason;
  }

  /** Takes note of the result of a request whose deadline began at `startMs`. */
  note(result: RequestResult, startMs: number): void {
    if (result.kind === "failed") {
      // Another shard's request may have been answered in the meantime.
      this.#sinceMs ??= Math.max(startMs, this.#answeredMs);
      this.#reason = describe(result);
    } else if (result.kind === "aborted") {
      // After an answer to another shard, the old failure says nothing.
      if (startMs >= this.#answeredMs) this.#reason = result.failure ?? this.#reason;
    } else if (isAnswer(result)) {
      this.#reason = "";
      this.#sinceMs = undefined;
      this.#answeredMs = this.#options.monotonicNow();
    }
  }
}
