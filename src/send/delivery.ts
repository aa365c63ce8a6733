/**
 * Delivers the samples of a batch: in requests that the receiver accepts, in a version that it knows, without the samples that it
 * refuses.
 *
 * What a refusal means, after https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#response:
 * - Written headers in a 400 account for every sample. What was written is stored, the rest is rejected, and nothing is sent again.
 * - Without them, nothing is stored, because Prometheus rolls a 1.0 request back. The request is cut in halves, so that only the
 *   bad samples are lost.
 * - After an attempt with an unknown outcome, the receiver may refuse samples that this attempt stored. The request is cut in
 *   halves nevertheless: a receiver that has a sample refuses it again or takes the same value for the same time without harm, and
 *   one that does not have it gets it. Samples that are refused then count as unknown, not as lost. (If a connection breaks that
 *   was used before, Deno's fetch sends the request again and does not tell. Samples that are refused then count as rejected.)
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import { reasonOf } from "../model/errors.ts";
import type { BatchSlice } from "../protocol/batch.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import { BadSeriesSearch, type BisectOptions } from "./bisect.ts";
import type { Codecs, EncodedSlice } from "./codec.ts";
import { DeliveryJob, type RequestRange } from "./delivery_job.ts";
import type { Outage } from "./outage.ts";
import { giveUpMessage, warnOfRefusal } from "./refusal_message.ts";
import {
  describe,
  isAnswer,
  type Rejected,
  type RequestResult,
  type Send,
  type Written,
  type WrittenCounts,
} from "./request_result.ts";
import type { SendStats } from "./stats.ts";
import type { Warnings } from "./warnings.ts";

/** How to deliver. */
export interface DeliveryOptions extends BisectOptions {
  /** Sends a request with its retries. No retry begins later than `retryDeadlineMs` after the first request or the last answer. */
  readonly send: Send;
  readonly codecs: Codecs;
  /** `auto` begins with 2.0, and falls back to 1.0 for good if the receiver does not show that it knows 2.0. */
  readonly protocol: ProtocolVersion | "auto";
  /** How many samples a request may contain. */
  readonly maxSamplesPerSend: number;
  /** The compressed size of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** The size of a request before compression, in bytes. */
  readonly maxDecodedBytes: number;
  /** How long a batch is tried, in milliseconds. */
  readonly retryDeadlineMs: number;
  /** Lets the batches of a queue share what is known about the endpoint's failures. */
  readonly outage?: Outage | undefined;
  /** The clock of deadlines, in milliseconds. */
  readonly monotonicNow: () => number;
  readonly stats: SendStats;
  readonly warnings: Warnings;
}

/** If a receiver refuses even less as too large, the sender does not search for its limit any further. */
const minBodyBytes = 8 * 1024;

/** About ten seconds. A 500 that lasts longer may be Prometheus refusing one bad histogram and with it the whole request. */
const maxServerErrors = 10;

/** A minute or two, for a request that is not cut any further: its samples are lost when it is given up. */
const maxLastServerErrors = 40;

/** How the statistics name the outcomes of samples that are not sent. */
const dropReasonOf = { failed: undefined, deferred: "closed", dropped: "queue_full" } as const;

/** A request for a range of a job. */
interface SentRange extends EncodedSlice {
  readonly job: DeliveryJob;
  readonly range: RequestRange;
  readonly samples: number;
  readonly version: ProtocolVersion;
}

/** Delivers to one endpoint, and remembers what it learns about it. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #search: BadSeriesSearch;
  #version: ProtocolVersion;
  /** Whether an answer showed that the receiver knows 2.0. */
  #confirmed = false;
  /** What was learned about the receiver's limit, in bytes. */
  #bodyLimit = Infinity;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#search = new BadSeriesSearch(options);
    this.#version = options.protocol === "1.0" ? "1.0" : "2.0";
  }

  /** The version of the next request. */
  get version(): ProtocolVersion {
    return this.#version;
  }

  /** Sends nothing more of a job. What may have been stored has failed; the rest gets this outcome. Returns its number. */
  abandon(job: DeliveryJob, outcome: keyof typeof dropReasonOf, reason: string): number {
    const { abandoned, failed } = job.abandon(outcome, reason);
    const dropReason = dropReasonOf[outcome];
    if (dropReason !== undefined) this.#options.stats.dropped(dropReason, abandoned);
    this.#options.stats.failed(dropReason === undefined ? abandoned + failed : failed);
    return abandoned;
  }

  /** Sends all samples, one request after the other, until each is delivered or given up, or the signal fires. */
  async deliver(slice: BatchSlice, signal: AbortSignal): Promise<DeliveryReport> {
    const job = new DeliveryJob(slice);
    await this.advance(job, signal);
    this.abandon(job, "deferred", signal.aborted ? "the delivery was aborted" : "no requests were left");
    return job.takeReport();
  }

  /** Sends what is left of a job. Something remains if the signal fires, or if no requests are left in this flush. */
  async advance(job: DeliveryJob, signal: AbortSignal): Promise<void> {
    const { send, retryDeadlineMs, maxSamplesPerSend, outage, monotonicNow } = this.#options;
    for (let range = job.next; range !== undefined && !signal.aborted; range = job.next) {
      const samples = range.to - range.from;
      if (samples > maxSamplesPerSend) {
        job.cut(range.from + maxSamplesPerSend);
        continue;
      }
      const version = this.#version;
      const encoded = this.#encode(job, range, version);
      if (encoded === undefined) continue;
      const startMs = job.startMs ??= outage?.startMs ?? monotonicNow();
      const result = await send({
        version,
        body: encoded.body,
        samples,
        attempt: range.attempts,
        resent: range.resent,
        // A 500 that lasts may mean that the receiver does not accept the request in this form.
        maxServerErrors: this.#search.canCut(range) || this.#mayFallBack ? maxServerErrors : maxLastServerErrors,
        retryUntilMs: startMs + retryDeadlineMs,
      }, signal);
      job.report.countRequest(result.attempts, encoded.body.length);
      outage?.note(result, startMs);
      // A batch that makes slow progress has the whole deadline again.
      if (isAnswer(result)) job.startMs = undefined;
      this.#judge(result, { job, range, samples, version, ...encoded });
      if (result.kind === "deferred") return;
      if (outage?.isLong === true) this.abandon(job, "failed", outage.reason);
    }
  }

  /** Returns the body of a request; undefined if the range was cut or counted instead. */
  #encode(job: DeliveryJob, range: RequestRange, version: ProtocolVersion): EncodedSlice | undefined {
    const { codecs, maxBodyBytes, maxDecodedBytes, stats, warnings } = this.#options;
    const { from, to } = range;
    let encoded: EncodedSlice | undefined;
    let problem: string;
    try {
      encoded = codecs[version].encode({ batch: job.batch, from, to });
      const { body: { length }, decodedBytes } = encoded;
      if (length <= maxBodyBytes && decodedBytes <= maxDecodedBytes) {
        // The learned limit is an upper estimate, so a single sample is tried nevertheless.
        if (length <= this.#bodyLimit || to - from === 1) return encoded;
      }
      problem = `it takes ${length} bytes (${decodedBytes} before compression), more than the limit`;
    } catch (error) {
      problem = `it cannot be encoded: ${reasonOf(error)}`;
    }
    if (to - from > 1) {
      job.cut(middle(range));
      return undefined;
    }
    const reason = `A sample of "${job.batch.series[from]?.name ?? ""}" is not sent: ${problem}.`;
    job.settle(["rejected", 1, reason]);
    stats.dropped(encoded === undefined ? "not_encodable" : "too_large", 1);
    warnings.once(reason);
    return undefined;
  }

  /** Decides from the result of a request what happened to its samples, and what to send next. */
  #judge(result: RequestResult, sent: SentRange): void {
    const { job, range, samples } = sent;
    const unknown = range.unknown || result.unknownBefore;
    switch (result.kind) {
      case "written":
        return this.#judgeWritten(result, sent, unknown);
      case "rejected":
        return this.#judgeRejected(result, sent, unknown);
      case "deferred": {
        const attempts = range.attempts + result.attempts;
        return job.again({ unknown, attempts, resent: range.resent || attempts > 0 });
      }
      case "aborted":
        // If the receiver cannot have got the samples, they stay in the job.
        if (unknown || result.unknown) this.#fail(sent, "given up while the sender waited for an answer");
        return;
      case "failed": {
        const reason = describe(result);
        if (result.status === 500) {
          // Some receivers answer 500 to a version that they cannot decode, or to one bad sample.
          if (sent.version === "2.0" && !this.#confirmed && this.#fallBack(reason)) {
            return job.again({ unknown: true, resent: true, attempts: 0 });
          }
          if (this.#bisect(sent, true)) return;
        }
        this.#fail(sent, reason);
        this.#options.warnings.once(giveUpMessage(samples, result));
      }
    }
  }

  #judgeWritten({ status, written }: Written, sent: SentRange, unknown: boolean): void {
    const { version, samples, job, range } = sent;
    if (version === "1.0") return this.#settle(sent, samples, "", range.unknown);
    if (written !== undefined) {
      this.#checkExemplars(sent, written);
      const reason = `the receiver reports that it stored less than it was sent (status ${status})`;
      return this.#settle(sent, this.#stored(written), reason, unknown);
    }
    const reason = `it answers ${status} without the headers that report what it stored`;
    if (this.#fallBack(reason)) return job.again({ unknown, resent: true });
    this.#settle(sent, 0, `the receiver does not seem to know remote write 2.0: ${reason}`, range.unknown);
  }

  #judgeRejected(result: Rejected, sent: SentRange, unknown: boolean): void {
    const { status, written } = result;
    const { version, job, range, samples, body: { length } } = sent;
    const reason = describe(result);
    const isRefusalOfSamples = status === 400 || status === 422;
    const accounted = version === "2.0" && written !== undefined;
    const isRefusalOf2 = status === 415 || (isRefusalOfSamples && !accounted && !this.#confirmed);
    if (version === "2.0" && isRefusalOf2 && this.#fallBack(reason)) {
      return job.again({ unknown, resent: true, attempts: 0 });
    }
    if (status === 413 && length > minBodyBytes) {
      // A little more than half, because the halves of a range are seldom equal.
      this.#bodyLimit = Math.min(this.#bodyLimit, Math.max(minBodyBytes, length * 0.6));
      if (samples > 1) return job.cut(middle(range), { unknown, resent: true });
    }
    if (isRefusalOfSamples && !accounted && this.#bisect(sent, unknown)) return;
    this.#settle(sent, accounted ? this.#stored(written) : 0, reason, unknown);
  }

  /** Counts the samples of a request that got no final answer. */
  #fail({ job, samples }: SentRange, reason: string): void {
    job.settle(["failed", samples, reason]);
    this.#options.stats.failed(samples);
  }

  /** Counts the samples of a request that was answered: this many are stored, the rest is refused. */
  #settle({ job, range, samples }: SentRange, written: number, reason: string, unknown: boolean): void {
    const { stats, warnings } = this.#options;
    const stored = Math.min(samples, written);
    const refused = samples - stored;
    job.settle(["delivered", stored], [unknown ? "unknown" : "rejected", refused, reason]);
    if (stored > 0) {
      if (range.search !== undefined) this.#search.saved();
      for (let index = range.from; index < range.to; index++) stats.delivered(job.batch.times[index] ?? 0);
    }
    if (refused === 0) return;
    stats.failed(refused);
    warnOfRefusal(warnings, { ...range, batch: job.batch, refused, reason, unknown });
  }

  /** Warns of exemplars that were not stored. They are no samples, so no report counts them. */
  #checkExemplars({ job: { batch }, range: { from, to } }: SentRange, { exemplars }: WrittenCounts): void {
    let sent = 0;
    for (let index = from; index < to && batch.exemplars.size > 0; index++) {
      sent += batch.exemplars.get(index)?.length ?? 0;
    }
    if (exemplars < sent) this.#options.warnings.once(`The receiver stored ${exemplars} of ${sent} exemplars.`);
  }

  /** Returns how many samples a 2.0 receiver stored. */
  #stored({ samples, histograms }: WrittenCounts): number {
    this.#confirmed = true;
    return samples + histograms;
  }

  /** Continues with the halves of a refused range. Returns false if it must not be cut. */
  #bisect({ job, range }: SentRange, unknown: boolean): boolean {
    if (!this.#search.canCut(range)) return false;
    job.cut(middle(range), { unknown, resent: true, search: this.#search.begin(range) });
    return true;
  }

  /** Whether it is still open which version the receiver knows. */
  get #mayFallBack(): boolean {
    return this.#options.protocol === "auto" && this.#version === "2.0" && !this.#confirmed;
  }

  /** Falls back from 2.0 to 1.0. Returns false if a fixed version is configured. */
  #fallBack(reason: string): boolean {
    if (this.#options.protocol !== "auto") return false;
    // Requests of several shards may learn it at the same time.
    if (this.#version === "2.0") {
      this.#options.warnings.once(
        `The receiver does not accept remote write 2.0 (${reason}); the sender uses 1.0 from now on.`,
      );
    }
    this.#version = "1.0";
    return true;
  }
}

function middle({ from, to }: RequestRange): number {
  return from + ((to - from) >> 1);
}
