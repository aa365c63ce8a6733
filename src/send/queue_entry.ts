/**
 * A batch in the queue.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { Batch } from "../protocol/batch.ts";
import type { Deferred } from "./deferred.ts";
import type { DeliveryJob } from "./delivery_job.ts";

/** A batch in the queue. One whose outcome is settled is kept: an earlier flush had no request left for it. */
export interface Entry {
  /** Rises from push to push. */
  readonly order: number;
  readonly parcel: DeliveryJob;
  readonly samples: number;
  readonly bytes: number;
  /** What it waits for. */
  readonly after: Promise<unknown> | undefined;
  /** What becomes of it, in this flush. */
  outcome: Deferred<DeliveryReport>;
}

/** Batches of the same series, sent one after the other. */
export interface Shard {
  /** The first of `waiting` is being sent. */
  busy: boolean;
  readonly waiting: Entry[];
}

/** The index of the first batch that is not being sent. */
export function firstIdle({ busy }: Shard): number {
  return busy ? 1 : 0;
}

/** Measured: a small batch with all that it brings into the queue, besides its columns. */
const entryBytes = 2_200;

/** What the batch says of itself, and what its columns hold in reserve. */
export function bytesOf(batch: Batch): number {
  return entryBytes + batch.bytes + 16 * (batch.values.length - batch.length);
}

/** Tells who waits what became of it, once. */
export function settle({ outcome, parcel }: Entry): void {
  if (!outcome.settled) outcome.resolve(parcel.takeReport());
}
