/**
 * Finds deliveries that cannot go on. In workerd, requests and timers end silently with the request that began them.
 *
 * @module
 */
import type { Send } from "./request_result.ts";
import type { Sleep } from "./sleep.ts";

/** The timers of a busy process are late. */
const toleranceMs = 1_000;

/** Remembers, for each signal of a delivery, how long its present step may take. */
export class Liveness {
  readonly #untilMs = new WeakMap<AbortSignal, number>();
  readonly #now: () => number;

  /** @param now the clock of deadlines, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns how long it takes, in milliseconds, until this delivery must have gone on; below 0 if it is stuck. */
  leftMs(signal: AbortSignal): number {
    return (this.#untilMs.get(signal) ?? Infinity) + toleranceMs - this.#now();
  }

  /** Takes note that this delivery goes on within a time, in milliseconds. */
  expect(signal: AbortSignal, ms: number): void {
    this.#untilMs.set(signal, this.#now() + ms);
  }

  /** Returns a `send` whose attempts take at most this time. */
  ofSend(send: Send, timeoutMs: number): Send {
    return (request, signal) => {
      this.expect(signal, timeoutMs);
      return send(request, signal);
    };
  }

  /** Returns a `sleep` that is known. */
  ofSleep(sleep: Sleep): Sleep {
    return (ms, signal) => {
      this.expect(signal, ms);
      return sleep(ms, signal);
    };
  }
}
