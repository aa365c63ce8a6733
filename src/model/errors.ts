/**
 * The errors of this module. They are one family, which other copies of the module recognise, too.
 *
 * @module
 */
import type { DeliveryReport } from "./delivery_report.ts";
import { printable } from "./printable.ts";

/** Marks the errors of every copy of this module. A program can load two copies, and `instanceof` recognises only one. */
const brand = Symbol.for("k6-remote-write.error");

/** The kind of an error; each class explains its own. */
export type RemoteWriteErrorKind = RemoteWriteError["kind"];

/** The base of all errors of this module. Their messages never contain a secret, and no control of a terminal. */
export abstract class RemoteWriteError extends Error {
  /** The kind of the error, the same in every copy of this module. */
  abstract readonly kind: "configuration" | "delivery" | "format" | "busy";

  /** Creates an error of this family. @param message what could not be done; it must not contain a secret */
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
    Object.defineProperty(this, brand, { value: true });
  }
}

/** An option, variable, flag or file cannot be used. The message names it, its value (never a secret) and what was expected. */
export class ConfigurationError extends RemoteWriteError {
  /** The name in stack traces. */
  override readonly name = "ConfigurationError";
  /** The kind of this class, the same in every copy of this module. */
  readonly kind = "configuration";
}

/** A series cannot be sent, or a request cannot be read. The message names what is wrong with it. */
export class FormatError extends RemoteWriteError {
  /** The name in stack traces. */
  override readonly name = "FormatError";
  /** The kind of this class, the same in every copy of this module. */
  readonly kind = "format";
}

/** A request exceeds a limit. It can be valid otherwise, so the receiver answers 413 instead of 400. */
export class TooLargeError extends FormatError {}

/** The facts of a failed delivery, which `DeliveryError` has, too. */
interface DeliveryErrorDetails {
  /** The message of the receiver or of the network, shortened and without control characters and secrets. */
  readonly reason: string;
  /** The number of requests that were sent. */
  readonly attempts: number;
  /** Whether the receiver may have stored samples that the report does not count as delivered. */
  readonly outcomeUnknown: boolean;
  /** What happened to each sample. */
  readonly report: DeliveryReport;
  /** The error behind this one, if any: of the runtime, or the reason of the signal. */
  readonly cause?: unknown | undefined;
}

/** Samples were rejected, or could not be delivered within the allowed time and attempts. */
export class DeliveryError extends RemoteWriteError {
  /** The name in stack traces. */
  override readonly name = "DeliveryError";
  /** The kind of this class, the same in every copy of this module. */
  readonly kind = "delivery";
  /** The message of the receiver or of the network, shortened and without control characters and secrets. */
  readonly reason: string;
  /** The number of requests that were sent. */
  readonly attempts: number;
  /** Whether the receiver may have stored samples that the report does not count as delivered. */
  readonly outcomeUnknown: boolean;
  /** What happened to each sample. */
  readonly report: DeliveryReport;

  /** Creates an error with the report. @param message what could not be done; it must not contain a secret */
  constructor(message: string, details: DeliveryErrorDetails) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.attempts = details.attempts;
    this.outcomeUnknown = details.outcomeUnknown;
    this.report = details.report;
  }
}

/** A write cannot be accepted now. If `onWrite` throws this error, the receiver answers 429 with Retry-After. */
export class BusyError extends RemoteWriteError {
  /** The name in stack traces. */
  override readonly name = "BusyError";
  /** The kind of this class, the same in every copy of this module. */
  readonly kind = "busy";
  /** How long the sender should wait, in milliseconds. The receiver rounds it up to seconds. */
  readonly retryAfterMs: number;

  /** Creates an error with the time to wait. @param message the receiver sends it to the sender */
  constructor(message: string, { retryAfterMs }: { readonly retryAfterMs: number }) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Reports whether a value is an error of this family, from any copy of this module.
 *
 * @param kind the kind that the error must have; without it, any kind
 * @example
 * ```ts
 * import { isRemoteWriteError, pushOnce } from "k6-remote-write";
 *
 * await pushOnce([], { url: "ftp://example.com" }).catch((error) => {
 *   if (!isRemoteWriteError(error, "configuration")) throw error;
 *   console.log(error.message); // Cannot use the option url: it is ftp://example.com/, expected http://... or https://...
 * });
 * ```
 */
export function isRemoteWriteError<Kind extends RemoteWriteError["kind"] = RemoteWriteError["kind"]>(
  error: unknown,
  kind?: Kind,
): error is Extract<ConfigurationError | DeliveryError | FormatError | BusyError, { readonly kind: Kind }> {
  if (!(error instanceof Error) || !(brand in error) || !("kind" in error)) return false;
  return kind === undefined || error.kind === kind;
}

/** Returns the message of a thrown value, which may be anything. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
