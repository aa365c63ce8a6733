/**
 * What a delivery can be told.
 *
 * @module
 */
import type { Codecs } from "./codec.ts";
import { sendDefaults } from "./defaults.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { Send } from "./request_result.ts";
import { SendStats } from "./stats.ts";
import { Warnings } from "./warnings.ts";

/** How to deliver. */
export interface DeliveryOptions {
  /** Sends a request, retries included. */
  readonly send: Send;
  /** Encode the requests. */
  readonly codecs: Codecs;
  /** `auto` begins with 2.0 and falls back to 1.0, for good, if the receiver does not show that it knows 2.0. */
  readonly protocol: ProtocolVersion | "auto";
  /** Samples in a request at most. @default 2000 */
  readonly maxSamplesPerSend?: number;
  /** Compressed size of a request at most, in bytes. @default 1048576 */
  readonly maxBodyBytes?: number;
  /** Size of a request before compression at most, in bytes. @default 8388608 */
  readonly maxDecodedBytes?: number;
  /** Whether the bad samples of a refused request are searched for. @default true */
  readonly bisect?: boolean;
  /** How many requests the search in one refused request may take, each with its retries. @default 100 */
  readonly maxBisectRequests?: number;
  /** How long after a batch's first request, or the last answer to one, a retry may begin, in milliseconds. @default Infinity */
  readonly retryDeadlineMs?: number;
  /**
   * Whether that time runs on from one batch to the next while every request fails, so that an endpoint that is down is waited for
   * only once.
   * @default false
   */
  readonly sharedDeadline?: boolean;
  /** How long one attempt may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
  /** Milliseconds; the clock of the retries. @default Date.now */
  readonly now?: () => number;
  /** @default not kept */
  readonly stats?: SendStats;
  /** @default not said */
  readonly warnings?: Warnings;
}

/** With the defaults of what is not given. */
export function completeDeliveryOptions(options: DeliveryOptions): Required<DeliveryOptions> {
  return {
    ...options,
    maxSamplesPerSend: options.maxSamplesPerSend ?? sendDefaults.maxSamplesPerSend,
    maxBodyBytes: options.maxBodyBytes ?? sendDefaults.maxBodyBytes,
    maxDecodedBytes: options.maxDecodedBytes ?? sendDefaults.maxDecodedBytes,
    bisect: options.bisect ?? true,
    maxBisectRequests: options.maxBisectRequests ?? sendDefaults.maxBisectRequests,
    retryDeadlineMs: options.retryDeadlineMs ?? sendDefaults.retryDeadlineMs,
    sharedDeadline: options.sharedDeadline ?? false,
    timeoutMs: options.timeoutMs ?? sendDefaults.timeoutMs,
    now: options.now ?? Date.now,
    stats: options.stats ?? new SendStats(),
    warnings: options.warnings ?? new Warnings(() => {}),
  };
}
