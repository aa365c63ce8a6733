/**
 * The statistics of sending, in the words of Prometheus's own sender.
 *
 * @see https://github.com/prometheus/prometheus/blob/main/storage/remote/queue_manager.go
 * @module
 */
import type { Send } from "./request_result.ts";

/** A classic histogram. */
export interface DurationHistogram {
  /** Upper bounds of the buckets in seconds, rising; the last bucket has none. */
  readonly bounds: readonly number[];
  /** How many fell in each bucket, not cumulative; one more than there are bounds. */
  readonly counts: readonly number[];
  /** Of all durations, in seconds. */
  readonly sum: number;
  /** How many there were. */
  readonly count: number;
}

/** The statistics at one time; totals never fall. */
export interface SendStatsSnapshot {
  /** Samples sent, those sent again included. */
  readonly samplesTotal: number;
  /** Samples sent and not delivered: refused for good, or given up. */
  readonly samplesFailedTotal: number;
  /** Samples sent again, in the same request or in another. */
  readonly samplesRetriedTotal: number;
  /** Samples not sent (any more), by reason: `queue_full`, `closed`, `too_large`, `not_encodable`, `sink_failed`. */
  readonly samplesDroppedTotal: Readonly<Record<string, number>>;
  /** Samples in the queue, those being sent included. */
  readonly samplesPending: number;
  /** Compressed bytes sent, retries included. */
  readonly bytesTotal: number;
  /** Requests sent, retries included. */
  readonly requestsTotal: number;
  /** How long requests took, one by one. */
  readonly requestDuration: DurationHistogram;
  /** The newest sample delivered, in milliseconds since the Unix epoch; undefined if there was none yet. */
  readonly highestSentTimestampMs: number | undefined;
}

/** As Prometheus's sent_batch_duration_seconds: fast, slow, and up to the timeout. */
const durationBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

/** Why samples are dropped. */
export const dropReasons = ["queue_full", "closed", "too_large", "not_encodable", "sink_failed"] as const;

/** Why a sample was dropped. */
export type DropReason = typeof dropReasons[number];

/** Counts for one endpoint. */
export class SendStats {
  /** Samples in the queue; kept by the queue. */
  samplesPending = 0;
  #samplesTotal = 0;
  #samplesFailedTotal = 0;
  #samplesRetriedTotal = 0;
  readonly #dropped = new Map<DropReason, number>();
  #bytesTotal = 0;
  #requestsTotal = 0;
  readonly #durationCounts: number[] = new Array<number>(durationBounds.length + 1).fill(0);
  #durationSum = 0;
  #highestSentTimestampMs: number | undefined;

  /** A request ended, however it did. */
  requested(
    request: { readonly samples: number; readonly bytes: number; readonly retry: boolean; readonly ms: number },
  ): void {
    const { samples, bytes, retry, ms } = request;
    this.#requestsTotal++;
    this.#samplesTotal += samples;
    if (retry) this.#samplesRetriedTotal += samples;
    this.#bytesTotal += bytes;
    const seconds = ms / 1000;
    const bucket = durationBounds.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? durationBounds.length : bucket;
    this.#durationCounts[index] = (this.#durationCounts[index] ?? 0) + 1;
    this.#durationSum += seconds;
  }

  /** Samples were refused for good, or given up. */
  failed(samples: number): void {
    this.#samplesFailedTotal += samples;
  }

  /** Samples will not be sent. */
  dropped(reason: DropReason, samples: number): void {
    if (samples > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + samples);
  }

  /** A sample of this time was delivered. */
  delivered(timeMs: number): void {
    if (!(timeMs <= (this.#highestSentTimestampMs ?? -Infinity))) this.#highestSentTimestampMs = timeMs;
  }

  /** The statistics as they are now. */
  snapshot(): SendStatsSnapshot {
    return {
      samplesTotal: this.#samplesTotal,
      samplesFailedTotal: this.#samplesFailedTotal,
      samplesRetriedTotal: this.#samplesRetriedTotal,
      samplesDroppedTotal: Object.fromEntries(this.#dropped),
      samplesPending: this.samplesPending,
      bytesTotal: this.#bytesTotal,
      requestsTotal: this.#requestsTotal,
      requestDuration: {
        bounds: durationBounds,
        counts: [...this.#durationCounts],
        sum: this.#durationSum,
        count: this.#requestsTotal,
      },
      highestSentTimestampMs: this.#highestSentTimestampMs,
    };
  }
}

/** Counts each attempt. */
export function withStats(
  send: Send,
  { stats, now }: { readonly stats: SendStats; readonly now: () => number },
): Send {
  return async (request, signal) => {
    const start = now();
    const outcome = await send(request, signal);
    if (outcome.attempts > 0) {
      const { samples, body, attempt = 0, resent = false } = request;
      stats.requested({ samples, bytes: body.length, retry: resent || attempt > 0, ms: now() - start });
    }
    return outcome;
  };
}
