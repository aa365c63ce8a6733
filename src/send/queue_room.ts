/**
 * How much is in a queue, how much may be in it, and the callers that wait for room.
 *
 * @module
 */
import type { SendStats } from "./stats.ts";

/** The limits of a queue. */
export interface QueueLimits {
  /** How many samples may be in the queue. */
  readonly capacity: number;
  /** How much memory the batches may use, in bytes. */
  readonly maxQueueBytes: number;
  /** Shows how many samples are in the queue. */
  readonly stats: SendStats;
}

/** What is in the queue. */
export interface QueueSize {
  /** The number of samples, including those that are being sent. */
  readonly samples: number;
  /** The memory of the batches, estimated, in bytes. */
  readonly bytes: number;
}

/** Counts what is in a queue. */
export class QueueRoom {
  readonly #limits: QueueLimits;
  readonly #waiters = new Set<() => void>();
  #samples = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** The statistics that show how many samples are in the queue. */
  get stats(): SendStats {
    return this.#limits.stats;
  }

  /** What is in the queue now. */
  get size(): QueueSize {
    return { samples: this.#samples, bytes: this.#bytes };
  }

  /** Whether the producer should wait. */
  get isFull(): boolean {
    const { capacity, maxQueueBytes } = this.#limits;
    return this.#samples >= capacity || this.#bytes >= maxQueueBytes;
  }

  /** Whether the queue has more than it may have. */
  get isOver(): boolean {
    const { capacity, maxQueueBytes } = this.#limits;
    return this.#samples > capacity || this.#bytes > maxQueueBytes;
  }

  /** Adds these numbers, which are negative if something leaves. */
  resize(samples: number, bytes: number): void {
    this.#samples += samples;
    this.#bytes += bytes;
    this.#limits.stats.pending(this.#samples);
  }

  /** Resolves when the condition holds, or the signal fires. `wake()` checks the condition. */
  until(isMet: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isMet() && signal?.aborted !== true) return;
        this.#waiters.delete(check);
        signal?.removeEventListener("abort", check);
        resolve();
      };
      this.#waiters.add(check);
      signal?.addEventListener("abort", check);
      check();
    });
  }

  /** Checks the conditions of all that wait. */
  wake(): void {
    for (const check of [...this.#waiters]) check();
  }
}
