/**
 * Finds deliveries that cannot go on. In workerd, requests and timers end silently with the request that began them.
 *
 * @module
 */
import type { Send } from "./request_result.ts";
import { onAbort, type Sleep } from "./sleep.ts";

/** How to wait for deliveries. */
interface WatchOptions {
  /** Returns how long it takes until one of them counts as stuck, in milliseconds. */
  leftMs(): number;
  /** Called when one of them is stuck. */
  onStuck(): void;
  /** The signal of the delivery that waits for them, if it may be stuck itself. It ends the wait. */
  readonly own?: AbortSignal | undefined;
}

/** The timers of a busy process are late. */
const toleranceMs = 1_000;

/** How long a wait takes until it looks again, in milliseconds. */
const [minStepMs, maxStepMs] = [100, 10_000] as const;

/** Remembers, for each signal of a delivery, how long its present step may take. */
export class Liveness {
  readonly #untilMs = new WeakMap<AbortSignal, number>();
  readonly #now: () => number;
  readonly #sleep: Sleep;

  /** @param now the clock of deadlines, in milliseconds */
  constructor(now: () => number, sleep: Sleep) {
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Returns how long it takes, in milliseconds, until this delivery must have gone on; below 0 if it is stuck. */
  leftMs(signal: AbortSignal): number {
    return (this.#untilMs.get(signal) ?? Infinity) + toleranceMs - this.#now();
  }

  /** Takes note that this delivery goes on within a time, in milliseconds. */
  expect(signal: AbortSignal, ms: number): void {
    this.#untilMs.set(signal, this.#now() + ms);
  }

  /** Waits until a promise settles, and looks from time to time whether what it waits for is stuck. Never rejects. */
  async watch(until: Promise<unknown>, { leftMs, onStuck, own }: WatchOptions): Promise<void> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    until.then(end, end);
    const forget = onAbort(own, end);
    while (!ended.signal.aborted) {
      if (own !== undefined) this.expect(own, 2 * maxStepMs);
      await this.#sleep(Math.min(Math.max(leftMs(), minStepMs), maxStepMs), ended.signal);
      if (!ended.signal.aborted && leftMs() <= 0) onStuck();
    }
    forget();
  }

  /** Returns a `send` that notes for each attempt how long it may take, in milliseconds. */
  ofSend(send: Send, timeoutMs: number): Send {
    return (request, signal) => {
      this.expect(signal, timeoutMs);
      return send(request, signal);
    };
  }

  /** Returns a `sleep` that notes for each wait how long it takes. */
  ofSleep(sleep: Sleep): Sleep {
    return (ms, signal) => {
      this.expect(signal, ms);
      return sleep(ms, signal);
    };
  }
}
