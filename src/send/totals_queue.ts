/**
 * A queue of batches whose values are mostly cumulative. While they wait, a newer sample of a series replaces the older ones, so the
 * producer never has to wait, and memory stays bounded.
 *
 * @module
 */
import { Batch } from "../protocol/batch.ts";
import type { DeliveryContext } from "./delivery.ts";
import { isMergeable, mergeBatches } from "./merge_batches.ts";
import { entryBytes, type QueueEntry, type QueueShard } from "./queue_shard.ts";
import { DeliveryJob } from "./delivery_job.ts";
import { leaveOut, setAside } from "./totals_job.ts";
import { WriteQueue, type WriteQueueOptions } from "./write_queue.ts";

/** What happens when the queue is full: the oldest batches are dropped, or the producer waits for `ready()`. */
export type OverflowPolicy = "drop-oldest" | "block";

/** The limits of a queue of totals, and where it leads. */
export interface TotalsQueueOptions extends WriteQueueOptions {
  readonly overflow: OverflowPolicy;
  /** How many samples a request may contain. */
  readonly maxSamplesPerSend: number;
  /** How long closing usually takes at most, in milliseconds. If what waits takes longer than half of it, it is merged. */
  readonly closeTimeoutMs: number;
}

/** A sender that is behind by more warns of it, in milliseconds. */
const maxLagMs = 10_000;

/** Merges what waits if the endpoint is too slow, and drops the oldest batches if the queue is full. */
export class TotalsQueue extends WriteQueue {
  readonly #options: TotalsQueueOptions;

  constructor(options: TotalsQueueOptions) {
    super(options);
    this.#options = options;
  }

  /** Merges what waits if the endpoint is too slow, or refuses requests for now. Says once that the sender is behind. */
  protected override onPushed(shard: QueueShard): void {
    const { closeTimeoutMs, outage, overflow, warnings, stats: { answerMs = 0 } } = this.#options;
    const { lagMs } = this;
    const waitingMs = this.#durationMs(shard.idle);
    const isSlow = waitingMs > closeTimeoutMs / 2;
    const merged = isSlow || outage.isRefused ? this.#merge(shard) : 0;
    // In an outage, requests are fast, so the batches that wait take little time: there is no warning.
    if ((isSlow && merged > 0) || (lagMs > maxLagMs && waitingMs > lagMs / 2)) {
      const behind = `The sender is ${seconds(lagMs)} behind, because a request takes ${seconds(answerMs)}`;
      const effect = merged > 0 ? ", and leaves older values out; totals stay right" : "";
      warnings.once(`${behind}${effect}.`);
    }
    if (overflow === "drop-oldest") this.#dropOldest();
  }

  /** Merges what waits if there is not enough time for all of it. */
  protected override onClosing(shard: QueueShard, timeoutMs: number): void {
    const isKnown = this.#options.stats.answerMs !== undefined || timeoutMs === Infinity;
    if (!isKnown || this.#durationMs(shard.entries) > timeoutMs) this.#merge(shard);
    this.#preferNewest(shard, timeoutMs);
  }

  protected override onKept(shard: QueueShard, entry: QueueEntry): void {
    const { budget, outage } = this.#options;
    if (!outage.isRefused && budget?.usedUp !== true) this.#leaveOut(shard, entry);
    if (entry.job.next !== undefined && entry.job.isPostponed) postponeFirst(shard);
  }

  protected override onOutage(shard: QueueShard): void {
    this.#merge(shard);
  }

  protected override setAside({ isCumulative, job }: QueueEntry): DeliveryContext["setAside"] {
    return isCumulative ? (attempts) => setAside(job, attempts) : undefined;
  }

  /**
   * Reports whether a search for bad series must end, also because the queue fills up with batches that it would drop. Merges them
   * first.
   */
  protected override isPressed(): boolean {
    if (super.isPressed()) return true;
    const { capacity, overflow } = this.#options;
    const isFilling = (): boolean => overflow === "drop-oldest" && this.size.samples > capacity / 2;
    if (isFilling()) { for (const shard of this.all) this.#merge(shard); }
    return isFilling() && this.all.some((shard) => shard.idle.some((entry) => canDrop(shard, entry)));
  }

  /** Estimates how long batches take, in milliseconds; 0 if no request was answered yet. */
  #durationMs(entries: readonly QueueEntry[]): number {
    const { maxSamplesPerSend, stats: { answerMs = 0 } } = this.#options;
    return answerMs * entries.reduce((sum, { samples }) => sum + Math.ceil(samples / maxSamplesPerSend), 0);
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

  /**
   * Merges what waits, and then drops the oldest batches, until the queue is within its limits. It never drops a batch that is
   * being sent, nor the newest totals: they are sent next when the others are gone, and may alone be larger than the queue.
   */
  #dropOldest(): void {
    const { capacity, maxQueueBytes, warnings } = this.#options;
    for (const shard of this.all) if (this.room.isOver) this.#merge(shard);
    while (this.room.isOver) {
      let oldest: { readonly entry: QueueEntry; readonly shard: QueueShard } | undefined;
      for (const shard of this.all) {
        const entry = shard.idle.find((entry) => canDrop(shard, entry));
        if (entry !== undefined && entry.order < (oldest?.entry.order ?? Infinity)) oldest = { entry, shard };
      }
      if (oldest === undefined) return;
      const dropped = this.giveUp(oldest.shard, oldest.entry, ["dropped", "the queue was full"]);
      warnings.once(
        `The queue is full (${capacity} samples, ${maxQueueBytes} bytes), so the oldest samples in it are dropped. ` +
          `Samples dropped: ${dropped}. Further ones are only counted.`,
      );
    }
  }

  /**
   * Merges the batches that were not sent yet into the newest of them. A batch that was sent in part keeps only what no newer batch
   * replaces. Returns how many samples were left out.
   */
  #merge(shard: QueueShard): number {
    const waiting = mergeable(shard);
    const newest = waiting.pop();
    if (newest === undefined) return 0;
    const merged = waiting.length === 0 ? 0 : mergeInto(shard, newest, waiting);
    const [first] = shard.entries;
    return merged + (first?.state !== "sending" && first?.job.isOpen === true ? this.#leaveOut(shard, first) : 0);
  }

  /** Leaves out the samples of the first batch that newer ones replace. Returns how many. */
  #leaveOut(shard: QueueShard, first: QueueEntry): number {
    const { job } = first;
    if (!first.isCumulative) return 0;
    const newer = mergeable(shard).filter((entry) => entry !== first);
    const { leftOut, unknown } = leaveOut(job, new Set(newer.flatMap(({ job }) => job.batch.keys())));
    if (leftOut === 0) return 0;
    this.room.stats.failed(unknown);
    shard.resize(first, job.batch.length, entryBytes + job.batch.bytes);
    return leftOut;
  }
}

/** Returns the batches that wait and that can be merged. */
function mergeable({ idle }: QueueShard): QueueEntry[] {
  return idle.filter(({ isCumulative, job }) => isCumulative && !job.isOpen && isMergeable(job.batch));
}

/** Merges older batches into the newest one. Returns how many samples were left out. */
function mergeInto(shard: QueueShard, newest: QueueEntry, older: readonly QueueEntry[]): number {
  const all = [...older, newest];
  const batch = mergeBatches(all.map(({ job }) => job.batch));
  const merged = all.reduce((sum, { samples }) => sum + samples, 0) - batch.length;
  for (const entry of older) {
    shard.remove(entry);
    entry.leave();
  }
  shard.resize(newest, batch.length, entryBytes + batch.bytes);
  const job = new DeliveryJob({ batch, from: 0, to: batch.length });
  for (const entry of all) job.report.add(entry.job.report.report());
  job.report.countMerged(merged);
  newest.merged = all.flatMap((entry) => entry.merged).concat(older);
  // What is left of the older batches is reported with the newest one.
  const nothing = { batch: new Batch(0), from: 0, to: 0 };
  for (const entry of older) Object.assign(entry, { job: new DeliveryJob(nothing), merged: [] });
  newest.job = job;
  return merged;
}

/** Moves the first batch behind all batches that have none of its series. They are sent first. */
function postponeFirst({ entries }: QueueShard): void {
  const [first] = entries;
  if (first === undefined) return;
  const own = new Set(first.job.batch.keys());
  const sharing = entries.findIndex(({ job }, at) => at > 0 && job.batch.keys().some((key) => own.has(key)));
  const to = sharing < 0 ? entries.length : sharing;
  entries.splice(0, to, ...entries.slice(1, to), first);
}

/** Reports whether a full queue may drop a batch. After merging, the cumulative batches have only totals that no other has. */
function canDrop({ entries }: QueueShard, entry: QueueEntry): boolean {
  const { isCumulative, job: { isOpen, batch } } = entry;
  return entry !== entries.at(-1) && !(isCumulative && (isOpen || isMergeable(batch)));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
