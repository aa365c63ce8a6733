/**
 * The queue between those who make samples and the network: whoever pushes never waits, and memory stays bounded.
 *
 * @module
 */
import type { Batch } from "../protocol/batch.ts";
import { abortAfter } from "./abort_after.ts";
import { sendDefaults } from "./defaults.ts";
import { deferred } from "./deferred.ts";
import type { Delivery } from "./delivery.ts";
import { DeliveryJob } from "./delivery_job.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import { mergeReports } from "./report_builder.ts";
import { bytesOf, type Entry, firstIdle, settle, type Shard } from "./queue_entry.ts";
import type { RequestBudget } from "./request_budget.ts";
import { type Sleep, sleep as realSleep, untilAborted } from "./sleep.ts";
import { SendStats } from "./stats.ts";
import { Warnings } from "./warnings.ts";
import { reasonOf } from "../model/errors.ts";

/** What to do with more than fits: drop the oldest batches, or let whoever makes them wait for `ready()`. */
export type OverflowPolicy = "drop-oldest" | "block";

/** Bounds of the queue, and where it leads. */
export interface WriteQueueOptions {
  /** Delivers the batches. */
  readonly delivery: Delivery;
  /** Samples at most. @default 500000 */
  readonly capacity?: number | undefined;
  /** Memory of the batches at most, in bytes. @default 67108864 */
  readonly maxQueueBytes?: number | undefined;
  /** @default "drop-oldest" */
  readonly overflow?: OverflowPolicy | undefined;
  /** The bound on the requests of a flush, the same that `send` has; renewed by `resume()`. @default none */
  readonly budget?: RequestBudget | undefined;
  /** @default by the runtime's timers */
  readonly sleep?: Sleep | undefined;
  /** @default not kept */
  readonly stats?: SendStats | undefined;
  /** @default not said */
  readonly warnings?: Warnings | undefined;
}

/** How long to wait at the end. */
export interface CloseOptions {
  /** For what is still in the queue, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait at once. */
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a batch. */
export interface PushOptions {
  /** Nothing of it is sent before this resolves, and nothing at all if it rejects. @default at once */
  readonly after?: Promise<unknown> | undefined;
  /** An earlier run may have sent it: what is refused counts as unknown. @default false */
  readonly sentBefore?: boolean | undefined;
}

/** What became of what was in the queue at its end. */
export interface QueueCloseReport {
  /** All of it. */
  readonly report: DeliveryReport;
  /** The part that earlier flushes kept, and have told nothing of yet. */
  readonly kept: DeliveryReport;
}

/** What is in the queue. */
export interface QueueSize {
  /** Those being sent included. */
  readonly samples: number;
  /** Estimated memory. */
  readonly bytes: number;
}

/** Takes batches un-encoded; sends one request at a time for each shard. */
export class WriteQueue {
  readonly #options: Required<Omit<WriteQueueOptions, "budget">>;
  readonly #budget: RequestBudget | undefined;
  readonly #shards = new Map<number, Shard>();
  readonly #end = new AbortController();
  readonly #waiters = new Set<() => void>();
  #pushed = 0;
  #samples = 0;
  #bytes = 0;
  /** No later flush will send what this one keeps. */
  #closing = false;
  #closed: Promise<QueueCloseReport> | undefined;

  constructor(options: WriteQueueOptions) {
    this.#budget = options.budget;
    this.#options = {
      delivery: options.delivery,
      capacity: options.capacity ?? sendDefaults.capacity,
      maxQueueBytes: options.maxQueueBytes ?? sendDefaults.maxQueueBytes,
      overflow: options.overflow ?? "drop-oldest",
      sleep: options.sleep ?? realSleep,
      stats: options.stats ?? new SendStats(),
      warnings: options.warnings ?? new Warnings(() => {}),
    };
  }

  /** What is in the queue now. */
  get size(): QueueSize {
    return { samples: this.#samples, bytes: this.#bytes };
  }

  /**
   * Takes a batch, which must not change any more. All samples of a series go to the same shard.
   * Resolves when each sample is delivered, given up, dropped, or kept for the next flush (`deferred`); never rejects.
   */
  push(shardNumber: number, batch: Batch, { after, sentBefore }: PushOptions = {}): Promise<DeliveryReport> {
    const parcel = new DeliveryJob({ batch, from: 0, to: batch.length }, { unknown: sentBefore });
    if (this.#closed !== undefined) {
      this.#abandon(parcel, this.#closedReason);
      return Promise.resolve(parcel.takeReport());
    }
    const outcome = deferred<DeliveryReport>();
    const entry = { order: this.#pushed++, parcel, samples: batch.length, bytes: bytesOf(batch), after, outcome };
    const shard = this.#shards.get(shardNumber) ?? { busy: false, waiting: [] };
    this.#shards.set(shardNumber, shard);
    shard.waiting.push(entry);
    this.#resize(entry.samples, entry.bytes);
    if (this.#options.overflow === "drop-oldest") this.#dropOldest();
    void this.#run(shard);
    return outcome.promise;
  }

  /** Resolves when there is room, the queue is closed, or the signal fires; never rejects. */
  ready(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.isFull && this.#closed === undefined && signal?.aborted !== true) return;
        this.#waiters.delete(check);
        signal?.removeEventListener("abort", check);
        resolve();
      };
      this.#waiters.add(check);
      signal?.addEventListener("abort", check);
      check();
    });
  }

  /** A new flush: grants its requests. Resolves with what becomes of what earlier flushes kept. */
  async resume(): Promise<DeliveryReport> {
    this.#budget?.renew();
    return await this.#runKept();
  }

  /** Goes on with what earlier flushes kept. */
  async #runKept(): Promise<DeliveryReport> {
    const kept = this.#waiting().filter(({ outcome }) => outcome.settled);
    for (const entry of kept) entry.outcome = deferred();
    for (const shard of this.#shards.values()) void this.#run(shard);
    return mergeReports(await Promise.all(kept.map(({ outcome }) => outcome.promise)));
  }

  /**
   * Takes nothing more, waits for what is in the queue, and gives up the rest, also what the bound on requests leaves.
   * Resolves with what became of it.
   */
  close(options: CloseOptions = {}): Promise<QueueCloseReport> {
    if (this.#closed === undefined) {
      this.#closed = this.#close(options);
      this.#wake();
    }
    return this.#closed;
  }

  async #close({ timeoutMs = sendDefaults.closeTimeoutMs, signal }: CloseOptions): Promise<QueueCloseReport> {
    this.#closing = true;
    const clear = abortAfter(timeoutMs, this.#end, { sleep: this.#options.sleep, signal });
    const fresh = this.#waiting().filter(({ outcome }) => !outcome.settled);
    const resumed = this.#runKept();
    const reports = await Promise.all(fresh.map(({ outcome }) => outcome.promise));
    const kept = await resumed;
    clear();
    return { report: mergeReports([...reports, kept]), kept };
  }

  async #run(shard: Shard): Promise<void> {
    if (shard.busy) return;
    shard.busy = true;
    const { signal } = this.#end;
    for (let entry = shard.waiting[0]; entry !== undefined; entry = shard.waiting[0]) {
      if (!signal.aborted) await this.#send(entry);
      if (signal.aborted || this.#closing) this.#abandon(entry.parcel, this.#closedReason);
      if (entry.parcel.next !== undefined) break;
      this.#giveUpWaiting();
      shard.waiting.shift();
      this.#leave(entry);
    }
    shard.busy = false;
    // Whatever is left is kept for the next flush.
    for (const entry of shard.waiting) settle(entry);
  }

  async #send({ parcel, after }: Entry): Promise<void> {
    if (this.#budget?.usedUp === true) return;
    if (after !== undefined && !(await this.#succeeds(after))) {
      // No later flush can send it either.
      return this.#abandon(parcel, "what goes before it was not acknowledged");
    }
    try {
      await this.#options.delivery.advance(parcel, this.#end.signal);
    } catch (error) {
      // Nothing should throw there; if something does, the shard must not stand still.
      const reason = reasonOf(error);
      this.#options.delivery.giveUp(parcel, `the delivery broke: ${reason}`);
    }
  }

  /** What waited while the endpoint was down need not be tried; what comes later shows whether it is up again. */
  #giveUpWaiting(): void {
    const { delivery } = this.#options;
    if (!delivery.outage.isLong) return;
    for (const shard of this.#shards.values()) {
      for (const entry of shard.waiting.splice(firstIdle(shard))) {
        delivery.giveUp(entry.parcel);
        this.#leave(entry);
      }
    }
  }

  async #succeeds(promise: Promise<unknown>): Promise<boolean> {
    try {
      await untilAborted(promise, this.#end.signal);
      return true;
    } catch {
      return false;
    }
  }

  /** With what stood in the way, if it is known. */
  get #closedReason(): string {
    const { reason } = this.#options.delivery.outage;
    return reason === "" ? "the queue was closed" : `the queue was closed while sending failed: ${reason}`;
  }

  /** Gives up what is left of a parcel, if anything is. */
  #abandon(parcel: DeliveryJob, reason: string): void {
    const { abandoned, failed } = parcel.abandon("deferred", reason);
    this.#options.stats.dropped("closed", abandoned);
    this.#options.stats.failed(failed);
  }

  /**
   * Not those being sent, nor the newest of a shard: it holds the last totals, is the next to be sent once the others are gone, and
   * may alone be larger than the queue.
   */
  #dropOldest(): void {
    const { capacity, maxQueueBytes, stats, warnings } = this.#options;
    while (this.#samples > capacity || this.#bytes > maxQueueBytes) {
      let oldest: { readonly entry: Entry; readonly shard: Shard } | undefined;
      for (const shard of this.#shards.values()) {
        const first = firstIdle(shard);
        const entry = shard.waiting[first];
        if (entry === undefined || first === shard.waiting.length - 1) continue;
        if (entry.order < (oldest?.entry.order ?? Infinity)) oldest = { entry, shard };
      }
      if (oldest === undefined) return;
      const { entry, shard } = oldest;
      shard.waiting.splice(firstIdle(shard), 1);
      const { abandoned, failed } = entry.parcel.abandon("dropped", "the queue was full");
      stats.dropped("queue_full", abandoned);
      stats.failed(failed);
      warnings.once(
        `The queue is full (${capacity} samples, ${maxQueueBytes} bytes): the oldest that wait are dropped. ` +
          `Samples dropped: ${abandoned}; further ones are only counted.`,
      );
      this.#leave(entry);
    }
  }

  #leave(entry: Entry): void {
    this.#resize(-entry.samples, -entry.bytes);
    settle(entry);
    this.#wake();
  }

  #resize(samples: number, bytes: number): void {
    this.#samples += samples;
    this.#bytes += bytes;
    this.#options.stats.samplesPending = this.#samples;
  }

  /** Whether nothing more should come now. */
  get isFull(): boolean {
    const { capacity, maxQueueBytes } = this.#options;
    return this.#samples >= capacity || this.#bytes >= maxQueueBytes;
  }

  #wake(): void {
    for (const check of [...this.#waiters]) check();
  }

  #waiting(): Entry[] {
    return [...this.#shards.values()].flatMap(({ waiting }) => waiting);
  }
}
