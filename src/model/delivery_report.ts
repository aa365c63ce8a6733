/**
 * Reports what happened to samples, in numbers.
 *
 * @module
 */

/** What happened to a sample. Each sample has exactly one outcome; `DeliveryReport` explains them. */
export type Outcome = ReasonCount["outcome"];

/** A reason why samples were not delivered. */
export interface ReasonCount {
  /** What happened to the samples. */
  readonly outcome: "delivered" | "rejected" | "failed" | "unknown" | "dropped" | "deferred";
  /**
   * A message of the receiver, the network or this module. Messages that differ only in numbers and names are counted together,
   * and this is the first of them.
   */
  readonly reason: string;
  /** How many samples had this outcome for this reason. */
  readonly samples: number;
}

/** What happened to the samples of a batch, a flush or a run. */
export interface DeliveryReport {
  /** All samples: the sum of the six numbers below. */
  readonly samples: number;
  /** Samples that the receiver acknowledged. */
  readonly delivered: number;
  /** Samples that the receiver rejected permanently, or left out of an acknowledgement. */
  readonly rejected: number;
  /**
   * Samples that were given up after the last attempt, during one, or because the endpoint refuses all requests. The receiver may
   * have stored some of them.
   */
  readonly failed: number;
  /**
   * Samples that the receiver probably stored: it rejected them on a retry after an attempt without an answer, as it rejects
   * samples that it already has, or it accepted a 2.0 request and never counts what it stores. After an attempt without an answer,
   * a newer sample of the series may also have replaced the sample.
   */
  readonly unknown: number;
  /**
   * Samples that a full queue gave up, that were not made because a mapping's sink failed, or that `write` left out as its `onInvalid`
   * was told.
   */
  readonly dropped: number;
  /**
   * Samples that were not sent, because the queue was closed, the flush had used up its requests, or the endpoint refuses all
   * requests for now.
   */
  readonly deferred: number;
  /**
   * Samples that a newer sample of their series replaced before the receiver acknowledged them. They are not part of `samples`:
   * values are cumulative, so only time resolution is lost.
   */
  readonly merged: number;
  /** The number of requests, including retries. */
  readonly requests: number;
  /** The number of requests that were retries. */
  readonly retries: number;
  /** The compressed size of all bodies, including retries, in bytes. */
  readonly bytes: number;
  /** Why samples were not delivered. At most 20 different reasons, then the sum of all others. */
  readonly reasons: readonly ReasonCount[];
}
