/**
 * Delivers the samples of a batch: in requests that the receiver accepts, in a version that it knows, without the samples that it
 * refuses.
 *
 * What an answer means, after https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#response and what receivers do:
 * - A refusal by the endpoint (401, 404, a redirect, a page, ...) ends the delivery, or makes the queue pause. Nothing is lost by it.
 * - A 4xx whose Written headers count fewer samples than were sent accounts for every sample: what was written is stored, the rest
 *   is rejected, and nothing is sent again.
 * - Any other refusal of samples says nothing about what is stored: Prometheus rolls a 1.0 request back, Mimir stores the good part
 *   and counts what it received. The request is cut in halves until the bad series stand alone. A good sample that is sent again
 *   harms neither, but Mimir refuses it if it has a newer one of the series: see bisect.ts. Series that were refused alone go into
 *   quarantine.
 * - After an attempt with an unknown outcome, the receiver may refuse samples that this attempt stored. The request is cut in
 *   halves nevertheless. Samples that are refused then count as unknown, not as lost. (If a connection breaks that was used
 *   before, Deno's fetch sends the request again and does not tell. Samples that are refused then count as rejected.)
 * - A 500 that lasts may be Prometheus refusing one bad histogram, or all of them: floats and histograms are sent separately first.
 *   If the endpoint answers 500 to everything, it is down. A job that is kept is then postponed behind other samples: they show
 *   whether the endpoint is up.
 *
 * @module
 */
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { BatchSlice } from "../protocol/batch.ts";
import type { EncodedSeries } from "../protocol/encoded_series.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import { BadSeriesSearch, type BisectOptions, middleOf, type Search } from "./bisect.ts";
import type { EncodedSlice } from "./codec.ts";
import type { DeliveryJob, RequestRange } from "./delivery_job.ts";
import { hasBothKinds, histogramsOf, splitKinds } from "./kinds.ts";
import type { Outage } from "./outage.ts";
import { RequestEncoder, type RequestEncoderOptions } from "./request_encoder.ts";
import type { Quarantine } from "./quarantine.ts";
import { giveUpMessage, warnOfRefusal } from "./refusal_message.ts";
import {
  describe,
  type Failed,
  isAnswer,
  isRefusalByEndpoint,
  type Rejected,
  type RequestResult,
  type Send,
  type Written,
  type WrittenCounts,
} from "./request_result.ts";
import { VersionChoice } from "./version_choice.ts";

/** The endpoint, the limits and the deadlines of a delivery. */
export interface DeliveryOptions extends BisectOptions, RequestEncoderOptions {
  /** Sends a request with its retries. No retry begins later than `retryDeadlineMs` after the first request or the last answer. */
  readonly send: Send;
  /** `auto` begins with 2.0, and falls back to 1.0 for good if the receiver does not show that it knows 2.0. */
  readonly protocol: ProtocolVersion | "auto";
  /** How many samples a request may contain. */
  readonly maxSamplesPerSend: number;
  /** How long a batch is tried, in milliseconds. */
  readonly retryDeadlineMs: number;
  /** Lets the batches of a queue share what is known about the endpoint's failures. Without it, a refusal by the endpoint is final. */
  readonly outage?: Outage | undefined;
  /** The clock of deadlines, in milliseconds. */
  readonly monotonicNow: () => number;
}

/** About ten seconds. A 500 that lasts longer may be Prometheus refusing one bad histogram and with it the whole request. */
const maxServerErrors = 10;

/** Some tens of milliseconds, for a request with floats and native histograms. To send them separately does no harm. */
const maxMixedServerErrors = 3;

/** About a second, for a search that did not yet find samples that the endpoint accepts. Nothing is lost by it. */
const maxSearchServerErrors = 7;

/** A minute or two, for a request that is not cut any further: its samples are lost when it is given up. */
const maxLastServerErrors = 40;

/** How the statistics name the outcomes of samples that are not sent. */
const dropReasonOf = { failed: undefined, deferred: "closed", dropped: "queue_full" } as const;

/** What the caller knows about the batch that it delivers. */
export interface DeliveryContext {
  /** The series that the receiver refused before. @default none, for a single batch */
  readonly quarantine?: Quarantine | undefined;
  /**
   * Lets other samples be sent before the next range, while the endpoint seems to be down. A job with this function keeps what cannot
   * be delivered before the deadline. @default none: what cannot be delivered has failed
   */
  readonly setAside?: ((attempts: number) => void) | undefined;
  /** Called after a refusal. Reports whether too much waits, or too little time is left, to search for bad series. @default never */
  isPressed?(): boolean;
  /** Reports whether no later batch has newer samples, so that refused series are tried a last time. @default never */
  isLast?(): boolean;
}

/** A request for a range of a job. */
interface SentRange extends EncodedSlice {
  readonly job: DeliveryJob;
  readonly range: RequestRange;
  readonly samples: number;
  readonly version: ProtocolVersion;
  readonly context: DeliveryContext;
  /** Whether the range is cut if it is refused. */
  readonly canCut: boolean;
  /** When it was sent, on the clock of deadlines. */
  readonly sentMs: number;
}

/** Delivers to one endpoint, and remembers what it learns about it. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #search: BadSeriesSearch;
  readonly #version: VersionChoice;
  readonly #encoder: RequestEncoder;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#search = new BadSeriesSearch(options);
    this.#encoder = new RequestEncoder(options);
    this.#version = new VersionChoice(options.protocol, options.warnings);
  }

  /** The version of the next request. */
  get version(): ProtocolVersion {
    return this.#version.version;
  }

  /** Ends a job. Samples that may have been stored have failed; the others get this outcome. Returns the number of the others. */
  abandon(job: DeliveryJob, outcome: keyof typeof dropReasonOf, reason: string): number {
    const { abandoned, failed } = job.abandon(outcome, reason);
    const dropReason = dropReasonOf[outcome];
    if (dropReason !== undefined) this.#options.stats.dropped(dropReason, abandoned);
    this.#options.stats.failed(dropReason === undefined ? abandoned + failed : failed);
    return abandoned;
  }

  /** Sends all samples, one request after the other, until each is delivered or given up, or the signal fires. */
  async deliver(job: DeliveryJob, signal: AbortSignal, context?: DeliveryContext): Promise<DeliveryReport> {
    await this.advance(job, signal, context);
    this.abandon(job, "deferred", signal.aborted ? "the delivery was aborted" : "no requests were left");
    return job.takeReport();
  }

  /**
   * Sends what is left of a job. Something remains if the signal fires, if no requests are left in this flush, if the endpoint
   * refuses all requests, or if the job is kept or postponed.
   */
  async advance(job: DeliveryJob, signal: AbortSignal, context: DeliveryContext = {}): Promise<void> {
    const { send, retryDeadlineMs, maxSamplesPerSend, outage, monotonicNow } = this.#options;
    if (!job.isOpen) sortOut(job, context.quarantine);
    job.isPostponed = false;
    for (let range = job.next; range !== undefined && !signal.aborted; range = this.#after(range, job)) {
      const samples = range.to - range.from;
      if (range.quarantine === "held") {
        // A caller may close the queue together with the last flush.
        await undefined;
        if (job.next === range) this.#tryAgain(job, range, context);
        continue;
      }
      if (samples > maxSamplesPerSend) {
        job.cut(range.from + maxSamplesPerSend);
        continue;
      }
      const { version } = this;
      const encoded = this.#encoder.encode(job, range, version);
      if (encoded === undefined) continue;
      const startMs = job.startMs ??= outage?.startMs ?? monotonicNow();
      const sentMs = monotonicNow();
      const isPressed = range.search !== undefined && context.isPressed?.() === true;
      const canCut = range.quarantine !== "probe" && this.#search.canCut(range) && !isPressed;
      const result = await send({
        version,
        body: encoded.body,
        samples,
        attempt: range.attempts,
        resent: range.resent,
        maxServerErrors: this.#maxServerErrors(range, canCut, context.setAside !== undefined && this.#mayBeDown(job)),
        retryUntilMs: startMs + retryDeadlineMs,
      }, signal);
      job.report.countRequest(result.attempts, encoded.body.length);
      outage?.note(result, startMs);
      // Another call has taken the job over.
      if (job.next !== range) return;
      const isServerError = result.kind === "failed" && result.status === 500;
      // The time of an outage is no part of a search.
      if (range.search !== undefined && (isServerError || (isAnswer(result) && result.attempts === 1))) {
        range.search.spentMs += monotonicNow() - sentMs;
      }
      // A batch that makes slow progress has the whole deadline again.
      if (isAnswer(result)) {
        job.startMs = undefined;
        if (range.search === undefined) job.suspectMs = undefined;
        if (range.kinds !== undefined) range.kinds.floatsAnswered = true;
      }
      if (result.kind === "failed" && !isServerError && context.setAside !== undefined) {
        const unknown = range.unknown || result.unknownBefore || result.unknown;
        job.startMs = undefined;
        return job.again({ unknown, resent: true, attempts: range.attempts + result.attempts });
      }
      this.#judge(result, { job, range, samples, version, context, canCut, sentMs, ...encoded });
      if (result.kind === "deferred" || outage?.isRefused === true || job.isPostponed) return;
      if (outage?.isLong === true && context.setAside === undefined) this.abandon(job, "failed", outage.reason);
    }
  }

  /** Returns the range to send after this one, which may have ended its search. */
  #after({ search }: RequestRange, job: DeliveryJob): RequestRange | undefined {
    if (search !== undefined && job.next?.search !== search) this.#endSearch(job, search);
    return job.next;
  }

  /** Reports whether the endpoint has answered nothing since it began to answer 500 to this job. */
  #mayBeDown({ suspectMs = Infinity }: DeliveryJob): boolean {
    return !((this.#options.outage?.answeredMs ?? Infinity) > suspectMs);
  }

  /** Sends some of the refused series again, after the good ones. */
  #tryAgain(job: DeliveryJob, { batch }: RequestRange, { quarantine, isLast }: DeliveryContext): void {
    const { maxSamplesPerSend: maxProbe, stats } = this.#options;
    const options = { maxProbe, isWhole: batch.length === job.batch.length, isLast: isLast?.() === true };
    const sorted = quarantine?.choose(batch, options);
    if (sorted === undefined) return;
    const { probe, isSearched, refused } = sorted;
    job.replace({}, { batch: probe, to: probe.length, quarantine: isSearched ? "searched" : "probe" });
    for (const [reason, samples] of refused) {
      job.report.count("rejected", samples, `not sent, as its series was refused before: ${reason}`);
      stats.dropped("quarantined", samples);
    }
  }

  /** Returns how many times a request may be answered 500: fewer times if it can be cut, postponed or sent in 1.0. */
  #maxServerErrors(range: RequestRange, canCut: boolean, canPostpone: boolean): number {
    if (range.quarantine !== undefined) return 1;
    if (canCut && hasBothKinds(range)) return maxMixedServerErrors;
    if (canPostpone && range.search?.saved === false) return maxSearchServerErrors;
    const isFirst = canCut || canPostpone || range.kinds?.floatsAnswered === true || this.#version.isOpen;
    return isFirst || range.search?.saved === true ? maxServerErrors : maxLastServerErrors;
  }

  /** Decides from the result of a request what happened to its samples, and what to send next. */
  #judge(result: RequestResult, sent: SentRange): void {
    const { job, range } = sent;
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
        if (unknown || result.unknown) this.#giveUp(sent, "failed", "given up while the sender waited for an answer");
        return;
      case "failed":
        return this.#judgeFailed(result, sent);
    }
  }

  #judgeFailed(result: Failed, sent: SentRange): void {
    const { job, range, samples, canCut, context: { quarantine, setAside } } = sent;
    const reason = describe(result);
    if (result.status === 500) {
      job.suspectMs ??= sent.sentMs;
      const again = { unknown: true, resent: true, attempts: 0 };
      if (canCut && hasBothKinds(range)) {
        const parts = splitKinds(range).map((batch) => ({ batch, to: batch.length }));
        return job.replace({ ...again, kinds: { floatsAnswered: false }, from: 0 }, ...parts);
      }
      // Some receivers answer 500 to a version that they cannot decode, or to one bad sample.
      if (sent.version === "2.0" && this.#version.fallBack(reason)) return job.again(again);
      if (range.kinds?.floatsAnswered === true) quarantine?.addHistograms(seriesOf(range), reason);
      else if (this.#bisect(sent, true, reason)) return;
      else if (setAside && this.#mayBeDown(job) && range.quarantine === undefined && !range.search?.doubtful) {
        // If the endpoint accepts other samples, these are bad. If it does not, it is down.
        return setAside(result.attempts);
      } else if (range.quarantine === "probe") quarantine?.refused(seriesOf(range));
      else if (samples === 1 && range.search !== undefined && !job.hasNewer) quarantine?.add(seriesOf(range), reason);
    }
    this.#giveUp(sent, "failed", reason);
    this.#options.warnings.once(giveUpMessage(samples, result));
  }

  #judgeWritten({ status, written }: Written, sent: SentRange, unknown: boolean): void {
    const { version, samples, job, range } = sent;
    if (version === "1.0") return this.#settle(sent, samples, { reason: "", unknown: range.unknown });
    const isConfirmed = written !== undefined && countOf(written) > 0;
    const what = written === undefined
      ? "without the headers that report what it stored"
      : "and reports that it stored nothing";
    const reason = `it answers ${status} ${what}`;
    if (!isConfirmed && this.#version.fallBack(reason)) return job.again({ unknown, resent: true });
    if (written === undefined) {
      const unaccounted = `the receiver does not seem to know remote write 2.0: ${reason}`;
      return this.#settle(sent, 0, { reason: unaccounted, unknown: range.unknown });
    }
    if (!isConfirmed && !this.#version.isConfirmed) {
      // Some receivers count nothing although they store everything.
      this.#giveUp(sent, "unknown", reason);
      return this.#options.warnings.once(
        `It is unknown whether the receiver stores the samples: ${reason}. With protocol "auto" or "1.0", the sender can know it.`,
      );
    }
    if (isConfirmed) this.#version.confirm();
    this.#checkExemplars(sent, written);
    const less = `the receiver reports that it stored less than it was sent (status ${status})`;
    this.#settle(sent, countOf(written), { reason: less, unknown });
  }

  #judgeRejected(result: Rejected, sent: SentRange, unknown: boolean): void {
    const { status, written } = result;
    const { version, job, range, samples, context: { quarantine }, body: { length } } = sent;
    const reason = describe(result);
    const isByEndpoint = isRefusalByEndpoint(result);
    // Counts that equal what was sent are those of a receiver that counts before it validates: they account for nothing.
    const accounted = version === "2.0" && !isByEndpoint && written !== undefined && countOf(written) < samples;
    const isRefusalOf2 = status === 415 || ((status === 400 || status === 422) && written === undefined);
    if (version === "2.0" && isRefusalOf2 && this.#version.fallBack(reason)) {
      return job.again({ unknown, resent: true, attempts: 0 });
    }
    if (isByEndpoint) return this.#judgeEndpoint(result, sent, unknown);
    if (version === "2.0" && written !== undefined) this.#version.confirm();
    if (accounted && status !== 413) return this.#settle(sent, countOf(written), { reason, unknown });
    if (status === 413 && samples > 1 && this.#encoder.refused(length)) {
      return job.cut(middleOf(range), { unknown, resent: true });
    }
    // A request that is too large (413) was cut above, and a 429 does not depend on the samples.
    const isAboutSamples = status !== 413 && status !== 429 && this.#options.bisect;
    if (isAboutSamples && this.#bisect(sent, unknown, reason)) return;
    if (isAboutSamples && !unknown && range.search !== undefined && job.hasNewer) {
      range.search.doubt(range, reason);
      return job.settle();
    }
    const isProbe = range.quarantine === "probe";
    if (isAboutSamples && samples === 1 && !unknown && !isProbe) quarantine?.add(seriesOf(range), reason);
    const isAlone = isProbe ? range.batch.keyAt(range.from) === range.batch.keyAt(range.to - 1) : samples === 1;
    const together = isAlone || !isAboutSamples ? "" : "refused together with others, and not tried alone: ";
    this.#settle(sent, 0, { reason: together + reason, unknown, cause: reason });
  }

  /** Handles a refusal of all requests: the queue tries again later, and a delivery without a queue ends. */
  #judgeEndpoint(result: Rejected, { job, range, samples, sentMs }: SentRange, unknown: boolean): void {
    const { outage, warnings } = this.#options;
    job.again({ unknown, resent: true, attempts: range.attempts + 1 });
    if (outage !== undefined) return outage.refuse(result, sentMs);
    const reason = describe(result);
    warnOfRefusal(warnings, { ...range, refused: samples, reason, unknown });
    job.unread = this.abandon(job, "failed", reason);
  }

  /** Counts the samples of a request that got no final answer, or one that does not say whether they are stored. */
  #giveUp({ job, range, samples }: SentRange, outcome: "failed" | "unknown", reason: string): void {
    range.search?.spare(range, false);
    job.settle([outcome, samples, reason]);
    this.#options.stats.failed(samples);
  }

  /** Counts the samples of a request that was answered: this many are stored, the rest is refused. One warning names each cause. */
  #settle(
    { job, range, samples, context: { quarantine } }: SentRange,
    written: number,
    { reason, unknown, cause = reason }: {
      readonly reason: string;
      readonly unknown: boolean;
      readonly cause?: string;
    },
  ): void {
    const { stats, warnings } = this.#options;
    const stored = Math.min(samples, written);
    const refused = samples - stored;
    job.settle(["delivered", stored], [unknown ? "unknown" : "rejected", refused, reason]);
    if (refused === 0 || stored > 0 || unknown) range.search?.spare(range, refused === 0);
    if (refused > 0 && range.search !== undefined) range.search.isExplained = true;
    if (range.quarantine !== undefined) {
      if (refused > 0) quarantine?.refused(seriesOf(range));
      else quarantine?.accepted(seriesOf(range), { hasHistograms: histogramsOf(range) > 0 });
    }
    if (stored > 0) {
      if (range.search !== undefined) this.#search.saved(range.search);
      for (let index = range.from; index < range.to; index++) stats.delivered(range.batch.times[index] ?? 0);
    }
    if (refused === 0) return;
    stats.failed(refused);
    warnOfRefusal(warnings, { ...range, refused, reason: cause, unknown });
  }

  /** Warns of exemplars that were not stored. They are no samples, so no report counts them. */
  #checkExemplars({ range: { batch, from, to } }: SentRange, { exemplars }: WrittenCounts): void {
    let sent = 0;
    for (let index = from; index < to && batch.exemplars.size > 0; index++) {
      sent += batch.exemplars.get(index)?.length ?? 0;
    }
    if (exemplars < sent) this.#options.warnings.once(`The receiver stored ${exemplars} of ${sent} exemplars.`);
  }

  /** Continues with the halves of a refused range. Returns false if it must not be cut. */
  #bisect({ job, range, canCut, context }: SentRange, unknown: boolean, reason: string): boolean {
    if (!canCut || context.isPressed?.() === true) return false;
    const search = this.#search.begin(range);
    if (search.storedGoodPart && !unknown) {
      const newest = search.newestOf(range, reason);
      if (newest.length < range.to - range.from) {
        job.replace({ resent: true, attempts: 0, search, from: 0 }, { batch: newest, to: newest.length });
        return true;
      }
    }
    job.cut(middleOf(range), { unknown, resent: true, search });
    return true;
  }

  /** Counts the older samples of series that were judged by their newer ones. */
  #endSearch(job: DeliveryJob, search: Search): void {
    for (const doubt of search.end()) {
      if (doubt.refused === 0) continue;
      job.report.count(doubt.unknown ? "unknown" : "rejected", doubt.refused, doubt.reason);
      this.#options.stats.failed(doubt.refused);
      warnOfRefusal(this.#options.warnings, doubt);
    }
  }
}

/** Takes the samples of refused series out of a batch: they come after the others. */
function sortOut(job: DeliveryJob, quarantine: Quarantine | undefined): void {
  job.isOpen = true;
  const sorted = quarantine?.sort(job.batch);
  if (sorted === undefined) return;
  const { good, held } = sorted;
  job.replace({ from: 0 }, { batch: good, to: good.length }, { batch: held, to: held.length, quarantine: "held" });
}

/** Returns how many samples a 2.0 receiver counted. */
function countOf({ samples, histograms }: WrittenCounts): number {
  return samples + histograms;
}

/** Returns the series of a range. */
function seriesOf({ batch, from, to }: BatchSlice): EncodedSeries[] {
  return batch.series.slice(from, to).map((series, at) => batch.seriesAt(from + at) ?? series);
}
