/**
 * What became of samples, in numbers.
 *
 * @module
 */

/** What can become of a sample; each ends as exactly one of these. */
export type Outcome = "delivered" | "rejected" | "failed" | "unknown" | "dropped" | "deferred";

/** Why samples were not delivered. */
export interface ReasonCount {
  /** What became of them. */
  readonly outcome: Outcome;
  /** The receiver's own words, the network's, or this module's; the first of several that differ only in numbers and names. */
  readonly reason: string;
  /** How many. */
  readonly samples: number;
}

/** What became of the samples of a batch, a flush or a run. */
export interface DeliveryReport {
  /** How many there were: the sum of the six below. */
  readonly samples: number;
  /** Acknowledged. */
  readonly delivered: number;
  /** Refused for good, or left out of an acknowledgement. */
  readonly rejected: number;
  /** Given up: after the last try, or while an answer was awaited. Some of it may be stored all the same. */
  readonly failed: number;
  /** Most likely stored: refused on a retry after an answer that never came, as what is stored already is. */
  readonly unknown: number;
  /** Pushed out of a full queue, or never made, as a mapping's sink failed. */
  readonly dropped: number;
  /** Not sent (any more): the queue was closed, or the requests of this flush were used up. */
  readonly deferred: number;
  /** Requests sent, retries included. */
  readonly requests: number;
  /** How many of the requests were retries. */
  readonly retries: number;
  /** Compressed size of the bodies sent, retries included. */
  readonly bytes: number;
  /** Why samples were not delivered; at most 20 different reasons, then the rest. */
  readonly reasons: readonly ReasonCount[];
}
