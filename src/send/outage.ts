/**
 * Distinguishes an endpoint that is down from one that fails now and then, and pauses if it refuses all requests.
 *
 * @module
 */
import { describe, isAnswer, isRefusalByEndpoint, type Rejected, type RequestResult } from "./request_result.ts";
import { onAbort, type Sleep } from "./sleep.ts";

/** When an endpoint counts as down. */
interface OutageOptions {
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

/** The first pause after a refusal by the endpoint, in milliseconds. It doubles from one pause to the next. */
const minPauseMs = 1_000;

/** The longest pause, in milliseconds. A user may correct the credentials at any time. */
const maxPauseMs = 60_000;

/** A proxy in front of the endpoint did not get the whole request, or this connection leads to a wrong host. */
const passingStatuses: readonly number[] = [408, 421, 425];

/** The time in which every request to an endpoint fails. Any answer ends it. The batches of a queue share it. */
export class Outage {
  readonly #options: OutageOptions;
  #sinceMs: number | undefined;
  #answeredMs = -Infinity;
  #reason = "";
  #status: number | undefined;
  /** The length of the present pause, or of the last one if it is over; 0 if the endpoint does not refuse. */
  #pauseMs = 0;
  #pausedAtMs = -Infinity;
  #pausedUntilMs = -Infinity;
  #refusedSinceMs: number | undefined;
  /** Ends the pauses between two attempts. */
  readonly #sleeping = new Set<() => void>();
  /** When closing began, on the clock of deadlines. */
  #closedMs = -Infinity;
  /** When sending ends because the queue is closed, on the clock of deadlines. */
  #endMs = Infinity;

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

  /** When the endpoint answered the latest time, on the clock of deadlines; -Infinity if it never did. */
  get answeredMs(): number {
    return this.#answeredMs;
  }

  /** Why the latest request failed, or why its attempt before the last one failed; "" after an answer. */
  get reason(): string {
    return this.#reason;
  }

  /** Whether the endpoint refused the latest request, whatever it contained. */
  get isRefused(): boolean {
    return this.#pauseMs > 0;
  }

  /** When the first of the refusals came that no other answer followed, on the clock of deadlines; undefined if there is none. */
  get refusedSinceMs(): number | undefined {
    return this.#refusedSinceMs;
  }

  /** Whether the requests do not even reach the endpoint, so that it cannot change its mind. */
  get isUnreachable(): boolean {
    return this.isRefused && this.#status === undefined;
  }

  /** Whether the refusals have a cause that passes by itself, and did not last long. */
  get mayPass(): boolean {
    const { retryDeadlineMs, monotonicNow } = this.#options;
    return passingStatuses.includes(this.#status ?? 0) &&
      monotonicNow() < (this.#refusedSinceMs ?? 0) + retryDeadlineMs;
  }

  /** How long the present pause still lasts, in milliseconds; 0 if a request may be sent now. */
  get pausedMs(): number {
    return Math.max(0, this.#pausedUntilMs - this.#options.monotonicNow());
  }

  /** Takes note that the endpoint refused a request that was sent at this time. */
  refuse(result: Rejected, sentMs: number): void {
    this.#reason = describe(result);
    this.#status = result.status;
    this.#refusedSinceMs ??= sentMs;
    // The requests of other shards were under way at the same time.
    if (this.isRefused && sentMs < this.#pausedAtMs) return;
    this.#pauseMs = Math.min(maxPauseMs, Math.max(minPauseMs, 2 * this.#pauseMs));
    this.#pausedAtMs = this.#options.monotonicNow();
    this.#pausedUntilMs = this.#pausedAtMs + this.#pauseMs;
  }

  /** Ends the pause for one request. The requests of other shards wait for its answer. */
  claim(): void {
    if (this.isRefused) this.#pausedUntilMs = this.#options.monotonicNow() + this.#pauseMs;
  }

  /** Ends the pause, because sending ends after this time, in milliseconds. */
  close(timeoutMs: number): void {
    this.#closedMs = this.#options.monotonicNow();
    this.#endMs = this.#closedMs + timeoutMs;
    // The deadline begins again, because the time for closing limits it.
    this.#sinceMs = undefined;
    this.#pausedUntilMs = -Infinity;
    if (this.isRefused) this.#pauseMs = minPauseMs / 2;
    for (const wake of this.#sleeping) wake();
  }

  /** Returns a `sleep` between two attempts. If it would outlast the queue, it ends in the middle of the time that is left. */
  ofSleep(sleep: Sleep): Sleep {
    return async (ms, signal) => {
      const startMs = this.#options.monotonicNow();
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      const forget = onAbort(signal, wake);
      this.#sleeping.add(wake);
      await sleep(this.#endOfPause(startMs, startMs + ms) - startMs, woken.signal);
      this.#sleeping.delete(wake);
      forget();
      if (!woken.signal.aborted || signal.aborted) return;
      // The queue was closed in the meantime.
      await sleep(Math.max(0, this.#endOfPause(startMs, startMs + ms) - this.#options.monotonicNow()), signal);
    };
  }

  #endOfPause(startMs: number, untilMs: number): number {
    const fromMs = Math.max(startMs, this.#closedMs);
    const isTooLong = untilMs >= this.#endMs && this.#endMs - fromMs > minPauseMs;
    return isTooLong ? (fromMs + this.#endMs) / 2 : untilMs;
  }

  /** Takes note of the result of a request whose deadline began at `startMs`. */
  note(result: RequestResult, startMs: number): void {
    if (result.kind === "failed") {
      // Another shard's request may have been answered in the meantime.
      this.#sinceMs ??= Math.max(startMs, this.#answeredMs, this.#closedMs);
      this.#reason = describe(result);
    } else if (result.kind === "aborted") {
      // After an answer to another shard, the old failure says nothing.
      if (startMs >= this.#answeredMs) this.#reason = result.failure ?? this.#reason;
    } else if (isAnswer(result)) {
      this.#sinceMs = undefined;
      this.#answeredMs = this.#options.monotonicNow();
      if (isRefusalByEndpoint(result)) return;
      this.#reason = "";
      this.#refusedSinceMs = undefined;
      this.#pauseMs = 0;
      this.#pausedUntilMs = -Infinity;
    }
  }
}
