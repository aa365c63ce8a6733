/**
 * The numbers of sending, and why they are what they are.
 *
 * @module
 */

/** What has a default. */
export type SendDefault =
  | "timeoutMs"
  | "minBackoffMs"
  | "maxBackoffMs"
  | "maxRetryAfterMs"
  | "retryDeadlineMs"
  | "maxServerErrors"
  | "maxLastServerErrors"
  | "maxSamplesPerSend"
  | "maxBodyBytes"
  | "maxDecodedBytes"
  | "minBodyBytes"
  | "maxBisectRequests"
  | "minBisectRequests"
  | "capacity"
  | "maxQueueBytes"
  | "closeTimeoutMs";

/** Defaults of everything in this folder. Times in milliseconds, sizes in bytes. */
export const sendDefaults: Readonly<Record<SendDefault, number>> = {
  /** As Prometheus: one attempt. */
  timeoutMs: 30_000,
  /** As Prometheus. */
  minBackoffMs: 30,
  /** As Prometheus. */
  maxBackoffMs: 5_000,
  /** To try earlier than asked loses nothing; to wait for an hour, as some ask, would overflow a queue of minutes. */
  maxRetryAfterMs: 60_000,
  /** As Prometheus: a batch is not given up. */
  retryDeadlineMs: Infinity,
  /** About ten seconds: a 500 that lasts longer may be Prometheus refusing one bad histogram with all that is beside it. */
  maxServerErrors: 10,
  /** A minute or two: where nothing is left to be told apart, what is given up is lost. */
  maxLastServerErrors: 40,
  /** As Prometheus. */
  maxSamplesPerSend: 2_000,
  /** nginx takes no larger body unless told to. */
  maxBodyBytes: 1024 * 1024,
  /** A quarter of what Prometheus takes. */
  maxDecodedBytes: 8 * 1024 * 1024,
  /** A receiver that refuses even less as too large is not asked for its limit any further. */
  minBodyBytes: 8 * 1024,
  /** Finds four bad series, scattered among 2000, with some to spare. */
  maxBisectRequests: 100,
  /** Of a bisection where those before rescued nothing: in an old recording, all samples are out of bounds. */
  minBisectRequests: 8,
  /** As Prometheus at its largest: 50 shards of 10,000. */
  capacity: 500_000,
  /** About a million and a half samples of full batches; room enough for histograms. */
  maxQueueBytes: 64 * 1024 * 1024,
  /** Long enough for a receiver that restarts, short enough for a pipeline that waits. */
  closeTimeoutMs: 30_000,
};
