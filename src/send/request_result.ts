/**
 * What became of a request: the transport and its decorators return these, and throw nothing.
 *
 * @module
 */
import type { ProtocolVersion } from "../protocol/protocol_version.ts";

export type { ProtocolVersion };

/** A body ready to be sent. */
export interface EncodedRequest {
  /** Which version the body is encoded for. */
  readonly version: ProtocolVersion;
  /** Compressed. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** How many samples it holds, for the statistics. */
  readonly samples: number;
  /** How many times it was sent before. @default 0 */
  readonly attempt?: number;
  /** Its samples were sent before, in another request; for the statistics. @default false */
  readonly resent?: boolean;
  /** How many answers 500 it may get before it is given up; the other 5xx are not bounded. @default 40 */
  readonly maxServerErrors?: number;
  /** No retry begins after this time, in milliseconds on the clock of the retries. @default Infinity */
  readonly retryUntilMs?: number;
}

/** How many of each kind a 2.0 receiver says it stored. */
export interface WrittenCounts {
  /** Floats. */
  readonly samples: number;
  /** Native histograms. */
  readonly histograms: number;
  /** Exemplars. */
  readonly exemplars: number;
}

/** What is known of a request whatever became of it. */
interface Attempts {
  /** How many times it was sent. */
  readonly attempts: number;
  /** Whether an attempt before the last one may have been stored: its answer never came, or left it open. */
  readonly unknownBefore: boolean;
}

/** 2xx. */
export interface Written extends Attempts {
  readonly kind: "written";
  readonly status: number;
  /** From the Written headers; undefined if there is none of them. */
  readonly written: WrittenCounts | undefined;
}

/** Refused for good: 4xx except 429, a redirect, 429 where it is not retried, or what the runtime forbids to send. */
export interface Rejected extends Attempts {
  readonly kind: "rejected";
  /** None if no answer came. */
  readonly status: number | undefined;
  /** The receiver's own words or the runtime's, cut, cleaned and without secrets. */
  readonly reason: string;
  /** What was stored all the same, from the Written headers; undefined if there is none of them. */
  readonly written: WrittenCounts | undefined;
}

/** May succeed later: network error, timeout, 5xx, 429. After the retries: given up. */
export interface Failed extends Attempts {
  readonly kind: "failed";
  /** None if no answer came. */
  readonly status: number | undefined;
  /** The receiver's own words or the network's, cut, cleaned and without secrets. */
  readonly reason: string;
  /** What the receiver asks for. */
  readonly retryAfterMs: number | undefined;
  /** Whether this attempt may have been stored: its answer never came, or left it open. */
  readonly unknown: boolean;
  /** The connection broke under way: perhaps an idle one that the receiver had just closed. */
  readonly disconnected: boolean;
  /** The error beneath, if one was thrown. May hold secrets: not for messages. */
  readonly cause: unknown;
}

/** The caller's signal fired. */
export interface Aborted extends Attempts {
  readonly kind: "aborted";
  /** Whether an attempt was under way. */
  readonly unknown: boolean;
  /** Why the attempt before failed. @default there was none, or it is not known */
  readonly failure?: string | undefined;
}

/** Not sent, as the requests of this flush are used up; to be sent in the next one. */
export interface DeferredRequest extends Attempts {
  readonly kind: "deferred";
}

/** What became of one request, after however many attempts. */
export type RequestResult = Written | Rejected | Failed | Aborted | DeferredRequest;

/** Sends a request. Never rejects. */
export type Send = (request: EncodedRequest, signal: AbortSignal) => Promise<RequestResult>;

/** Whether the receiver took or refused the request: it is there, and works. */
export function isAnswer({ kind }: RequestResult): boolean {
  return kind === "written" || kind === "rejected";
}

/** Why a request was refused or failed, in the receiver's own words or the network's. */
export function describe({ status, reason }: Rejected | Failed): string {
  return status === undefined ? reason : `status ${status}: ${reason}`;
}
