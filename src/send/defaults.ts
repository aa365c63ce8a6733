/**
 * The defaults of options that the client and the output have in common, with the reasons.
 *
 * @module
 */

/** Times are in milliseconds, sizes in bytes. */
export const sendDefaults: Readonly<
  Record<
    | "timeoutMs"
    | "maxSamplesPerSend"
    | "maxBodyBytes"
    | "maxDecodedBytes"
    | "capacity"
    | "maxQueueBytes"
    | "closeTimeoutMs",
    number
  >
> = {
  /** One attempt, as in Prometheus. */
  timeoutMs: 30_000,
  /** As in Prometheus. */
  maxSamplesPerSend: 2_000,
  /** nginx accepts no larger body by default. */
  maxBodyBytes: 1024 * 1024,
  /** A quarter of what Prometheus accepts. */
  maxDecodedBytes: 8 * 1024 * 1024,
  /** As in Prometheus at its largest: 50 shards of 10,000 samples. */
  capacity: 500_000,
  /** About 1.5 million samples in full batches, which leaves room for histograms. */
  maxQueueBytes: 64 * 1024 * 1024,
  /** Long enough for a receiver that restarts, short enough for a pipeline that waits. */
  closeTimeoutMs: 30_000,
};
