/**
 * Encodes ranges as requests that are not too large, for the limits of the sender and those that the receiver showed.
 *
 * @module
 */
import { reasonOf } from "../model/errors.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import { middleOf } from "./bisect.ts";
import type { Codecs, EncodedSlice } from "./codec.ts";
import type { DeliveryJob, RequestRange } from "./delivery_job.ts";
import type { SendStats } from "./stats.ts";
import type { Warnings } from "./warnings.ts";

/** The limits of a request. */
export interface RequestEncoderOptions {
  readonly codecs: Codecs;
  /** The compressed size of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** The size of a request before compression, in bytes. */
  readonly maxDecodedBytes: number;
  readonly stats: SendStats;
  readonly warnings: Warnings;
}

/** If a receiver refuses even less as too large, the sender does not search for its limit any further. */
const minBodyBytes = 8 * 1024;

/** Encodes for one endpoint, and remembers its limit. */
export class RequestEncoder {
  readonly #options: RequestEncoderOptions;
  /** What was learned about the receiver's limit, in bytes. */
  #bodyLimit = Infinity;

  constructor(options: RequestEncoderOptions) {
    this.#options = options;
  }

  /** Returns the body of a request for the next range of a job; undefined if the range was cut or counted instead. */
  encode(job: DeliveryJob, range: RequestRange, version: ProtocolVersion): EncodedSlice | undefined {
    const { codecs, maxBodyBytes, maxDecodedBytes, stats, warnings } = this.#options;
    const { from, to } = range;
    let encoded: EncodedSlice | undefined;
    let problem: string;
    try {
      encoded = codecs[version].encode(range);
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
      job.cut(middleOf(range));
      return undefined;
    }
    const reason = `A sample of "${range.batch.seriesAt(from)?.name ?? ""}" is not sent: ${problem}.`;
    job.settle(["rejected", 1, reason]);
    stats.dropped(encoded === undefined ? "not_encodable" : "too_large", 1);
    warnings.once(reason);
    return undefined;
  }

  /** Takes note that a body of this length was refused as too large. Returns false if smaller ones need not be tried. */
  refused(length: number): boolean {
    if (length <= minBodyBytes) return false;
    // A little more than half, because the halves of a range are seldom equal.
    this.#bodyLimit = Math.min(this.#bodyLimit, Math.max(minBodyBytes, length * 0.6));
    return true;
  }
}
