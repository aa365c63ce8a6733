/**
 * The options of a sender that has a queue.
 *
 * @module
 */
import type { OptionDefinitions } from "./option_definition.ts";

/** How much may wait, and for how long at the end. */
export interface QueueOptions {
  /** How many requests are under way at the same time. The samples of one series always take the same way. @default 1 */
  readonly shards?: number | undefined;
  /** The most samples that may wait. The newest batch of each shard may exceed it. @default 500000 */
  readonly capacity?: number | undefined;
  /** The most memory that waiting samples may take, in bytes. @default 67108864 */
  readonly maxQueueBytes?: number | undefined;
  /** How long `close()` waits for the samples that are not yet delivered, in milliseconds. @default 30000 */
  readonly closeTimeoutMs?: number | undefined;
}

/** The definitions of the queue's options. */
export const queueOptionDefinitions: OptionDefinitions<QueueOptions, never> = {
  // One connection keeps all samples in order.
  shards: { kind: "wholeNumber", min: 1, default: 1, help: "How many requests are under way at the same time." },
  // As Prometheus at its largest: 50 shards of 10,000.
  capacity: { kind: "wholeNumber", min: 1, default: 500_000, help: "The most samples that may wait." },
  // About a million and a half samples of full batches, with room for histograms.
  maxQueueBytes: {
    kind: "bytes",
    min: 1024,
    default: 64 * 1024 * 1024,
    help: "The most memory that waiting samples may take.",
  },
  // Long enough for a receiver that restarts, short enough for a pipeline that waits.
  closeTimeoutMs: {
    kind: "durationMs",
    default: 30_000,
    help: "How long to wait at the end for samples that are not yet delivered.",
  },
};
