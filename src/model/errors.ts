/**
 * The errors of this module. Each has a literal `name`, by which guards tell them apart across copies of the module.
 *
 * @module
 */
import type { DeliveryReport } from "./delivery_report.ts";

/** An option, variable, flag or file that cannot be used; says which, its value (never a secret) and what was expected. */
export class ConfigurationError extends Error {
  /** By which it is told apart. */
  override readonly name = "ConfigurationError";
}

/** What is known of a failed delivery. */
export interface DeliveryErrorDetails {
  /** The receiver's own words or the network's, cut and cleaned. */
  readonly reason: string;
  /** How many requests were tried. */
  readonly attempts: number;
  /** Whether the receiver may have stored some of it all the same: not all of it was refused, or never sent. */
  readonly outcomeUnknown: boolean;
  /** What became of each sample. */
  readonly report: DeliveryReport;
  /** The error beneath. */
  readonly cause?: unknown | undefined;
}

/** Samples that were refused, or that could not be delivered in the time and tries allowed. */
export class DeliveryError extends Error {
  /** By which it is told apart. */
  override readonly name = "DeliveryError";
  /** The receiver's own words or the network's, cut and cleaned. */
  readonly reason: string;
  /** How many requests were tried. */
  readonly attempts: number;
  /** Whether the receiver may have stored some of it all the same: not all of it was refused, or never sent. */
  readonly outcomeUnknown: boolean;
  /** What became of each sample. */
  readonly report: DeliveryReport;

  /** Made by this module. @param message what could not be done, without secrets */
  constructor(message: string, details: DeliveryErrorDetails) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.attempts = details.attempts;
    this.outcomeUnknown = details.outcomeUnknown;
    this.report = details.report;
  }
}

/** A series that cannot be sent, or a request that cannot be read: names what is wrong with it. */
export class FormatError extends Error {
  /** By which it is told apart. */
  override readonly name = "FormatError";
}

/** All errors of this module. */
export type RemoteWriteError = ConfigurationError | DeliveryError | FormatError;

const names: readonly string[] = ["ConfigurationError", "DeliveryError", "FormatError"];

/** Whether an error is one of this module's. */
export function isRemoteWriteError(error: unknown): error is RemoteWriteError {
  return error instanceof Error && names.includes(error.name);
}
