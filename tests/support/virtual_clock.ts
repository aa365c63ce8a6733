/**
 * A clock that stands still until the test moves it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Sleep } from "../../src/send/sleep.ts";

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

/** Time and waiting for the code under test. */
export class VirtualClock {
  /** The monotonic time. It begins anywhere. */
  #now = 5_000;
  /** The difference between the wall clock and the monotonic time. */
  #wallMs: number;
  #gaps = 0;
  #timers: Timer[] = [];

  /** @param now milliseconds since the Unix epoch */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#wallMs = now - this.#now;
  }

  /** The time of the wall clock. */
  readonly now = (): number => this.#now + this.#wallMs;

  /** Returns the monotonic time, in milliseconds. */
  readonly monotonicNow = (): number => this.#now;

  /** How often the process was stopped. */
  readonly gaps = (): number => this.#gaps;

  /** Resolves when the test has moved the clock that far, or the signal fires. */
  readonly sleep: Sleep = (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const ring = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        signal.removeEventListener("abort", ring);
        resolve();
      };
      const timer = { at: this.#now + ms, ring };
      this.#timers.push(timer);
      signal.addEventListener("abort", ring, { once: true });
    });

  /** The number of waits that have not ended. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Moves the clock, stopping at each timer on the way and letting what it wakes run. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await idle();
    for (let timer = this.#next(); timer !== undefined && timer.at <= end; timer = this.#next()) {
      await this.#ring(timer);
    }
    this.#now = end;
    await idle();
  }

  /** Sets the wall clock, as its user or a time server does. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** Stops the process: the time passes, and timers that are due ring only afterwards. */
  async stop(ms: number): Promise<void> {
    this.#now += ms;
    this.#gaps++;
    await this.advance(0);
  }

  /** Moves the clock from timer to timer until the promise settles. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (await idle(); !settled; await idle()) {
      const timer = this.#next();
      if (timer === undefined) throw new Error("Cannot settle: nothing waits for the clock, expected a timer");
      await this.#ring(timer);
    }
    return await promise;
  }

  #next(): Timer | undefined {
    return this.#timers.reduce<Timer | undefined>(
      (first, timer) => first === undefined || timer.at < first.at ? timer : first,
      undefined,
    );
  }

  async #ring(timer: Timer): Promise<void> {
    this.#now = Math.max(this.#now, timer.at);
    timer.ring();
    await idle();
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
