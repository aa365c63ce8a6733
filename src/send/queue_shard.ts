/**
 * The batches of the same series in a queue.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { Quarantine } from "./quarantine.ts";
import type { QueueRoom } from "./queue_room.ts";
import { DeliveryJob } from "./delivery_job.ts";
import { ReportBuilder } from "./report_builder.ts";

/** A batch in a queue. */
export interface QueueEntry {
  /** Rises from batch to batch. */
  readonly order: number;
  readonly pushedMs: number;
  /** When the sending of this batch began, on the clock of deadlines. */
  startedMs: number;
  /** Whether a newer sample of a series may replace one of this batch. */
  readonly isCumulative: boolean;
  /** The batch is sent when this resolves. */
  readonly after: Promise<unknown> | undefined;
  job: DeliveryJob;
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
  /** Resolves `left`, so that the batch behind this one can be sent. */
  leave(): void;
}

/** The measured memory of a small batch in the queue, without its columns. */
export const entryBytes = 2_200;

/** Returns an entry that waits. */
export function createEntry(
  job: DeliveryJob,
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

/** Hands what is left of a job over to a new one, because the job is not sent any more. Its next range may have been stored. */
export function takeOver(old: DeliveryJob): DeliveryJob {
  const job = new DeliveryJob({ batch: old.batch, from: 0, to: 0 });
  const { ranges, report, suspectMs, next } = old;
  Object.assign(job, { ranges, report, suspectMs, isOpen: true });
  job.again({ unknown: true, resent: true, attempts: (next?.attempts ?? 0) + 1 });
  // A call that still sends the old job changes nothing any more.
  old.ranges = [];
  old.report = new ReportBuilder();
  return job;
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

  /** Takes a batch out of its place and out of the counts of the queue. */
  remove(entry: QueueEntry): void {
    const at = this.entries.indexOf(entry);
    if (at < 0) return;
    this.entries.splice(at, 1);
    this.#room.resize(-entry.samples, -entry.bytes);
  }

  /** Takes note that a batch has this many samples and bytes now. */
  resize(entry: QueueEntry, samples: number, bytes: number): void {
    this.#room.resize(samples - entry.samples, bytes - entry.bytes);
    Object.assign(entry, { samples, bytes });
  }
}
