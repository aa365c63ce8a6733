/**
 * The queue between the producer of samples and the network: the producer never waits, and memory stays bounded.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { reasonOf } from "../model/errors.ts";
import type { Batch } from "../protocol/batch.ts";
import type { Delivery } from "./delivery.ts";
import type { Liveness } from "./liveness.ts";
import type { Outage } from "./outage.ts";
import { type QueueLimits, QueueRoom, type QueueSize } from "./queue_room.ts";
import { createEntry, type QueueEntry, QueueShard, resumeEntry, settleEntry } from "./queue_shard.ts";
import { QueuedJob } from "./queued_job.ts";
import { mergeReports, ReportBuilder } from "./report_builder.ts";
import type { RequestBudget } from "./request_budget.ts";
import { abortAfter, settledWithin, type Sleep, untilAborted } from "./sleep.ts";
import type { Warnings } from "./warnings.ts";

/** What happens when the queue is full: the oldest batches are dropped, or the producer waits for `ready()`. */
export type OverflowPolicy = "drop-oldest" | "block";

/**
 * What happens if the endpoint refuses all requests: the batches wait for the next flush (`defer`), the queue tries again by itself
 * (`wait`), or it sends nothing any more (`stop`). With the first two, it sends one request for each pause.
 */
export type RefusalPolicy = "defer" | "wait" | "stop";

/** The limits of the queue, and where it leads. */
export interface WriteQueueOptions extends QueueLimits {
  /** Delivers the batches. */
  readonly delivery: Delivery;
  /** How long the endpoint has been failing; the delivery has the same object. */
  readonly outage: Outage;
  readonly overflow: OverflowPolicy;
  readonly onRefusal: RefusalPolicy;
  /** How many samples a request may contain. */
  readonly maxSamplesPerSend: number;
  /** How long closing usually takes at most, in milliseconds. If what waits takes longer than half of it, it is merged. */
  readonly closeTimeoutMs: number;
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

/** A sender that is behind by more says so. */
const maxLagMs = 10_000;

/** Accepts batches that are not encoded yet, and sends one request at a time for each shard. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #room: QueueRoom;
  readonly #shards = new Map<number, QueueShard>();
  /** Created by need, because workerd did not always allow it outside of requests. */
  #endController: AbortController | undefined;
  /** What happened to batches that a flush deferred and no flush resumed. */
  #unreported = new ReportBuilder();
  #pushed = 0;
  #isClosed = false;
  /** Why nothing is sent any more. */
  #stopped: string | undefined;
  /** When searches for bad series end, because the queue is closed. */
  #searchUntilMs = Infinity;
  #closing: Promise<DeliveryReport> | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.#room = new QueueRoom(options);
  }

  /** What is in the queue now. */
  get size(): QueueSize {
    return this.#room.size;
  }

  /** Whether the producer should wait. */
  get isFull(): boolean {
    return this.#room.isFull;
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
    const oldest = Math.min(...this.#all.map(({ entries }) => entries[0]?.pushedMs ?? Infinity));
    return oldest === Infinity ? 0 : this.#options.monotonicNow() - oldest;
  }

  get #end(): AbortController {
    return this.#endController ??= new AbortController();
  }

  get #all(): QueueShard[] {
    return [...this.#shards.values()];
  }

  /**
   * Adds a batch, which must not change any more. All samples of a series go to the same shard.
   *
   * Resolves when each sample is delivered, given up or dropped, or waits for the next flush (`deferred`). Never rejects.
   */
  push(shardNumber: number, batch: Batch, options: PushOptions = {}): Promise<DeliveryReport> {
    const { after, sentBefore, isCumulative = false, isLate = false } = options;
    const { delivery, overflow, monotonicNow } = this.#options;
    const job = new QueuedJob({ batch, from: 0, to: batch.length }, { unknown: sentBefore });
    const isOver = this.#isClosed && (!isLate || this.#end.signal.aborted);
    if (isOver || this.#stopped !== undefined) {
      if (this.#stopped === undefined) delivery.abandon(job, "deferred", this.#closedReason);
      else delivery.abandon(job, "failed", this.#stopped);
      return Promise.resolve(job.takeReport());
    }
    const entry = createEntry(job, { order: this.#pushed++, pushedMs: monotonicNow(), isCumulative, after });
    const { settled } = entry;
    const shard = this.#shards.get(shardNumber) ?? new QueueShard(this.#room);
    this.#shards.set(shardNumber, shard);
    shard.entries.push(entry);
    this.#room.resize(entry.samples, entry.bytes);
    this.#keepUp(shard);
    if (overflow === "drop-oldest") this.#dropOldest();
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
      !this.isFull || !this.isSending || this.#isClosed || (untilDeferred && this.#isDeferred);
    return this.#room.until(isReady, signal);
  }

  get #isDeferred(): boolean {
    return this.#all.every(({ entries }) => entries.every(({ state }) => state === "deferred"));
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
      leftMs: () => Math.min(...this.#all.map((shard) => this.#leftMs(shard))),
      onStuck: () => {
        for (const shard of this.#all) if (this.#leftMs(shard) <= 0) void this.#takeOver(shard);
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
      first.job = first.job.takeOver();
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
    this.#isClosed = true;
    this.#closing ??= this.#close(options);
    this.#room.wake();
    return this.#closing;
  }

  async #close({ timeoutMs, signal, finish }: QueueCloseOptions): Promise<DeliveryReport> {
    const { sleep, stats, outage, monotonicNow } = this.#options;
    this.#end.signal.addEventListener("abort", () => {
      for (const { entries: [first] } of this.#all) first?.controller?.abort();
    });
    const clear = abortAfter(timeoutMs, this.#end, { sleep, signal });
    this.#searchUntilMs = monotonicNow() + timeoutMs / 2;
    outage.close(timeoutMs);
    for (const shard of this.#all) {
      const isKnown = stats.answerMs !== undefined || timeoutMs === Infinity;
      if (!isKnown || this.#durationMs(shard.entries) > timeoutMs) shard.merge();
      this.#preferNewest(shard, timeoutMs);
    }
    const resumed = this.#resumeDeferred();
    const settled = Promise.all(this.#all.flatMap(({ entries }) => entries.map(({ settled }) => settled)));
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
    for (const shard of this.#all) {
      for (const entry of shard.entries) if (entry.state === "sending") entry.job = entry.job.takeOver();
      this.#giveUp(shard, [...shard.entries], "deferred", this.#closedReason);
    }
    await settledWithin(everything, graceMs, sleep);
  }

  /** Gives up the batch that is being sent if there is otherwise not enough time for those behind it: they have the newest totals. */
  #preferNewest({ entries: [first, ...waiting] }: QueueShard, timeoutMs: number): void {
    if (first?.state !== "sending" || !first.isCumulative) return;
    // Staleness markers are no totals, and a series that does not wait has its newest total in this batch.
    const newer = new Set(
      waiting.flatMap(({ job: { batch } }) => batch.keys().filter((_, at) => !batch.stale.has(at))),
    );
    if (first.job.batch.keys().some((key) => !newer.has(key))) return;
    const restMs = Math.max(0, first.startedMs + this.#durationMs([first]) - this.#options.monotonicNow());
    const neededMs = this.#durationMs(waiting);
    if (neededMs > 0 && neededMs <= timeoutMs && restMs + neededMs > timeoutMs) first.controller?.abort();
  }

  async #resumeDeferred(): Promise<DeliveryReport> {
    // During a pause, nothing can be sent.
    const shards = this.#isClosed || this.#options.outage.pausedMs === 0 ? this.#all : [];
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
      // A newer batch may replace what this one cannot deliver in time. At the end, there will be no newer one.
      const isKept = entry.isCumulative && !this.#isClosed;
      await this.#advance(shard, entry, { signal, isKept });
      if (job.next === undefined || signal.aborted || budget?.usedUp === true) break;
      if (!outage.isRefused) {
        if (isKept && this.#isClosed) continue;
        break;
      }
      if (onRefusal === "defer" && !this.#isClosed) break;
      // At the end, nobody will repair a certificate or a URL in time.
      if (this.#isClosed && outage.isUnreachable) break;
      const pauseMs = Math.min(outage.pausedMs, maxStepMs);
      liveness.expect(signal, pauseMs);
      await sleep(pauseMs, signal);
    }
    // Another call has taken the batch over.
    if (entry.job !== job) return;
    if (this.#stopped !== undefined) delivery.abandon(job, "failed", this.#stopped);
    // No later flush can send the rest.
    else if (end.aborted || this.#isClosed) delivery.abandon(job, "deferred", this.#closedReason);
    this.#giveUpWaiting();
    if (job.next !== undefined && !outage.isRefused && budget?.usedUp !== true) shard.leaveOut(entry);
    if (job.next !== undefined && job.isPostponed) shard.postponeFirst();
    if (job.next !== undefined) return this.#defer(entry);
    this.#leave(shard, entry);
  }

  /** Sends what is left of a batch, as far as possible now. */
  async #advance(
    { quarantine, entries }: QueueShard,
    { job, after }: QueueEntry,
    { signal, isKept }: { readonly signal: AbortSignal; readonly isKept: boolean },
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
      this.#isClosed &&
      entries.every(({ job: { batch } }, at) => at > 0 === (batch.length > 0 && batch.stale.size === batch.length));
    try {
      await delivery.advance(job, signal, { quarantine, isKept, isPressed: () => this.#isPressed(), isLast });
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
    this.#room.wake();
  }

  #reportRefusal(isFinal: boolean): void {
    const { outage: { reason }, warnings } = this.#options;
    const then = isFinal ? "Nothing more is sent." : "The sender tries again, less and less often.";
    warnings.once(`The endpoint refuses all requests (${reason}). ${then}`);
  }

  /** Sends nothing any more. */
  #stop(): void {
    this.#stopped = `the endpoint refuses all requests: ${this.#options.outage.reason}`;
    for (const shard of this.#all) this.#giveUp(shard, shard.idle, "failed", this.#stopped);
    this.#room.wake();
  }

  /**
   * Reports whether a search for bad series must end: half of the time for closing is over, or the queue fills up with batches that
   * it would drop. Merges them first.
   */
  #isPressed(): boolean {
    const { capacity, overflow, monotonicNow } = this.#options;
    if (monotonicNow() > this.#searchUntilMs) return true;
    const isFilling = (): boolean => overflow === "drop-oldest" && this.size.samples > capacity / 2;
    if (isFilling()) { for (const shard of this.#all) shard.merge(); }
    return isFilling() && this.#all.some((shard) => shard.idle.some((entry) => shard.canDrop(entry)));
  }

  /** Estimates how long batches take, in milliseconds; 0 if no request was answered yet. */
  #durationMs(entries: readonly QueueEntry[]): number {
    const { maxSamplesPerSend, stats: { answerMs = 0 } } = this.#options;
    return answerMs * entries.reduce((sum, { samples }) => sum + Math.ceil(samples / maxSamplesPerSend), 0);
  }

  /** Merges what waits if the endpoint is too slow, or refuses requests for now. Says once that the sender is behind. */
  #keepUp(shard: QueueShard): void {
    const { closeTimeoutMs, outage, warnings, stats: { answerMs = 0 } } = this.#options;
    const { lagMs } = this;
    const waitingMs = this.#durationMs(shard.idle);
    const isSlow = waitingMs > closeTimeoutMs / 2;
    const merged = isSlow || outage.isRefused ? shard.merge() : 0;
    // In an outage, what waits would not take long.
    if ((isSlow && merged > 0) || (lagMs > maxLagMs && waitingMs > lagMs / 2)) {
      const behind = `The sender is ${seconds(lagMs)} behind, because a request takes ${seconds(answerMs)}`;
      const effect = merged > 0 ? ", and leaves older values out; totals stay right" : "";
      warnings.once(`${behind}${effect}.`);
    }
  }

  /** Gives up what waits after a long outage, but no totals. Later batches will show whether the endpoint is up again. */
  #giveUpWaiting(): void {
    const { outage } = this.#options;
    if (!outage.isLong) return;
    for (const shard of this.#all) {
      const waiting = shard.idle.filter(({ isCumulative }) => this.#isClosed || !isCumulative);
      this.#giveUp(shard, waiting, "failed", outage.reason);
      shard.merge();
    }
  }

  /** Lets batches leave the queue with this outcome. */
  #giveUp(shard: QueueShard, entries: readonly QueueEntry[], outcome: "failed" | "deferred", reason: string): void {
    for (const entry of entries) {
      this.#options.delivery.abandon(entry.job, outcome, reason);
      this.#leave(shard, entry);
    }
  }

  /** Why the queue gives up, with the reason why sending failed, if there is one. */
  get #closedReason(): string {
    const { reason } = this.#options.outage;
    return reason === "" ? "the queue was closed" : `the queue was closed while sending failed: ${reason}`;
  }

  /**
   * Merges what waits, and then drops the oldest batches, until the queue is within its limits. It never drops a batch that is
   * being sent, nor the newest totals: they are sent next when the others are gone, and may alone be larger than the queue.
   */
  #dropOldest(): void {
    const { capacity, maxQueueBytes, delivery, warnings } = this.#options;
    for (const shard of this.#all) if (this.#room.isOver) shard.merge();
    while (this.#room.isOver) {
      let oldest: { readonly entry: QueueEntry; readonly shard: QueueShard } | undefined;
      for (const shard of this.#all) {
        const entry = shard.idle.find((entry) => shard.canDrop(entry));
        if (entry !== undefined && entry.order < (oldest?.entry.order ?? Infinity)) oldest = { entry, shard };
      }
      if (oldest === undefined) return;
      const { entry, shard } = oldest;
      const dropped = delivery.abandon(entry.job, "dropped", "the queue was full");
      warnings.once(
        `The queue is full (${capacity} samples, ${maxQueueBytes} bytes), so the oldest samples in it are dropped. ` +
          `Samples dropped: ${dropped}. Further ones are only counted.`,
      );
      this.#leave(shard, entry);
    }
  }

  #leave(shard: QueueShard, entry: QueueEntry): void {
    shard.remove(entry);
    if (entry.settle === undefined) this.#unreported.add(entry.job.takeReport());
    settleEntry(entry);
    this.#room.wake();
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
