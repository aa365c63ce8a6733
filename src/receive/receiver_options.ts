/**
 * The options of a receiver, and the types that its callbacks take and return.
 *
 * @module
 */
import { checkKeys, unexpected } from "../model/check_keys.ts";
import type { Metadata, TimeSeries } from "../model/time_series.ts";
import type { WrittenCounts } from "../send/request_result.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { AccessOptions } from "./access.ts";
import type { ReceiverRules, Violation } from "./rules/rules.ts";

/** The decoded content of one request. */
export interface ReceivedWrite {
  /** The protocol version of the message. */
  readonly version: ProtocolVersion;
  /** The series in the order in which they were sent. Timestamps are numbers; a staleness marker has `stale: true`. */
  readonly timeSeries: readonly TimeSeries[];
  /** The metadata messages of 1.0, by metric family. In 2.0, each series has its own metadata instead. */
  readonly metadata: ReadonlyMap<string, Metadata>;
  /** The size of the compressed body, in bytes. */
  readonly bodyBytes: number;
  /** The size of the decompressed message, in bytes. */
  readonly decodedBytes: number;
  /** The headers of the request. */
  readonly headers: Headers;
}

/**
 * Says which part of a write was stored. A 1.0 request should be stored as a whole or not at all, because a 1.0 sender may
 * send parts of a rejected request again.
 */
export interface PartialWrite {
  /** The number of values that were stored. */
  readonly written: WrittenCounts;
  /** Why the other values were not stored. If given, the receiver answers 400 with this reason; otherwise 204. */
  readonly reason?: string | undefined;
}

/** Stores a write. Returns or resolves with what was stored if that is not everything. */
export type OnWrite = (write: ReceivedWrite) => void | PartialWrite | Promise<void | PartialWrite>;

/** The options of `createReceiver`. Only `onWrite` is required. */
export interface ReceiverOptions extends AccessOptions {
  /**
   * Stores what arrives. The receiver answers the sender when this has resolved: 204, or 400 if a part was not stored. If it
   * throws a `BusyError`, the answer is 429; if it throws another error, 500. After 429 and 500, the sender sends again.
   */
  readonly onWrite: OnWrite;
  /**
   * Rules for senders, from `strictRules()`. The receiver refuses a request that breaks one of them and does not pass it to
   * `onWrite`. Without rules, the receiver refuses only requests that it cannot read.
   *
   * @default undefined
   */
  readonly strict?: ReceiverRules | undefined;
  /** Called for the first 100 violations of each request, and once more with their number if there are more (`strict` only). */
  readonly onViolation?: ((violation: Violation) => void) | undefined;
  /** Called with each error that `onWrite` or `onViolation` throws. @default console.error */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** The largest compressed body, in bytes. A larger body is answered 413. @default maxDecodedBytes */
  readonly maxBodyBytes?: number | undefined;
  /**
   * The largest decompressed message, in bytes. A larger message is answered 413. The decoded objects take at most about
   * twelve times as much memory.
   *
   * @default 33554432
   */
  readonly maxDecodedBytes?: number | undefined;
  /**
   * The largest number of bytes of all requests in progress together: of the bodies, and of the decompressed messages. Beyond it, a
   * request is answered 503 with Retry-After. A request that is alone may always have as many bytes as its own limits allow.
   *
   * @default 268435456
   */
  readonly maxBytesInFlight?: number | undefined;
  /** How long a body may take to arrive, in milliseconds. A slower one is answered 408. @default 60000 */
  readonly bodyTimeoutMs?: number | undefined;
  /** The origin whose pages may send, such as `https://example.com`; true allows every origin. @default false */
  readonly cors?: boolean | string | undefined;
  /** The only URL path that the receiver answers, such as `/api/v1/write`. @default any path */
  readonly path?: string | undefined;
  /** The protocol versions that the receiver accepts; it answers 415 to another one. @default ["1.0", "2.0"] */
  readonly acceptVersions?: readonly ProtocolVersion[] | undefined;
}

/** Checked options with their defaults. */
export type ResolvedReceiverOptions =
  & Required<Omit<ReceiverOptions, OptionalOption>>
  & Pick<ReceiverOptions, OptionalOption>;

type OptionalOption = "strict" | "path" | keyof AccessOptions;

const defaults = {
  // By default, only the answer names the violations.
  onViolation: (): void => {},
  // The sender sees only a status of 500. The reason must not be lost.
  onError: (error: unknown): void => console.error(error),
  // Prometheus has the same limit, and senders keep to it. It is also the default of maxBodyBytes, because a useful message
  // does not grow when it is compressed.
  maxDecodedBytes: 32 * 1024 * 1024,
  // Eight requests of the largest size.
  maxBytesInFlight: 8 * 32 * 1024 * 1024,
  // Twice as long as senders usually wait for the response.
  bodyTimeoutMs: 60_000,
  // Pages of other origins may send only if the operator allows it.
  cors: false,
  // A sender of either version should work without configuration.
  acceptVersions: ["1.0", "2.0"],
} as const satisfies Partial<ReceiverOptions>;

type Check = readonly [isValid: (value: unknown) => boolean, expected: string, isSecret?: boolean];

/** The checks of an options object, by option. */
type Checks = Readonly<Record<string, Check>>;

/** Accepts a positive whole number. */
export const wholeNumber: Check = [
  (value) => Number.isSafeInteger(value) && Number(value) > 0,
  "a whole number from 1",
];

const callback: Check = [(value) => typeof value === "function", "a function"];

const secret: Check = [(value) => typeof value === "string" && value !== "", "a string that is not empty", true];

const checks: Readonly<Record<keyof ReceiverOptions, Check>> = {
  onWrite: callback,
  strict: [
    (value) => Object(value).createChecks !== undefined,
    "strictRules(), which k6-remote-write/receiver exports",
  ],
  onViolation: callback,
  onError: callback,
  maxBodyBytes: wholeNumber,
  maxDecodedBytes: wholeNumber,
  maxBytesInFlight: wholeNumber,
  bodyTimeoutMs: wholeNumber,
  token: secret,
  user: [(value) => typeof value === "string" && /^[^:]+$/.test(value), "a name without a colon"],
  password: secret,
  allowHosts: [
    (value) => Array.isArray(value) && value.every((host) => URL.canParse(`http://${host}`)),
    "a list of host names without ports",
  ],
  cors: [
    (value) => typeof value === "boolean" || (URL.canParse(`${value}`) && new URL(`${value}`).origin === value),
    "true, false or an origin such as https://example.com",
  ],
  path: [(value) => typeof value === "string" && value.startsWith("/"), "a string that begins with /"],
  acceptVersions: [
    (value) =>
      Array.isArray(value) && value.length > 0 && value.every((version) => defaults.acceptVersions.includes(version)),
    `some of ${defaults.acceptVersions.join(" and ")}`,
  ],
};

/** Checks options that may lack `onWrite`. @throws {ConfigurationError} if one is unknown or has a wrong value */
export function checkReceiverOptions(options: Partial<ReceiverOptions>): void {
  checkOptions(options, checks);
}

/** Checks options and adds the defaults. @throws {ConfigurationError} if an option is unknown or has a wrong value */
export function resolveReceiverOptions(options: ReceiverOptions): ResolvedReceiverOptions {
  checkReceiverOptions(options);
  if (options.onWrite === undefined) throw unexpected("onWrite", undefined, "a function");
  for (const [name, other] of [["user", "password"], ["password", "user"]] as const) {
    if (options[name] !== undefined && options[other] === undefined) {
      throw unexpected(other, undefined, `it with ${name}`);
    }
  }
  const { maxDecodedBytes = defaults.maxDecodedBytes } = options;
  return {
    ...options,
    onWrite: options.onWrite,
    onViolation: options.onViolation ?? defaults.onViolation,
    onError: options.onError ?? defaults.onError,
    maxBodyBytes: options.maxBodyBytes ?? maxDecodedBytes,
    maxDecodedBytes,
    cors: options.cors ?? defaults.cors,
    maxBytesInFlight: options.maxBytesInFlight ?? defaults.maxBytesInFlight,
    bodyTimeoutMs: options.bodyTimeoutMs ?? defaults.bodyTimeoutMs,
    acceptVersions: options.acceptVersions ?? defaults.acceptVersions,
  };
}

/** Checks an options object against a table. @throws {ConfigurationError} if an option is unknown or has a wrong value */
export function checkOptions(options: object, checks: Checks): void {
  checkKeys(options, Object.keys(checks));
  for (const [name, value] of Object.entries(options)) {
    const [isValid, expected, isSecret = false] = checks[name] ?? wholeNumber;
    if (value !== undefined && !isValid(value)) throw unexpected(name, isSecret ? "***" : value, expected);
  }
}
