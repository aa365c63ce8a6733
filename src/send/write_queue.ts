/**
 * The queue between the producer of samples and the network. It drops nothing: if it is full, the producer waits for `ready()`, or
 * accepts nothing more itself.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { reasonOf } from "../model/errors.ts";
import type { Batch } from "../protocol/batch.ts";
import type { Delivery, DeliveryContext } from "./delivery.ts";
import { DeliveryJob } from "./delivery_job.ts";
import type { Liveness } from "./liveness.ts";
import type { Outage } from "./outage.ts";
import { type QueueLimits, QueueRoom, type QueueSize } from "./queue_room.ts";
import { createEntry, type QueueEntry, QueueShard, resumeEntry, settleEntry, takeOver } from "./queue_shard.ts";
import { mergeReports, ReportBuilder } from "./report_builder.ts";
import type { RequestBudget } from "./request_budget.ts";
import { abortAfter, settledWithin, type Sleep, untilAborted } from "./sleep.ts";
import type { Warnings } from "./warnings.ts";

/**
 * What happens if the endpoint refuses all requests: the batches wait for the next flush (`defer`), the queue tries again by itself
 * (`wait`), or it sends nothing any more (`stop`). With the first two, it sends one request for each pause.
 */
type RefusalPolicy = "defer" | "wait" | "stop";

/** The limits of the queue, and where it leads. */
export interface WriteQueueOptions extends QueueLimits {
  /** Sends the batches to the endpoint, with retries. */
  readonly delivery: Delivery;
  /** How long the endpoint has been failing; the delivery has the same object. */
  readonly outage: Outage;
  readonly onRefusal: RefusalPolicy;
  /** Knows whether a batch that is being sent can still go on. */
  readonly liveness: Liveness;
  /** The clock of deadlines, in milliseconds. */
  readonly monotonicNow: () => number;
  /** The limit on the requests of a flush, if there is one. `resume()` renews it. */
  readonly budget?: RequestBudget | undefined;
  readonly sleep: Sleep;
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
  /** Whether a newer sample of a series may replace this one while it waits, because the values are cumulative. @default false */
  readonly isCumulative?: boolean | undefined;
  /** Whether the batch is also accepted while the queue is being closed. @default false */
  readonly isLate?: boolean | undefined;
}

/** What a sender needs of a queue. */
export type SampleQueue = Pick<
  WriteQueue,
  "isFull" | "signal" | "isSending" | "lagMs" | "push" | "ready" | "resume" | "watch" | "close"
>;

/** How often the queue looks whether it may send again. */
const maxStepMs = 1_000;

/** How much longer than its timeout closing may take: this is the time in which an aborted request ends. */
const graceMs = 500;

/** Accepts batches that are not encoded yet, and sends one request at a time for each shard. */
export class WriteQueue {
  protected readonly room: QueueRoom;
  readonly #options: WriteQueueOptions;
  readonly #shards = new Map<number, QueueShard>();
  /** Created when it is needed, because workerd did not always allow it outside of requests. */
  #endController: AbortController | undefined;
  /** What happened to batches that a flush deferred and no flush resumed. */
  #unreported = new ReportBuilder();
  #pushed = 0;
  protected isClosed = false;
  /** Why nothing is sent any more. */
  #stopped: string | undefined;
  /** When searches for bad series end, because the queue is closed. */
  #searchUntilMs = Infinity;
  #closing: Promise<DeliveryReport> | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.room = new QueueRoom(options);
  }

  /** What is in the queue now. */
  get size(): QueueSize {
    return this.room.size;
  }

  /** Whether the producer should wait. */
  get isFull(): boolean {
    return this.room.isFull;
  }

  /** Fires when the time for closing is over. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Whether the queue still sends: false after a refusal that stopped it. */
  get isSending(): boolean {
    return this.#stopped === undefined;
  }

  /** The age of the oldest batch, in milliseconds; 0 if there is none. */
  get lagMs(): number {
    const oldest = Math.min(...this.all.map(({ entries }) => entries[0]?.pushedMs ?? Infinity));
    return oldest === Infinity ? 0 : this.#options.monotonicNow() - oldest;
  }

  get #end(): AbortController {
    return this.#endController ??= new AbortController();
  }

  protected get all(): QueueShard[] {
    return [...this.#shards.values()];
  }

  /**
   * Adds a batch, which must not change any more. All samples of a series go to the same shard.
   *
   * Resolves when each sample is delivered, given up or dropped, or waits for the next flush (`deferred`). Never rejects.
   */
  push(shardNumber: number, batch: Batch, options: PushOptions = {}): Promise<DeliveryReport> {
    const { after, sentBefore, isCumulative = false, isLate = false } = options;
    const { delivery, monotonicNow } = this.#options;
    const job = new DeliveryJob({ batch, from: 0, to: batch.length }, { unknown: sentBefore });
    const isOver = this.isClosed && (!isLate || this.#end.signal.aborted);
    if (isOver || this.#stopped !== undefined) {
      if (this.#stopped === undefined) delivery.abandon(job, "deferred", this.#closedReason);
      else delivery.abandon(job, "failed", this.#stopped);
      return Promise.resolve(job.takeReport());
    }
    const entry = createEntry(job, { order: this.#pushed++, pushedMs: monotonicNow(), isCumulative, after });
    const { settled } = entry;
    const shard = this.#shards.get(shardNumber) ?? new QueueShard(this.room);
    this.#shards.set(shardNumber, shard);
    shard.entries.push(entry);
    this.room.resize(entry.samples, entry.bytes);
    this.onPushed(shard);
    void this.#drive(shard, entry);
    return settled;
  }

  /**
   * Resolves when there is room, the queue is closed, or the signal fires. Never rejects.
   *
   * @param options `untilDeferred`: resolves as well when all batches wait for the next flush, because the caller begins it
   */
  ready(signal?: AbortSignal, { untilDeferred = false }: { readonly untilDeferred?: boolean } = {}): Promise<void> {
    const isReady = (): boolean =>
      !this.isFull || !this.isSending || this.isClosed || (untilDeferred && this.#isDeferred);
    return this.room.until(isReady, signal);
  }

  get #isDeferred(): boolean {
    return this.all.every(({ entries }) => entries.every(({ state }) => state === "deferred"));
  }

  /** Begins a new flush with a new budget. Resolves with what happens to the batches that earlier flushes deferred. */
  async resume(): Promise<DeliveryReport> {
    this.#options.budget?.renew();
    return await this.#resumeDeferred();
  }

  /**
   * Takes over batches whose sending cannot go on, until a promise settles. In workerd, a request that was cancelled takes its
   * fetch and its timers with it, and nothing tells the requests that wait for them.
   */
  async watch(until: Promise<unknown>): Promise<void> {
    await this.#options.liveness.watch(until, {
      leftMs: () => Math.min(...this.all.map((shard) => this.#leftMs(shard))),
      onStuck: () => {
        for (const shard of this.all) if (this.#leftMs(shard) <= 0) void this.#takeOver(shard);
      },
    });
  }

  /** Returns how long it takes until the first batch of a shard counts as stuck, in milliseconds. */
  #leftMs({ entries: [first] }: QueueShard): number {
    if (first === undefined || first.state === "deferred") return Infinity;
    if (first.state === "waiting" || first.controller === undefined) return 0;
    return this.#options.liveness.leftMs(first.controller.signal);
  }

  async #takeOver(shard: QueueShard): Promise<void> {
    const [first] = shard.entries;
    if (first?.state === "sending") {
      this.#options.warnings.once(
        "The request that an earlier flush began does not end: it was probably cancelled. A later flush sends its samples.",
      );
      first.job = takeOver(first.job);
      first.state = "waiting";
      // If it was only slow, it must not overlap the next attempt.
      first.controller?.abort();
    }
    // The flushes of the batches behind it may have been cancelled, too.
    for (let next = shard.entries[0]; next?.state === "waiting"; next = shard.entries[0]) await this.#send(shard, next);
  }

  /**
   * Accepts no more batches, waits for those in the queue and for `finish`, and gives up what is left when the time is over or the
   * budget is used up.
   *
   * Resolves with what happened to the batches that earlier flushes deferred; `push()` reports the others. Never rejects.
   */
  close(options: QueueCloseOptions): Promise<DeliveryReport> {
    this.isClosed = true;
    this.#closing ??= this.#close(options);
    this.room.wake();
    return this.#closing;
  }

  async #close({ timeoutMs, signal, finish }: QueueCloseOptions): Promise<DeliveryReport> {
    const { sleep, outage, monotonicNow } = this.#options;
    this.#end.signal.addEventListener("abort", () => {
      for (const { entries: [first] } of this.all) first?.controller?.abort();
    });
    const clear = abortAfter(timeoutMs, this.#end, { sleep, signal });
    this.#searchUntilMs = monotonicNow() + timeoutMs / 2;
    outage.close(timeoutMs);
    for (const shard of this.all) this.onClosing(shard, timeoutMs);
    const resumed = this.#resumeDeferred();
    const settled = Promise.all(this.all.flatMap(({ entries }) => entries.map(({ settled }) => settled)));
    const ended = this.#endWith(settled.then(() => finish?.()));
    void this.watch(ended);
    await ended;
    clear();
    return await resumed;
  }

  /** Waits until everything has ended or the time for closing is over. In workerd, what a cancelled request began never ends. */
  async #endWith(everything: Promise<unknown>): Promise<void> {
    const { sleep } = this.#options;
    await untilAborted(everything, this.#end.signal).catch(() => {});
    await settledWithin(everything, graceMs, sleep);
    for (const shard of this.all) {
      for (const entry of shard.entries) if (entry.state === "sending") entry.job = takeOver(entry.job);
      for (const entry of [...shard.entries]) this.giveUp(shard, entry, ["deferred", this.#closedReason]);
    }
    await settledWithin(everything, graceMs, sleep);
  }

  async #resumeDeferred(): Promise<DeliveryReport> {
    // During a pause, nothing can be sent.
    const shards = this.isClosed || this.#options.outage.pausedMs === 0 ? this.all : [];
    const settled = shards.flatMap((shard) =>
      shard.entries.filter(({ state }) => state === "deferred").map((entry) => {
        resumeEntry(entry);
        void this.#drive(shard, entry);
        return entry.settled;
      })
    );
    const reports = await Promise.all(settled);
    const unreported = this.#unreported;
    this.#unreported = new ReportBuilder();
    return mergeReports([unreported.report(), ...reports]);
  }

  /** Sends a batch when the batches before it are settled. In workerd, each request sends its own batches. */
  async #drive(shard: QueueShard, entry: QueueEntry): Promise<void> {
    const { entries } = shard;
    for (let at = entries.indexOf(entry); at > 0; at = entries.indexOf(entry)) {
      const before = entries[at - 1];
      if (before?.state === "deferred") return this.#defer(entry);
      await before?.left;
    }
    if (entries[0] === entry && entry.state === "waiting") await this.#send(shard, entry);
  }

  /** Sends the first batch of a shard. */
  async #send(shard: QueueShard, entry: QueueEntry): Promise<void> {
    const { budget, delivery, outage, onRefusal, sleep, monotonicNow, liveness } = this.#options;
    const { signal: end } = this.#end;
    const { job } = entry;
    const { signal } = entry.controller = new AbortController();
    entry.state = "sending";
    entry.startedMs = monotonicNow();
    while (entry.job === job && !end.aborted && this.isSending) {
      // At the end, there will be no newer batch that could replace what this one cannot deliver in time.
      const setAside = this.isClosed ? undefined : this.setAside(entry);
      await this.#advance(shard, entry, { signal, setAside });
      if (job.next === undefined || signal.aborted || budget?.usedUp === true) break;
      if (!outage.isRefused) {
        if (setAside !== undefined && this.isClosed) continue;
        break;
      }
      if (onRefusal === "defer" && !this.isClosed) break;
      // At the end, there is no time to repair a certificate or a URL.
      if (this.isClosed && outage.isUnreachable) break;
      const pauseMs = Math.min(outage.pausedMs, maxStepMs);
      liveness.expect(signal, pauseMs);
      await sleep(pauseMs, signal);
    }
    // Another call has taken the batch over.
    if (entry.job !== job) return;
    if (this.#stopped !== undefined) delivery.abandon(job, "failed", this.#stopped);
    // No later flush can send the rest.
    else if (end.aborted || this.isClosed) delivery.abandon(job, "deferred", this.#closedReason);
    this.#giveUpWaiting();
    if (job.next !== undefined) this.onKept(shard, entry);
    if (job.next !== undefined) return this.#defer(entry);
    this.#leave(shard, entry);
  }

  /** Sends what is left of a batch, as far as possible now. */
  async #advance(
    { quarantine, entries }: QueueShard,
    { job, after }: QueueEntry,
    { signal, setAside }: { readonly signal: AbortSignal; readonly setAside: DeliveryContext["setAside"] },
  ): Promise<void> {
    const { budget, delivery, outage, onRefusal } = this.#options;
    if (budget?.usedUp === true || outage.pausedMs > 0) return;
    outage.claim();
    try {
      if (after !== undefined) await untilAborted(after, signal);
    } catch {
      // No later flush can send it either.
      delivery.abandon(job, "deferred", "the window before it was not acknowledged");
      return;
    }
    // Staleness markers are no totals.
    const isLast = (): boolean =>
      this.isClosed &&
      entries.every(({ job: { batch } }, at) => at > 0 === (batch.length > 0 && batch.stale.size === batch.length));
    try {
      await delivery.advance(job, signal, { quarantine, setAside, isPressed: () => this.isPressed(), isLast });
    } catch (error) {
      // This should not happen. If it does, the shard must not stop.
      delivery.abandon(job, "failed", `the delivery broke: ${reasonOf(error)}`);
    }
    if (!outage.isRefused) return;
    const isFinal = onRefusal === "stop" && !outage.mayPass;
    this.#reportRefusal(isFinal);
    if (isFinal) this.#stop();
  }

  #defer(entry: QueueEntry): void {
    entry.state = "deferred";
    settleEntry(entry);
    this.room.wake();
  }

  #reportRefusal(isFinal: boolean): void {
    const { outage: { reason }, warnings } = this.#options;
    const then = isFinal ? "Nothing more is sent." : "The sender tries again, less and less often.";
    warnings.once(`The endpoint refuses all requests (${reason}). ${then}`);
  }

  /** Stops the queue: gives up what waits, and sends nothing any more. */
  #stop(): void {
    this.#stopped = `the endpoint refuses all requests: ${this.#options.outage.reason}`;
    for (const shard of this.all) {
      for (const entry of shard.idle) this.giveUp(shard, entry, ["failed", this.#stopped]);
    }
    this.room.wake();
  }

  /** Reports whether a search for bad series must end: half of the time for closing is over. */
  protected isPressed(): boolean {
    return this.#options.monotonicNow() > this.#searchUntilMs;
  }

  /** Called when a batch was added to a shard. */
  protected onPushed(_shard: QueueShard): void {}

  /** Called for each shard when closing begins, with the time for it in milliseconds. */
  protected onClosing(_shard: QueueShard, _timeoutMs: number): void {}

  /** Called with a batch of which something is left after it was sent. */
  protected onKept(_shard: QueueShard, _entry: QueueEntry): void {}

  /** Called for each shard if the endpoint is down for long. */
  protected onOutage(_shard: QueueShard): void {}

  /** Returns a function that lets other samples be sent before a batch that is kept; undefined if the batch is not kept. */
  protected setAside(_entry: QueueEntry): DeliveryContext["setAside"] {
    return undefined;
  }

  /** Gives up what waits after a long outage, but no totals. Later batches will show whether the endpoint is up again. */
  #giveUpWaiting(): void {
    const { outage } = this.#options;
    if (!outage.isLong) return;
    for (const shard of this.all) {
      for (const entry of shard.idle) {
        if (this.isClosed || !entry.isCumulative) this.giveUp(shard, entry, ["failed", outage.reason]);
      }
      this.onOutage(shard);
    }
  }

  /** Lets a batch leave the queue with an outcome. Returns the number of its samples that got it. */
  protected giveUp(
    shard: QueueShard,
    entry: QueueEntry,
    outcome: readonly [outcome: "failed" | "deferred" | "dropped", reason: string],
  ): number {
    const samples = this.#options.delivery.abandon(entry.job, ...outcome);
    this.#leave(shard, entry);
    return samples;
  }

  /** Why the queue gives up, with the reason why sending failed, if there is one. */
  get #closedReason(): string {
    const { reason } = this.#options.outage;
    return reason === "" ? "the queue was closed" : `the queue was closed while sending failed: ${reason}`;
  }

  #leave(shard: QueueShard, entry: QueueEntry): void {
    shard.remove(entry);
    if (entry.settle === undefined) this.#unreported.add(entry.job.takeReport());
    settleEntry(entry);
    this.room.wake();
  }
}
