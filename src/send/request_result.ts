/**
 * A request and its result. The transport and its decorators return results; they never throw.
 *
 * @module
 */
import type { ProtocolVersion } from "../protocol/protocol_version.ts";

export type { ProtocolVersion };

/** The part of `fetch` that the sender uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A request that is ready to be sent. */
export interface EncodedRequest {
  /** The version in which the body is encoded. */
  readonly version: ProtocolVersion;
  /** The body, compressed with snappy. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** How many samples the body contains. */
  readonly samples: number;
  /** How many times this request was sent before. */
  readonly attempt: number;
  /** Whether its samples were sent before, in another request. */
  readonly resent: boolean;
  /** How many times the endpoint may answer 500 before the request is given up. Other 5xx are not limited. */
  readonly maxServerErrors: number;
  /** No retry begins after this time, in milliseconds on the clock of deadlines. */
  readonly retryUntilMs: number;
}

/** How many values of each kind a 2.0 receiver stored, from its Written headers. */
export interface WrittenCounts {
  /** The number of floats that were stored. */
  readonly samples: number;
  /** The number of native histograms that were stored. */
  readonly histograms: number;
  /** The number of exemplars that were stored. */
  readonly exemplars: number;
}

interface Attempts {
  /** How many times the request was sent. */
  readonly attempts: number;
  /** Whether an attempt before this result may have been stored: its answer never came, or could not be read, or did not say. */
  readonly unknownBefore: boolean;
}

/** The endpoint answered 2xx: it acknowledged the request. */
export interface Written extends Attempts {
  readonly kind: "written";
  readonly status: number;
  /** From the Written headers; undefined if there are none. */
  readonly written: WrittenCounts | undefined;
}

/** Refused for good: a 4xx except 429, a redirect, a page, a 429 that is not retried, or a request that the runtime forbids. */
export interface Rejected extends Attempts {
  readonly kind: "rejected";
  /** Undefined if no answer came. */
  readonly status: number | undefined;
  /** The words of the receiver or of the runtime: shortened, on one line and without secrets. */
  readonly reason: string;
  /** What the receiver stored nevertheless, from the Written headers; undefined if there are none. */
  readonly written: WrittenCounts | undefined;
  /** Whether the endpoint refuses all requests, whatever the status says: it answered with a page. */
  readonly byEndpoint?: boolean;
}

/** May succeed later: a network error, a timeout, a 5xx or a 429. After the retries, it means that the request was given up. */
export interface Failed extends Attempts {
  readonly kind: "failed";
  /** Undefined if no answer came. */
  readonly status: number | undefined;
  /** The words of the receiver or of the network: shortened, on one line and without secrets. */
  readonly reason: string;
  /** How long the receiver asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Whether this attempt may have been stored: its answer never came, or did not say. */
  readonly unknown: boolean;
  /** Whether the connection broke after it was made. Perhaps it was idle and the receiver had just closed it. */
  readonly disconnected: boolean;
}

/** The caller's signal fired before a final answer came. */
interface Aborted extends Attempts {
  readonly kind: "aborted";
  /** Whether the receiver may have got the attempt that was ended. */
  readonly unknown: boolean;
  /** Why the attempt before it failed; undefined if there was none. */
  readonly failure?: string | undefined;
}

/** Not sent, because the requests of this flush are used up. The next flush sends it. */
interface DeferredRequest extends Attempts {
  readonly kind: "deferred";
}

/** The result of one request, after all its attempts. */
export type RequestResult = Written | Rejected | Failed | Aborted | DeferredRequest;

/** Sends a request. Never rejects. */
export type Send = (request: EncodedRequest, signal: AbortSignal) => Promise<RequestResult>;

/** Reports whether the endpoint answered for good, which shows that it is up. */
export function isAnswer({ kind }: RequestResult): boolean {
  return kind === "written" || kind === "rejected";
}

/**
 * The statuses of a receiver that has read the samples, or a part of them: invalid, a conflict, too large, or too many. Any other
 * status is about the request: credentials, a wrong path, a proxy, and (after the fallback to 1.0) the media type.
 */
const sampleStatuses: readonly number[] = [400, 409, 413, 422, 429];

/**
 * Reports whether the endpoint refuses requests as such, whatever they contain: by its status, a redirect, a page, or because the
 * runtime or the configuration does not permit them.
 */
export function isRefusalByEndpoint(result: RequestResult): boolean {
  return result.kind === "rejected" && (result.byEndpoint === true || !sampleStatuses.includes(result.status ?? 0));
}

/** Returns why a request was refused or failed, in the words of the receiver or of the network. */
export function describe({ status, reason }: Rejected | Failed): string {
  return status === undefined ? reason : `status ${status}: ${reason}`;
}
