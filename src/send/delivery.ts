/**
 * Brings the samples of a batch to the receiver: in requests that it takes, in a version that it knows, without those that
 * it refuses.
 *
 * What a refusal means, after https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#response:
 * - Written headers in a 400 account for every sample: what is written is stored, the others are refused, nothing is sent again.
 * - Without them nothing is stored, as Prometheus rolls a request of version 1.0 back whole: it is bisected, so that only the
 *   bad samples are lost.
 * - After an attempt whose outcome is unknown, the refusal may come from samples that were stored by it. The request is bisected
 *   all the same: a receiver that has a sample refuses it again, or takes the same value for the same time without harm, and one
 *   that does not have it gets it. What is refused then counts as unknown, not as lost. (Deno's fetch sends a request again by
 *   itself where a connection breaks that was used before, and does not tell: what is refused then counts as rejected.)
 *
 * @module
 */
import type { BatchSlice } from "../protocol/batch.ts";
import type { EncodedSlice } from "./codec.ts";
import { sendDefaults } from "./defaults.ts";
import { completeDeliveryOptions, type DeliveryOptions } from "./delivery_options.ts";
import { Outage } from "./outage.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import {
  type Aborted,
  type DeferredRequest,
  describe,
  type Failed,
  isAnswer,
  type Rejected,
  type RequestResult,
  type Written,
  type WrittenCounts,
} from "./request_result.ts";
import { DeliveryJob, type RequestRange } from "./delivery_job.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import { reasonOf } from "../model/errors.ts";

/** A request that was made of a piece. */
interface SentRange extends EncodedSlice {
  readonly parcel: DeliveryJob;
  readonly piece: RequestRange;
  readonly samples: number;
  readonly version: ProtocolVersion;
}

/** Delivers to one endpoint, and remembers what it learns of it. */
export class Delivery {
  readonly #options: Required<DeliveryOptions>;
  /** How long it has been failing. */
  readonly outage: Outage;
  #version: ProtocolVersion;
  /** An answer showed that the receiver knows 2.0. */
  #confirmed = false;
  /** Halved when the receiver finds a body too large. */
  #bodyLimit = Infinity;
  /** Halved with each bisection, until one rescues something. */
  #bisectLimit: number;

  constructor(options: DeliveryOptions) {
    this.#options = completeDeliveryOptions(options);
    this.outage = new Outage(this.#options);
    this.#version = options.protocol === "1.0" ? "1.0" : "2.0";
    this.#bisectLimit = this.#options.maxBisectRequests;
  }

  /** The version that the next request is sent in. */
  get version(): ProtocolVersion {
    return this.#version;
  }

  /** Counts what is left of a parcel as failed. @param reason by default that of the last failure */
  giveUp(parcel: DeliveryJob, reason: string = this.outage.reason): void {
    const { abandoned, failed } = parcel.abandon("failed", reason);
    this.#options.stats.failed(abandoned + failed);
  }

  /** Sends all samples, one request after the other, until each is delivered or given up or the signal fires. */
  async deliver(slice: BatchSlice, signal: AbortSignal): Promise<DeliveryReport> {
    const parcel = new DeliveryJob(slice);
    await this.advance(parcel, signal);
    const reason = signal.aborted ? "the delivery was broken off" : "the requests are used up";
    const { abandoned, failed } = parcel.abandon("deferred", reason);
    this.#options.stats.dropped("closed", abandoned);
    this.#options.stats.failed(failed);
    return parcel.takeReport();
  }

  /** Sends what is left of a parcel; something may be left again if the signal fires or the requests are used up. */
  async advance(parcel: DeliveryJob, signal: AbortSignal): Promise<void> {
    const { send, retryDeadlineMs, maxSamplesPerSend } = this.#options;
    for (let piece = parcel.next; piece !== undefined && !signal.aborted; piece = parcel.next) {
      const samples = piece.to - piece.from;
      if (samples > maxSamplesPerSend) {
        parcel.cut(piece.from + maxSamplesPerSend);
        continue;
      }
      const version = this.#version;
      const encoded = this.#encode(parcel, piece, version);
      if (encoded === undefined) continue;
      const { attempts: attempt, resent } = piece;
      const { body } = encoded;
      const startMs = parcel.startMs ??= this.outage.startMs;
      const retryUntilMs = startMs + retryDeadlineMs;
      // A 500 that lasts may mean that the receiver does not take it in this form.
      const maxServerErrors = this.#mayBisect(piece) || this.#mayFallBack() ? sendDefaults.maxServerErrors : undefined;
      const request = { version, body, samples, attempt, resent, maxServerErrors, retryUntilMs };
      const outcome = await send(request, signal);
      parcel.countRequest({ attempts: outcome.attempts, bodyBytes: body.length });
      this.outage.note(outcome, startMs);
      // A batch that goes forward slowly has the whole time again for what is left of it.
      if (isAnswer(outcome)) parcel.startMs = undefined;
      this.#judge(outcome, { parcel, piece, samples, version, ...encoded });
      if (outcome.kind === "deferred") return;
      if (this.outage.isLong) this.giveUp(parcel);
    }
  }

  /** The request; none if the piece was cut or counted instead. */
  #encode(parcel: DeliveryJob, piece: RequestRange, version: ProtocolVersion): EncodedSlice | undefined {
    const { codecs, maxBodyBytes, maxDecodedBytes, stats, warnings } = this.#options;
    const { from, to } = piece;
    let encoded: EncodedSlice | undefined;
    let problem: string;
    try {
      encoded = codecs[version].encode({ batch: parcel.batch, from, to });
      const { body, decodedBytes } = encoded;
      if (body.length <= maxBodyBytes && decodedBytes <= maxDecodedBytes) {
        // What was learned of the receiver's limit is a guess from above: a single sample is tried all the same.
        if (body.length <= this.#bodyLimit || to - from === 1) return encoded;
      }
      problem = `it takes ${body.length} bytes (${decodedBytes} before compression), more than is allowed`;
    } catch (error) {
      problem = `it cannot be encoded: ${reasonOf(error)}`;
    }
    if (to - from > 1) {
      parcel.cut(middle(piece));
      return undefined;
    }
    const name = parcel.batch.series[from]?.name ?? "";
    const reason = `A sample of "${name}" is left out: ${problem}.`;
    parcel.settle([["rejected", 1, reason]]);
    stats.dropped(encoded === undefined ? "not_encodable" : "too_large", 1);
    warnings.once(reason);
    return undefined;
  }

  #judge(outcome: RequestResult, sent: SentRange): void {
    switch (outcome.kind) {
      case "written":
        return this.#judgeWritten(outcome, sent);
      case "rejected":
        return this.#judgeRejected(outcome, sent);
      case "failed":
        return this.#judgeFailed(outcome, sent);
      default:
        return this.#judgeUnfinished(outcome, sent);
    }
  }

  #judgeWritten({ status, written, unknownBefore }: Written, sent: SentRange): void {
    const { version, samples, parcel, piece } = sent;
    if (version === "1.0") return this.#settle(sent, { stored: samples });
    if (written !== undefined) {
      this.#checkExemplars(sent, written);
      const reason = `the receiver says that it stored less than it was sent (status ${status})`;
      return this.#settle(sent, { stored: this.#stored(written), reason, unknown: piece.unknown || unknownBefore });
    }
    const reason = `it answers ${status} without the headers that say what it stored`;
    if (this.#fallBack(reason)) return parcel.again({ unknown: piece.unknown || unknownBefore, resent: true });
    this.#settle(sent, { stored: 0, reason: `the receiver does not seem to know remote write 2.0: ${reason}` });
  }

  #judgeRejected(outcome: Rejected, sent: SentRange): void {
    const { status, written } = outcome;
    const { version, parcel, piece, samples, body } = sent;
    const unknown = piece.unknown || outcome.unknownBefore;
    // What a receiver says to content that it does not like.
    const content = status === 400 || status === 422;
    if (version === "2.0" && (status === 415 || (content && written === undefined && !this.#confirmed))) {
      if (this.#fallBack(describe(outcome))) return parcel.again({ unknown, resent: true, attempts: 0 });
    }
    if (status === 413 && body.length > sendDefaults.minBodyBytes) {
      // A little over the half, as the halves of a piece are seldom equal.
      this.#bodyLimit = Math.min(this.#bodyLimit, Math.max(sendDefaults.minBodyBytes, body.length * 0.6));
      if (samples > 1) return parcel.cut(middle(piece), { unknown, resent: true });
    }
    const accounted = version === "2.0" && written !== undefined;
    if (content && !accounted && this.#bisect(sent, unknown)) return;
    this.#settle(sent, { stored: accounted ? this.#stored(written) : 0, reason: describe(outcome), unknown });
  }

  #judgeFailed(outcome: Failed, sent: SentRange): void {
    const { parcel, samples } = sent;
    if (outcome.status === 500) {
      // Some receivers answer so to what they cannot decode.
      if (sent.version === "2.0" && !this.#confirmed && this.#fallBack(describe(outcome))) {
        return parcel.again({ unknown: true, resent: true, attempts: 0 });
      }
      // Retries of a 500 are bounded because one bad sample may be behind it.
      if (this.#bisect(sent, true)) return;
    }
    const { stats, warnings } = this.#options;
    const reason = describe(outcome);
    parcel.settle([["failed", samples, reason]]);
    stats.failed(samples);
    warnings.once(`Samples given up after ${outcome.attempts} attempts: ${samples} (${reason}).`);
  }

  #judgeUnfinished(outcome: Aborted | DeferredRequest, { parcel, piece, samples }: SentRange): void {
    const unknown = piece.unknown || outcome.unknownBefore;
    if (outcome.kind === "deferred") {
      const attempts = piece.attempts + outcome.attempts;
      parcel.again({ unknown, attempts, resent: piece.resent || attempts > 0 });
    } else if (unknown || outcome.unknown) {
      parcel.settle([["failed", samples, "given up while an answer was awaited"]]);
      this.#options.stats.failed(samples);
    }
    // Otherwise it stays what it is: deferred.
  }

  /** An answer accounts for a piece: so many are stored, the rest is refused. */
  #settle(
    { parcel, piece, samples }: SentRange,
    result: { readonly stored: number; readonly reason?: string; readonly unknown?: boolean },
  ): void {
    const { reason = "", unknown = piece.unknown } = result;
    const { stats, warnings } = this.#options;
    const stored = Math.min(samples, result.stored);
    const refused = samples - stored;
    parcel.settle([["delivered", stored], [unknown ? "unknown" : "rejected", refused, reason]]);
    if (stored > 0) {
      if (piece.bisection !== undefined) this.#bisectLimit = this.#options.maxBisectRequests;
      for (let index = piece.from; index < piece.to; index++) stats.delivered(parcel.batch.times[index] ?? 0);
    }
    if (refused === 0) return;
    stats.failed(refused);
    const what = unknown ? "refused on a retry, perhaps stored before" : "refused";
    warnings.once(`Samples ${what}: ${refused} (${reason}). Further ones of this kind are only counted.`);
  }

  /** Exemplars are no samples: what becomes of them is only said. */
  #checkExemplars({ parcel: { batch }, piece: { from, to } }: SentRange, written: WrittenCounts): void {
    let sent = 0;
    for (let index = from; index < to && batch.exemplars.size > 0; index++) {
      sent += batch.exemplars.get(index)?.length ?? 0;
    }
    if (written.exemplars >= sent) return;
    this.#options.warnings.once(`The receiver stored ${written.exemplars} of ${sent} exemplars.`);
  }

  /** What a 2.0 receiver says of what it stored. */
  #stored({ samples, histograms }: WrittenCounts): number {
    this.#confirmed = true;
    return samples + histograms;
  }

  /** Whether a piece would be cut in halves if it were refused. */
  #mayBisect({ from, to, bisection }: RequestRange): boolean {
    return this.#options.bisect && to - from > 1 && (bisection?.requestsLeft ?? this.#bisectLimit) >= 2;
  }

  /** Goes on with the halves of a refused piece. False if it is not to be cut. */
  #bisect({ parcel, piece }: SentRange, unknown: boolean): boolean {
    if (!this.#mayBisect(piece)) return false;
    let { bisection } = piece;
    if (bisection === undefined) {
      bisection = { requestsLeft: this.#bisectLimit };
      const least = Math.min(sendDefaults.minBisectRequests, this.#options.maxBisectRequests);
      this.#bisectLimit = Math.max(least, this.#bisectLimit >> 1);
    }
    bisection.requestsLeft -= 2;
    parcel.cut(middle(piece), { unknown, resent: true, bisection });
    return true;
  }

  /** Whether it is still open which version the receiver knows. */
  #mayFallBack(): boolean {
    return this.#options.protocol === "auto" && this.#version === "2.0" && !this.#confirmed;
  }

  /** From 2.0 to 1.0. False if that is not wanted. */
  #fallBack(reason: string): boolean {
    if (this.#options.protocol !== "auto") return false;
    // Requests of several shards may learn it at the same time.
    if (this.#version === "2.0") {
      this.#options.warnings.once(`The receiver does not take remote write 2.0 (${reason}); it gets 1.0 from now on.`);
    }
    this.#version = "1.0";
    return true;
  }
}

function middle({ from, to }: RequestRange): number {
  return from + ((to - from) >> 1);
}
