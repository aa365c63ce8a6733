/**
 * The errors of this module: one family, which also other copies of the module recognise.
 *
 * @module
 */
import type { DeliveryReport } from "./delivery_report.ts";

/** Marks the errors of every copy of this module: a program may load two, and `instanceof` knows only its own. */
const brand = Symbol.for("k6-remote-write.error");

/** What went wrong. */
export type RemoteWriteErrorKind = "configuration" | "delivery" | "format" | "busy";

/** The base of all errors of this module. Messages never hold a secret. */
export abstract class RemoteWriteError extends Error {
  /** What went wrong; the same in every copy of this module. */
  abstract readonly kind: RemoteWriteErrorKind;

  /** @param message what could not be done, without secrets */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, brand, { value: true });
  }
}

/** An option, variable, flag or file cannot be used. The message names it, its value (never a secret) and what was expected. */
export class ConfigurationError extends RemoteWriteError {
  override readonly name = "ConfigurationError";
  readonly kind = "configuration";
}

/** A series cannot be sent, or a request cannot be read. The message names what is wrong with it. */
export class FormatError extends RemoteWriteError {
  override readonly name = "FormatError";
  readonly kind = "format";
}

/** A request exceeds a limit, although it may be well formed: the receiver answers 413 instead of 400. */
export class TooLargeError extends FormatError {}

/** Facts about a failed delivery. */
export interface DeliveryErrorDetails {
  /** The words of the receiver or of the network, shortened and cleaned. */
  readonly reason: string;
  /** How many requests were sent. */
  readonly attempts: number;
  /** Whether the receiver may have stored samples that the report does not count as delivered. */
  readonly outcomeUnknown: boolean;
  /** What happened to each sample. */
  readonly report: DeliveryReport;
  /** The underlying error. */
  readonly cause?: unknown | undefined;
}

/** Samples were rejected, or could not be delivered in the time and the attempts that were allowed. */
export class DeliveryError extends RemoteWriteError {
  override readonly name = "DeliveryError";
  readonly kind = "delivery";
  /** The words of the receiver or of the network, shortened and cleaned. */
  readonly reason: string;
  /** How many requests were sent. */
  readonly attempts: number;
  /** Whether the receiver may have stored samples that the report does not count as delivered. */
  readonly outcomeUnknown: boolean;
  /** What happened to each sample. */
  readonly report: DeliveryReport;

  /** @param message what could not be done, without secrets */
  constructor(message: string, details: DeliveryErrorDetails) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.attempts = details.attempts;
    this.outcomeUnknown = details.outcomeUnknown;
    this.report = details.report;
  }
}

/** A write cannot be taken now. `onWrite` throws it; the receiver answers 429 and tells the sender when to try again. */
export class BusyError extends RemoteWriteError {
  override readonly name = "BusyError";
  readonly kind = "busy";
  /** How long the sender should wait, in milliseconds; the receiver rounds it up to seconds. */
  readonly retryAfterMs: number;

  /** @param message is sent to the sender */
  constructor(message: string, { retryAfterMs }: { readonly retryAfterMs: number }) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Reports whether an error belongs to this family, from whichever copy of this module.
 *
 * @param kind also requires this kind
 * @example
 * ```ts
 * import { isRemoteWriteError, pushOnce } from "k6-remote-write";
 *
 * await pushOnce([], { url: "ftp://example.com" }).catch((error) => {
 *   if (!isRemoteWriteError(error, "configuration")) throw error;
 *   console.log(error.message); // Cannot use the option url: it is "ftp://...", expected http://... or https://...
 * });
 * ```
 */
export function isRemoteWriteError<Kind extends RemoteWriteErrorKind = RemoteWriteErrorKind>(
  error: unknown,
  kind?: Kind,
): error is Extract<ConfigurationError | DeliveryError | FormatError | BusyError, { readonly kind: Kind }> {
  if (!(error instanceof Error) || !(brand in error) || !("kind" in error)) return false;
  return kind === undefined || error.kind === kind;
}

/** The message of what was thrown, which may be anything. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
