/**
 * The options of a sender that has a queue.
 *
 * @module
 */
import { unexpected } from "../model/check_keys.ts";
import type { Spool } from "../send/spool.ts";
import type { OptionDefinitions } from "./option_definition.ts";

/** How many samples may wait, how many requests run at a time, and how long the end may take. */
export interface QueueOptions {
  /** How many requests are sent at the same time. Each series belongs to one shard, which keeps its samples in order. @default 1 */
  readonly shards?: number | undefined;
  /** The most samples that may wait. The newest batch of each shard may exceed it. @default 500000 */
  readonly capacity?: number | undefined;
  /** The most memory that waiting samples may take, in bytes. @default 67108864 */
  readonly maxQueueBytes?: number | undefined;
  /**
   * How long `close()` waits for the samples that are not yet delivered, in milliseconds. If the windows that wait in an output
   * would take more than half of it, they are merged: only the newest sample of each series is sent. If a request does not end at once
   * when the time is over, `close()` takes up to a second longer.
   * @default 30000
   */
  readonly closeTimeoutMs?: number | undefined;
  /**
   * Stores the samples that wait, so that they survive the end of the process. At the start, the sender first sends what an earlier
   * process left. What `close()` cannot send in time stays in the spool, and is reported as `deferred`. Only the command has one.
   * @default none
   * @internal
   */
  readonly spool?: Spool | undefined;
}

/** The options whose definitions have no default. */
export type OptionalQueueOption = "spool";

/** The definitions of the queue's options. */
export const queueOptionDefinitions: OptionDefinitions<QueueOptions, OptionalQueueOption> = {
  // One request at a time keeps all samples in order.
  shards: { kind: "wholeNumber", min: 1, default: 1 },
  // As Prometheus at its largest: 50 shards of 10,000.
  capacity: { kind: "wholeNumber", min: 1, default: 500_000 },
  // About 1.5 million samples in full batches, which leaves room for histograms.
  maxQueueBytes: { kind: "bytes", min: 1024, default: 64 * 1024 * 1024 },
  // Long enough for a receiver that restarts, short enough for a pipeline that waits.
  closeTimeoutMs: { kind: "durationMs", default: 30_000 },
  spool: { kind: "spool", check: checkSpool },
};

function checkSpool(spool: unknown, name: string): void {
  if (typeof Object(spool).before !== "function") throw unexpected(name, spool, "a spool of createSpool(...)");
}
