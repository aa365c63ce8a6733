/**
 * The statistics of sending, with the names of Prometheus's own sender.
 *
 * @see https://github.com/prometheus/prometheus/blob/main/storage/remote/queue_manager.go
 * @module
 */
import { type EncodedRequest, isAnswer, type Send } from "./request_result.ts";

/** The statistics at one time. Totals never fall. */
export interface SendStatsSnapshot {
  /** Samples sent, including those sent again. */
  readonly samplesTotal: number;
  /** Samples that were sent but not delivered: refused for good, or given up. */
  readonly samplesFailedTotal: number;
  /** Samples sent again, in the same request or in another one. */
  readonly samplesRetriedTotal: number;
  /**
   * Samples that will not be sent, by reason: `queue_full`, `closed`, `too_large`, `not_encodable`, `sink_failed`, `quarantined`
   * (their series was refused before).
   */
  readonly samplesDroppedTotal: Readonly<Record<string, number>>;
  /** Samples in the queue, including those that are being sent. */
  readonly samplesPending: number;
  /** Compressed bytes sent, including retries. */
  readonly bytesTotal: number;
  /** The number of requests sent, including retries. */
  readonly requestsTotal: number;
  /** How long each request took. */
  readonly requestDuration: {
    /** Upper bounds of the buckets in seconds, rising. The last bucket has no bound. */
    readonly bounds: readonly number[];
    /** The number of durations in each bucket, not cumulative. There is one more count than there are bounds. */
    readonly counts: readonly number[];
    /** The sum of all durations, in seconds. */
    readonly sum: number;
    /** The number of requests, which is the sum of all buckets. */
    readonly count: number;
  };
  /** The time of the newest delivered sample, in milliseconds since the Unix epoch; undefined if there is none. */
  readonly highestSentTimestampMs: number | undefined;
}

/** A classic histogram of durations. */
export type DurationHistogram = SendStatsSnapshot["requestDuration"];

/** As in Prometheus's sent_batch_duration_seconds: from fast requests to timeouts. */
const bounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

/** The reasons for which samples are dropped. */
export const dropReasons = [
  "queue_full",
  "closed",
  "too_large",
  "not_encodable",
  "sink_failed",
  "quarantined",
] as const;

/** Why a sample was dropped. */
export type DropReason = typeof dropReasons[number];

type Totals = { -readonly [Name in keyof SendStatsSnapshot]: SendStatsSnapshot[Name] };

/** Counts what one sender did. `snapshot` returns the counts. */
export class SendStats {
  readonly #dropped: Record<string, number> = {};
  readonly #durations = { bounds, counts: Array<number>(bounds.length + 1).fill(0), sum: 0, count: 0 };
  readonly #totals: Totals = {
    samplesTotal: 0,
    samplesFailedTotal: 0,
    samplesRetriedTotal: 0,
    samplesDroppedTotal: this.#dropped,
    samplesPending: 0,
    bytesTotal: 0,
    requestsTotal: 0,
    requestDuration: this.#durations,
    highestSentTimestampMs: undefined,
  };

  /** How long requests take until they are answered, smoothed, in milliseconds; undefined if none was answered. */
  answerMs: number | undefined;

  /**
   * When the first of the attempts began that failed in a way that may pass (no answer, a 5xx or a 429) and that no other answer
   * followed, on the clock of deadlines; undefined if there is none.
   */
  failingSinceMs: number | undefined;

  /** How many samples wait before the queue in memory. */
  spooled = 0;

  /** Counts one attempt to send a request. */
  requested({ samples, body, attempt, resent }: EncodedRequest, ms: number): void {
    const totals = this.#totals;
    const durations = this.#durations;
    totals.requestsTotal = ++durations.count;
    totals.samplesTotal += samples;
    if (resent || attempt > 0) totals.samplesRetriedTotal += samples;
    totals.bytesTotal += body.length;
    const seconds = ms / 1000;
    const bucket = bounds.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? bounds.length : bucket;
    durations.counts[index] = (durations.counts[index] ?? 0) + 1;
    durations.sum += seconds;
  }

  /** Counts samples that were refused for good, or given up. */
  failed(samples: number): void {
    this.#totals.samplesFailedTotal += samples;
  }

  /** Counts samples that will not be sent. */
  dropped(reason: DropReason, samples: number): void {
    if (samples > 0) this.#dropped[reason] = (this.#dropped[reason] ?? 0) + samples;
  }

  /** Takes note of the time of a delivered sample. */
  delivered(timeMs: number): void {
    const totals = this.#totals;
    if (!(timeMs <= (totals.highestSentTimestampMs ?? -Infinity))) totals.highestSentTimestampMs = timeMs;
  }

  /** Sets how many samples are in the queue. */
  pending(samples: number): void {
    this.#totals.samplesPending = samples;
  }

  /** Returns the statistics as they are now. */
  snapshot(): SendStatsSnapshot {
    const { counts } = this.#durations;
    return {
      ...this.#totals,
      samplesPending: this.#totals.samplesPending + this.spooled,
      samplesDroppedTotal: { ...this.#dropped },
      requestDuration: { ...this.#durations, counts: [...counts] },
    };
  }
}

/** Returns a `send` that counts each attempt. */
export function withStats(
  send: Send,
  { stats, monotonicNow }: { readonly stats: SendStats; readonly monotonicNow: () => number },
): Send {
  return async (request, signal) => {
    const start = monotonicNow();
    const result = await send(request, signal);
    const ms = monotonicNow() - start;
    if (result.attempts > 0) stats.requested(request, ms);
    if (result.kind === "failed") stats.failingSinceMs ??= start;
    if (isAnswer(result)) {
      stats.failingSinceMs = undefined;
      stats.answerMs = stats.answerMs === undefined ? ms : stats.answerMs + (ms - stats.answerMs) / 4;
    }
    return result;
  };
}
