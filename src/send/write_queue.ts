/**
 * The queue between the producer of samples and the network: the producer never waits, and memory stays bounded.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { reasonOf } from "../model/errors.ts";
import type { Batch } from "../protocol/batch.ts";
import type { Delivery } from "./delivery.ts";
import { DeliveryJob } from "./delivery_job.ts";
import type { Outage } from "./outage.ts";
import { mergeReports } from "./report_builder.ts";
import type { RequestBudget } from "./request_budget.ts";
import { abortAfter, type Sleep, untilAborted } from "./sleep.ts";
import type { SendStats } from "./stats.ts";
import type { Warnings } from "./warnings.ts";

/** What happens when the queue is full: the oldest batches are dropped, or the producer waits for `ready()`. */
export type OverflowPolicy = "drop-oldest" | "block";

/** The limits of the queue, and where it leads. */
export interface WriteQueueOptions {
  /** Delivers the batches. */
  readonly delivery: Delivery;
  /** How long the endpoint has been failing; the delivery has the same object. */
  readonly outage: Outage;
  /** How many samples may be in the queue. */
  readonly capacity: number;
  /** How much memory the batches may use, in bytes. */
  readonly maxQueueBytes: number;
  readonly overflow: OverflowPolicy;
  /** The limit on the requests of a flush, if there is one. `resume()` renews it. */
  readonly budget?: RequestBudget | undefined;
  readonly sleep: Sleep;
  readonly stats: SendStats;
  readonly warnings: Warnings;
}

/** How long to wait at the end. */
export interface CloseOptions {
  /** How long to wait for the samples that are left, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait at once. */
  readonly signal?: AbortSignal | undefined;
}

/** How to close a queue. */
export interface QueueCloseOptions extends CloseOptions {
  readonly timeoutMs: number;
  /** What else the caller waits for, once the batches are settled and within the same time. It must not reject. */
  finish?(): Promise<unknown>;
}

/** What is known about a batch. */
export interface PushOptions {
  /** The batch is sent when this resolves. If it rejects, the batch is not sent. @default at once */
  readonly after?: Promise<unknown> | undefined;
  /** Whether an earlier run may have sent the batch: samples that are refused then count as unknown. @default false */
  readonly sentBefore?: boolean | undefined;
}

/** What is in the queue. */
export interface QueueSize {
  /** The number of samples, including those that are being sent. */
  readonly samples: number;
  /** The estimated memory. */
  readonly bytes: number;
}

/** A batch in the queue. */
interface Entry {
  /** Rises from push to push. */
  readonly order: number;
  readonly job: DeliveryJob;
  readonly samples: number;
  readonly bytes: number;
  readonly after: Promise<unknown> | undefined;
  /**
   * `waiting` until the batches before it in its shard are settled, `sending` until it is settled itself, and `deferred` if the
   * flush had no request left for it: then it waits for the next flush.
   */
  state: "waiting" | "sending" | "deferred";
  /** Resolves when the batch is settled or deferred. */
  settled: Promise<DeliveryReport>;
  /** Resolves `settled`; undefined if it has done so. */
  settle: ((report: DeliveryReport) => void) | undefined;
}

/** The batches of the same series, oldest first. They are sent one after the other. */
type Shard = Entry[];

/** The measured memory of a small batch in the queue, without its columns. */
const entryBytes = 2_200;

/** Accepts batches that are not encoded yet, and sends one request at a time for each shard. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #shards = new Map<number, Shard>();
  readonly #end = new AbortController();
  readonly #waiters = new Set<() => void>();
  #pushed = 0;
  #samples = 0;
  #bytes = 0;
  #isClosed = false;
  #closing: Promise<DeliveryReport> | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** What is in the queue now. */
  get size(): QueueSize {
    return { samples: this.#samples, bytes: this.#bytes };
  }

  /** Whether the producer should wait. */
  get isFull(): boolean {
    const { capacity, maxQueueBytes } = this.#options;
    return this.#samples >= capacity || this.#bytes >= maxQueueBytes;
  }

  /** Fires when the time for closing is over. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /**
   * Adds a batch, which must not change any more. All samples of a series go to the same shard.
   *
   * Resolves when each sample is delivered, given up or dropped, or waits for the next flush (`deferred`). Never rejects.
   */
  push(shardNumber: number, batch: Batch, { after, sentBefore }: PushOptions = {}): Promise<DeliveryReport> {
    const job = new DeliveryJob({ batch, from: 0, to: batch.length }, { unknown: sentBefore });
    if (this.#isClosed) {
      this.#options.delivery.abandon(job, "deferred", this.#closedReason);
      return Promise.resolve(job.takeReport());
    }
    const columnBytes = batch.bytes + 16 * (batch.values.length - batch.length);
    const entry: Entry = {
      ...{ order: this.#pushed++, job, samples: batch.length, bytes: entryBytes + columnBytes, after },
      ...unsettled(),
    };
    const { settled } = entry;
    const shard = this.#shards.get(shardNumber) ?? [];
    this.#shards.set(shardNumber, shard);
    shard.push(entry);
    this.#resize(entry.samples, entry.bytes);
    if (this.#options.overflow === "drop-oldest") this.#dropOldest();
    void this.#run(shard);
    return settled;
  }

  /** Resolves when there is room, the queue is closed, or the signal fires. Never rejects. */
  ready(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.isFull && !this.#isClosed && signal?.aborted !== true) return;
        this.#waiters.delete(check);
        signal?.removeEventListener("abort", check);
        resolve();
      };
      this.#waiters.add(check);
      signal?.addEventListener("abort", check);
      check();
    });
  }

  /** Begins a new flush with a new budget. Resolves with what happens to the batches that earlier flushes deferred. */
  async resume(): Promise<DeliveryReport> {
    this.#options.budget?.renew();
    return await this.#resumeDeferred();
  }

  /**
   * Accepts no more batches, waits for those in the queue and for `finish`, and gives up what is left when the time is over or the
   * budget is used up.
   *
   * Resolves with what happened to the batches that earlier flushes deferred; `push()` reports the others. Never rejects.
   */
  close(options: QueueCloseOptions): Promise<DeliveryReport> {
    this.#isClosed = true;
    this.#closing ??= this.#close(options);
    this.#wake();
    return this.#closing;
  }

  async #close({ timeoutMs, signal, finish }: QueueCloseOptions): Promise<DeliveryReport> {
    const clear = abortAfter(timeoutMs, this.#end, { sleep: this.#options.sleep, signal });
    const resumed = this.#resumeDeferred();
    await Promise.all([...this.#shards.values()].flat().map(({ settled }) => settled));
    await finish?.();
    clear();
    return await resumed;
  }

  async #resumeDeferred(): Promise<DeliveryReport> {
    const shards = [...this.#shards.values()];
    const deferred = shards.flat().filter(({ state }) => state === "deferred");
    const settled = deferred.map((entry) => Object.assign(entry, unsettled()).settled);
    for (const shard of shards) void this.#run(shard);
    return mergeReports(await Promise.all(settled));
  }

  async #run(shard: Shard): Promise<void> {
    if (isBusy(shard)) return;
    const { delivery } = this.#options;
    const { signal } = this.#end;
    for (let entry = shard[0]; entry !== undefined; entry = shard[0]) {
      entry.state = "sending";
      if (!signal.aborted) await this.#send(entry);
      // No later flush can send the rest.
      if (signal.aborted || this.#isClosed) delivery.abandon(entry.job, "deferred", this.#closedReason);
      if (entry.job.next !== undefined) break;
      this.#giveUpWaiting();
      shard.shift();
      this.#leave(entry);
    }
    for (const entry of shard) {
      entry.state = "deferred";
      settle(entry);
    }
  }

  async #send({ job, after }: Entry): Promise<void> {
    const { budget, delivery } = this.#options;
    if (budget?.usedUp === true) return;
    try {
      if (after !== undefined) await untilAborted(after, this.#end.signal);
    } catch {
      // No later flush can send it either.
      delivery.abandon(job, "deferred", "the window before it was not acknowledged");
      return;
    }
    try {
      await delivery.advance(job, this.#end.signal);
    } catch (error) {
      // This should not happen. If it does, the shard must not stop.
      delivery.abandon(job, "failed", `the delivery broke: ${reasonOf(error)}`);
    }
  }

  /** Gives up what waits after a long outage. Later batches will show whether the endpoint is up again. */
  #giveUpWaiting(): void {
    const { delivery, outage } = this.#options;
    if (!outage.isLong) return;
    for (const shard of this.#shards.values()) {
      for (const entry of shard.splice(firstIdle(shard))) {
        delivery.abandon(entry.job, "failed", outage.reason);
        this.#leave(entry);
      }
    }
  }

  /** Why the queue gives up, with the reason why sending failed, if there is one. */
  get #closedReason(): string {
    const { reason } = this.#options.outage;
    return reason === "" ? "the queue was closed" : `the queue was closed while sending failed: ${reason}`;
  }

  /**
   * Drops the oldest batches until the queue is within its limits. It never drops a batch that is being sent, nor the newest batch
   * of a shard: that one has the latest totals, is sent next when the others are gone, and may alone be larger than the queue.
   */
  #dropOldest(): void {
    const { capacity, maxQueueBytes, delivery, warnings } = this.#options;
    while (this.#samples > capacity || this.#bytes > maxQueueBytes) {
      let oldest: { readonly entry: Entry; readonly shard: Shard } | undefined;
      for (const shard of this.#shards.values()) {
        const first = firstIdle(shard);
        const entry = first < shard.length - 1 ? shard[first] : undefined;
        if (entry !== undefined && entry.order < (oldest?.entry.order ?? Infinity)) oldest = { entry, shard };
      }
      if (oldest === undefined) return;
      const { entry, shard } = oldest;
      shard.splice(firstIdle(shard), 1);
      const dropped = delivery.abandon(entry.job, "dropped", "the queue was full");
      warnings.once(
        `The queue is full (${capacity} samples, ${maxQueueBytes} bytes), so the oldest samples in it are dropped. ` +
          `Samples dropped: ${dropped}. Further ones are only counted.`,
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
    this.#options.stats.pending(this.#samples);
  }

  #wake(): void {
    for (const check of [...this.#waiters]) check();
  }
}

/** Returns the state of a batch that waits, with a new promise. */
function unsettled(): Pick<Entry, "state" | "settled" | "settle"> {
  let settle: Entry["settle"];
  const settled = new Promise<DeliveryReport>((resolve) => settle = resolve);
  return { state: "waiting", settled, settle };
}

/** Reports once what happened to a batch. */
function settle(entry: Entry): void {
  entry.settle?.(entry.job.takeReport());
  entry.settle = undefined;
}

function isBusy(shard: Shard): boolean {
  return shard[0]?.state === "sending";
}

/** Returns the index of the first batch that is not being sent. */
function firstIdle(shard: Shard): number {
  return isBusy(shard) ? 1 : 0;
}
