/**
 * What a receiver is told, and what it hands on.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { WrittenCounts } from "../send/request_result.ts";
import type { Metadata, TimeSeries } from "../model/time_series.ts";
import type { Violation } from "./rules/violation.ts";

/** What one request brought. */
export interface ReceivedWrite {
  /** Version of the message it came in. */
  readonly version: ProtocolVersion;
  /** As sent, in order; timestamps are numbers, and staleness markers have `stale`. */
  readonly timeSeries: readonly TimeSeries[];
  /** What metric families mean, by family: 1.0's own messages (in 2.0 each series has its metadata). */
  readonly metadata: ReadonlyMap<string, Metadata>;
  /** Size as sent. */
  readonly bodyBytes: number;
  /** Size after decompression. */
  readonly decodedBytes: number;
  /** Of the request. */
  readonly headers: Headers;
}

/** What was not taken of a write. Of one in 1.0, take all or nothing: its sender may send a part of what was refused again. */
export interface PartialWrite {
  /** What was taken. */
  readonly written: WrittenCounts;
  /** Why the rest was not, for the sender's log: the answer is 400. Without it, it is 204. */
  readonly reason?: string | undefined;
}

/** Takes what arrives; resolves with what it did not take, if there is something. */
export type OnWrite = (write: ReceivedWrite) => void | PartialWrite | Promise<void | PartialWrite>;

/** Options of a receiver. */
export interface ReceiverOptions {
  /**
   * Takes what arrives. The sender is answered when it has resolved: with 204, or with 400 where a part was not taken, which it
   * does not send again as it is. Where it throws, with 500, and with 429 for a `BusyError`; the sender then sends it again.
   */
  readonly onWrite: OnWrite;
  /**
   * Checks everything that the specifications ask of a sender, and refuses a request with a violation, so that `onWrite` does not
   * see it. Otherwise only what cannot be read is refused.
   *
   * @default false
   */
  readonly strict?: boolean | undefined;
  /** Takes the violations (strict only): the first hundred of a request, and how many there are. */
  readonly onViolation?: ((violation: Violation) => void) | undefined;
  /** Takes what `onWrite` or `onViolation` threw. @default console.error */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Largest body, in bytes, as sent. @default `maxDecodedBytes`: compression makes nothing larger worth reading */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Largest body, in bytes, after decompression. What is decoded takes about twelve times as much memory at most. A larger
   * request is answered 413.
   *
   * @default 33554432 as in Prometheus
   */
  readonly maxDecodedBytes?: number | undefined;
  /**
   * Series whose last sample is remembered for certain, to check the order (strict only), about 100 bytes each; at most, twice as
   * many are.
   *
   * @default 100000
   */
  readonly maxTrackedSeries?: number | undefined;
  /** Origin of the pages that may send, such as `https://example.com`; true for all. @default false */
  readonly cors?: boolean | string | undefined;
  /** The only path that is answered, such as `/api/v1/write`. @default any */
  readonly path?: string | undefined;
  /** Versions that are taken; another one is answered 415. @default both */
  readonly acceptVersions?: readonly ProtocolVersion[] | undefined;
}

/** Options with their defaults, checked. */
export interface ResolvedReceiverOptions extends
  Required<
    Pick<
      ReceiverOptions,
      | "onWrite"
      | "strict"
      | "onViolation"
      | "onError"
      | "maxBodyBytes"
      | "maxDecodedBytes"
      | "maxTrackedSeries"
      | "acceptVersions"
    >
  > {
  /** None takes any path. */
  readonly path: string | undefined;
  /** For CORS; none answers no preflight. */
  readonly origin: string | undefined;
}

const defaults = {
  strict: false,
  onViolation: (): void => {},
  // An error that nobody sees is worse than one on a console that nobody asked for.
  onError: (error: unknown): void => console.error(error),
  // As in Prometheus: senders are made not to be above it.
  maxDecodedBytes: 32 * 1024 * 1024,
  // Twenty megabytes of memory at most, and more series than one k6 run should have.
  maxTrackedSeries: 100_000,
  cors: false,
  acceptVersions: ["1.0", "2.0"],
} as const satisfies Partial<ReceiverOptions>;

/** Fills in the defaults. @throws {ConfigurationError} where an option cannot be used */
export function resolveReceiverOptions(options: ReceiverOptions): ResolvedReceiverOptions {
  const { cors = defaults.cors, maxDecodedBytes = defaults.maxDecodedBytes, path } = options;
  const { maxBodyBytes = maxDecodedBytes, maxTrackedSeries = defaults.maxTrackedSeries } = options;
  const acceptVersions: readonly ProtocolVersion[] = options.acceptVersions ?? defaults.acceptVersions;
  for (const [name, value] of Object.entries({ maxDecodedBytes, maxBodyBytes, maxTrackedSeries })) {
    if (!Number.isSafeInteger(value) || value < 1) refuse(name, { value, expected: "a whole number from 1" });
  }
  if (path !== undefined && !path.startsWith("/")) refuse("path", { value: path, expected: "one that begins with /" });
  if (typeof cors === "string" && !isOrigin(cors)) {
    refuse("cors", { value: cors, expected: "true, false or an origin such as https://example.com" });
  }
  const known: readonly string[] = defaults.acceptVersions;
  if (acceptVersions.length === 0 || !acceptVersions.every((version) => known.includes(version))) {
    refuse("acceptVersions", { value: JSON.stringify(acceptVersions), expected: `some of ${known.join(" and ")}` });
  }
  return {
    onWrite: options.onWrite,
    strict: options.strict ?? defaults.strict,
    onViolation: options.onViolation ?? defaults.onViolation,
    onError: options.onError ?? defaults.onError,
    maxBodyBytes,
    maxDecodedBytes,
    maxTrackedSeries,
    acceptVersions,
    path,
    origin: cors === true ? "*" : cors === false ? undefined : cors,
  };
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function refuse(name: string, { value, expected }: { value: unknown; expected: string }): never {
  throw new ConfigurationError(`Cannot create the receiver: ${name} is ${value}, expected ${expected}`);
}
