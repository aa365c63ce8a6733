/**
 * The batches of the same series in a queue, and their merging while they wait.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { Batch } from "../protocol/batch.ts";
import { isMergeable, mergeBatches } from "./merge_batches.ts";
import { Quarantine } from "./quarantine.ts";
import type { QueueRoom } from "./queue_room.ts";
import { QueuedJob } from "./queued_job.ts";

/** A batch in a queue. */
export interface QueueEntry {
  /** Rises from batch to batch. */
  readonly order: number;
  readonly pushedMs: number;
  /** When its sending began. */
  startedMs: number;
  /** Whether a newer sample of a series may replace one of this batch. */
  readonly isCumulative: boolean;
  /** The batch is sent when this resolves. */
  readonly after: Promise<unknown> | undefined;
  job: QueuedJob;
  samples: number;
  bytes: number;
  /** The batches that were merged into this one. They are settled together. */
  merged: readonly QueueEntry[];
  /** Ends the sending of this batch. */
  controller: AbortController | undefined;
  /**
   * `waiting` until the batches before it in its shard are settled, `sending` until it is settled itself, and `deferred` if the
   * queue cannot send it now: then it waits for the next flush.
   */
  state: "waiting" | "sending" | "deferred";
  /** Resolves when the batch is settled or deferred. */
  settled: Promise<DeliveryReport>;
  /** Resolves `settled`; undefined if it has done so. */
  settle: ((report: DeliveryReport) => void) | undefined;
  /** Resolves when the batch leaves its place, or is deferred. */
  left: Promise<void>;
  /** Resolves `left`. */
  leave(): void;
}

/** The measured memory of a small batch in the queue, without its columns. */
const entryBytes = 2_200;

/** Returns an entry that waits. */
export function createEntry(
  job: QueuedJob,
  known: Pick<QueueEntry, "order" | "pushedMs" | "isCumulative" | "after">,
): QueueEntry {
  const { length, bytes, values } = job.batch;
  return {
    ...known,
    ...{ startedMs: Infinity, job, merged: [], controller: undefined },
    ...{ samples: length, bytes: entryBytes + bytes + 16 * (values.length - length) },
    ...unsettled(),
  };
}

/** Lets a deferred entry wait again. */
export function resumeEntry(entry: QueueEntry): void {
  Object.assign(entry, unsettled());
}

/** Reports once what happened to a batch. */
export function settleEntry(entry: QueueEntry): void {
  entry.settle?.(entry.job.takeReport());
  entry.settle = undefined;
  entry.leave();
  entry.merged.forEach(settleEntry);
  entry.merged = [];
}

/** Returns the state of a batch that waits, with new promises. */
function unsettled(): Pick<QueueEntry, "state" | "settled" | "settle" | "left" | "leave"> {
  let settle: QueueEntry["settle"];
  let leave = (): void => {};
  const settled = new Promise<DeliveryReport>((resolve) => settle = resolve);
  const left = new Promise<void>((resolve) => leave = resolve);
  return { state: "waiting", settled, settle, left, leave };
}

/** The batches of the same series, oldest first. They are sent one after the other. */
export class QueueShard {
  readonly entries: QueueEntry[] = [];
  readonly quarantine: Quarantine = new Quarantine();
  readonly #room: QueueRoom;

  constructor(room: QueueRoom) {
    this.#room = room;
  }

  /** The batches that are not being sent. */
  get idle(): readonly QueueEntry[] {
    return this.entries.slice(this.entries[0]?.state === "sending" ? 1 : 0);
  }

  /** Takes a batch out. */
  remove(entry: QueueEntry): void {
    const at = this.entries.indexOf(entry);
    if (at < 0) return;
    this.entries.splice(at, 1);
    this.#room.resize(-entry.samples, -entry.bytes);
  }

  /**
   * Merges the batches that were not sent yet into the newest of them. A batch that was sent in part keeps only what no newer batch
   * replaces. Returns how many samples were left out.
   */
  merge(): number {
    const waiting = this.#mergeable();
    const newest = waiting.pop();
    if (newest === undefined) return 0;
    const merged = waiting.length === 0 ? 0 : this.#mergeInto(newest, waiting);
    const [first] = this.entries;
    return merged + (first?.state !== "sending" && first?.job.isOpen === true ? this.leaveOut(first) : 0);
  }

  /** Leaves out the samples of the first batch that newer ones replace. Returns how many. */
  leaveOut(first: QueueEntry): number {
    const { job } = first;
    if (!first.isCumulative) return 0;
    const newer = this.#mergeable().filter((entry) => entry !== first);
    const { leftOut, unknown } = job.leaveOut(new Set(newer.flatMap(({ job }) => job.batch.keys())));
    if (leftOut === 0) return 0;
    this.#room.stats.failed(unknown);
    this.#resize(first, job.batch.length, entryBytes + job.batch.bytes);
    return leftOut;
  }

  /** Moves the first batch behind all batches that have none of its series. They are sent first. */
  postponeFirst(): void {
    const [first] = this.entries;
    if (first === undefined) return;
    const own = new Set(first.job.batch.keys());
    const sharing = this.entries.findIndex(({ job }, at) => at > 0 && job.batch.keys().some((key) => own.has(key)));
    const to = sharing < 0 ? this.entries.length : sharing;
    this.entries.splice(0, to, ...this.entries.slice(1, to), first);
  }

  /** Reports whether a full queue may drop a batch. After merging, the cumulative batches have only totals that no other has. */
  canDrop(entry: QueueEntry): boolean {
    const { isCumulative, job: { isOpen, batch } } = entry;
    return entry !== this.entries.at(-1) && !(isCumulative && (isOpen || isMergeable(batch)));
  }

  #mergeable(): QueueEntry[] {
    return this.idle.filter(({ isCumulative, job }) => isCumulative && !job.isOpen && isMergeable(job.batch));
  }

  #mergeInto(newest: QueueEntry, older: readonly QueueEntry[]): number {
    const all = [...older, newest];
    const batch = mergeBatches(all.map(({ job }) => job.batch));
    const merged = all.reduce((sum, { samples }) => sum + samples, 0) - batch.length;
    for (const entry of older) {
      this.remove(entry);
      entry.leave();
    }
    this.#resize(newest, batch.length, entryBytes + batch.bytes);
    const job = new QueuedJob({ batch, from: 0, to: batch.length });
    for (const entry of all) job.report.add(entry.job.report.report());
    job.report.countMerged(merged);
    newest.merged = all.flatMap((entry) => entry.merged).concat(older);
    // What is left of the older batches is reported with the newest one.
    const nothing = { batch: new Batch(0), from: 0, to: 0 };
    for (const entry of older) Object.assign(entry, { job: new QueuedJob(nothing), merged: [] });
    newest.job = job;
    return merged;
  }

  #resize(entry: QueueEntry, samples: number, bytes: number): void {
    this.#room.resize(samples - entry.samples, bytes - entry.bytes);
    Object.assign(entry, { samples, bytes });
  }
}
