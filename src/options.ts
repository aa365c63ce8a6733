/**
 * The options of an output: what they mean, what they are by default, and whether they make sense.
 *
 * @module
 */
import { parseTrendStats } from "./aggregate/trend_stats.ts";
import { ConfigurationError } from "./errors.ts";
import type { Mapping } from "./mapping/mapping.ts";
import { prometheusMapping } from "./mapping/prometheus.ts";
import { rawMapping } from "./mapping/raw.ts";
import type { Tags } from "./sample.ts";
import { sendDefaults } from "./send/defaults.ts";
import { type Sleep, sleep } from "./send/sleep.ts";

/** Where to send, how to authenticate, and how hard to try. */
export interface ClientOptions {
  /**
   * The remote-write endpoint; user info in it becomes basic authentication.
   * @default "http://localhost:9090/api/v1/write"
   */
  readonly url?: string | URL;
  /** User of basic authentication. */
  readonly user?: string;
  /** Password of basic authentication. */
  readonly password?: string;
  /** Further request headers; those of the protocol cannot be changed. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Skip the verification of certificates. A library cannot do so by itself: it needs a `fetch` that does.
   * @default false
   */
  readonly insecureSkipTlsVerify?: boolean;
  /** A file of CA certificates in PEM form. A library cannot read it: it needs a `fetch` that trusts them. */
  readonly caCertFile?: string;
  /** How long one attempt may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
  /** How long a request is tried in all, in milliseconds. @default 300000 */
  readonly retryDeadlineMs?: number;
  /** Whether 429 Too Many Requests is tried again. @default true */
  readonly retryOn429?: boolean;
  /** Samples of one request. @default 2000 */
  readonly maxSamplesPerSend?: number;
  /** Size of one request before compression, in bytes. @default 8388608 */
  readonly maxDecodedBytes?: number;
  /** Size of one request after compression, in bytes. @default 1048576 */
  readonly maxBodyBytes?: number;
  /**
   * Version of the protocol; `auto` begins with 2.0 and falls back to 1.0, for good, if the receiver does not show that it
   * knows 2.0.
   * @default "auto"
   */
  readonly protocol?: "auto" | "1.0" | "2.0";
  /** Whether a refused request is cut in halves until the refused series stand alone. @default true */
  readonly bisect?: boolean;
  /** Called with what a user should know; never holds a secret. @default console.warn */
  readonly onWarning?: (message: string) => void;
  /** Sends the requests. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch;
  /** The time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: () => number;
  /** A number from 0 to below 1, for the jitter of the back-off. @default Math.random */
  readonly random?: () => number;
  /** Waits for the back-off and the flush period. */
  readonly sleep?: Sleep;
}

/** What an output can be told. */
export interface RemoteWriteOutputOptions extends ClientOptions {
  /** How often `start()` flushes, in milliseconds; the length of a window where `windows` is `event`. @default 1000 */
  readonly flushPeriodMs?: number;
  /** How k6 metrics become time series. @default "prometheus" */
  readonly mapping?: "prometheus" | "raw" | Mapping;
  /** Begins the name of every metric. @default "k6_" */
  readonly prefix?: string;
  /** What the prometheus mapping sends of a trend. @default ["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"] */
  readonly trendStats?: readonly string[];
  /** Whether tags become labels. @default true */
  readonly keepTags?: boolean;
  /** Whether the tag `name` becomes a label. @default false */
  readonly keepNameTag?: boolean;
  /** Whether the tag `url` becomes a label. @default true */
  readonly keepUrlTag?: boolean;
  /** Labels of every series; a tag of the same name wins. @default {} */
  readonly labels?: Tags;
  /** Whether `close()` says of every series that it ended. @default false */
  readonly staleMarkers?: boolean;
  /** How many series there may be; samples of further ones are refused and counted. @default 1000000 */
  readonly maxSeries?: number;
  /** What begins a window: `start()` and `flush()`, or the samples' own times (recorded files). @default "wall" */
  readonly windows?: "wall" | "event";
  /** Requests under way at once; a series always takes the same of them. @default 1 */
  readonly shards?: number;
  /** Samples that may wait. @default 500000 */
  readonly capacity?: number;
  /** Memory that waiting samples may take, in bytes. @default 67108864 */
  readonly maxQueueBytes?: number;
  /** What to do when too much waits: drop the oldest, or let `ready()` wait. @default "drop-oldest" */
  readonly overflow?: "drop-oldest" | "block";
  /** Send series to which nothing comes again after this time, in milliseconds; 0 is never. @default 0 */
  readonly heartbeatMs?: number;
  /**
   * Requests of one `flush()` or `close()` at most, retries included, for runtimes that allow a handler only so many. What is
   * left is kept for the next flush, and reported as `unsent`. @default Infinity
   */
  readonly maxRequestsPerFlush?: number;
  /** How long `close()` waits for what is under way, in milliseconds. @default 30000 */
  readonly closeTimeoutMs?: number;
  /** Whether to send series of the output's own, `k6_remote_write_*`. @default false */
  readonly selfMetrics?: boolean;
}

/** The options that are numbers. */
type NumberOption = {
  [Name in keyof RemoteWriteOutputOptions]-?: Exclude<RemoteWriteOutputOptions[Name], undefined> extends number ? Name
    : never;
}[keyof RemoteWriteOutputOptions];

type Defaults =
  & Readonly<Record<NumberOption, number>>
  & { readonly url: string; readonly prefix: string; readonly trendStats: readonly string[] };

/** The defaults; those of sending are reasoned where they stand. */
export const defaultOptions: Defaults = {
  url: "http://localhost:9090/api/v1/write",
  flushPeriodMs: 1000,
  prefix: "k6_",
  trendStats: ["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"],
  timeoutMs: sendDefaults.timeoutMs,
  // Long enough for a receiver's restart; who waits for the end of a run has to see that end.
  retryDeadlineMs: 300_000,
  maxSamplesPerSend: sendDefaults.maxSamplesPerSend,
  maxDecodedBytes: sendDefaults.maxDecodedBytes,
  maxBodyBytes: sendDefaults.maxBodyBytes,
  // About a gigabyte of labels: more is a mistake in the tags.
  maxSeries: 1_000_000,
  shards: 1,
  capacity: sendDefaults.capacity,
  maxQueueBytes: sendDefaults.maxQueueBytes,
  heartbeatMs: 0,
  maxRequestsPerFlush: Infinity,
  closeTimeoutMs: sendDefaults.closeTimeoutMs,
};

/** Options that are complete and make sense. */
export type ResolvedOptions =
  & Required<Omit<RemoteWriteOutputOptions, "url" | "mapping" | "user" | "password" | "caCertFile" | "trendStats">>
  & { readonly url: string; readonly mapping: Mapping; readonly user?: string; readonly password?: string };

/**
 * Completes and checks options.
 *
 * @throws ConfigurationError that names the option, its value and what was expected
 */
export function resolveOptions(options: RemoteWriteOutputOptions = {}): ResolvedOptions {
  const { caCertFile, trendStats = defaultOptions.trendStats, ...given } = options;
  if (options.fetch === undefined && caCertFile !== undefined) {
    throw new ConfigurationError(
      `Cannot use the option caCertFile: it is "${caCertFile}", expected a \`fetch\` that trusts those certificates beside it`,
    );
  }
  if (options.fetch === undefined && options.insecureSkipTlsVerify === true) {
    throw new ConfigurationError(
      "Cannot use the option insecureSkipTlsVerify: it is true, expected a `fetch` that skips verification beside it",
    );
  }
  const resolved: ResolvedOptions = {
    ...given,
    url: validUrl(options.url ?? defaultOptions.url),
    headers: options.headers ?? {},
    insecureSkipTlsVerify: options.insecureSkipTlsVerify ?? false,
    timeoutMs: atLeast(1, "timeoutMs", options),
    retryDeadlineMs: atLeast(0, "retryDeadlineMs", options),
    retryOn429: options.retryOn429 ?? true,
    maxSamplesPerSend: wholeAtLeast(1, "maxSamplesPerSend", options),
    maxDecodedBytes: wholeAtLeast(1024, "maxDecodedBytes", options),
    maxBodyBytes: wholeAtLeast(1024, "maxBodyBytes", options),
    protocol: oneOf(["auto", "1.0", "2.0"], "protocol", options.protocol),
    bisect: options.bisect ?? true,
    onWarning: options.onWarning ?? ((message): void => console.warn(`k6-remote-write: ${message}`)),
    // Called late and bound, so that a fetch that is replaced or checks its `this` works.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    sleep: options.sleep ?? sleep,
    flushPeriodMs: atLeast(1, "flushPeriodMs", options),
    mapping: resolveMapping(options.mapping ?? "prometheus", options.prefix ?? defaultOptions.prefix, trendStats),
    prefix: options.prefix ?? defaultOptions.prefix,
    keepTags: options.keepTags ?? true,
    keepNameTag: options.keepNameTag ?? false,
    keepUrlTag: options.keepUrlTag ?? true,
    labels: options.labels ?? {},
    staleMarkers: options.staleMarkers ?? false,
    maxSeries: wholeAtLeast(1, "maxSeries", options),
    windows: oneOf(["wall", "event"], "windows", options.windows),
    shards: wholeAtLeast(1, "shards", options),
    capacity: wholeAtLeast(1, "capacity", options),
    maxQueueBytes: wholeAtLeast(1024, "maxQueueBytes", options),
    overflow: oneOf(["drop-oldest", "block"], "overflow", options.overflow),
    heartbeatMs: atLeast(0, "heartbeatMs", options),
    maxRequestsPerFlush: wholeAtLeast(1, "maxRequestsPerFlush", options),
    closeTimeoutMs: atLeast(0, "closeTimeoutMs", options),
    selfMetrics: options.selfMetrics ?? false,
  };
  return resolved;
}

function resolveMapping(
  mapping: "prometheus" | "raw" | Mapping,
  prefix: string,
  trendStats: readonly string[],
): Mapping {
  if (typeof mapping === "object") return mapping;
  if (mapping === "raw") return rawMapping({ prefix });
  if (mapping === "prometheus") return prometheusMapping({ prefix, trendStats: parseTrendStats(trendStats) });
  throw unexpected("mapping", mapping, '"prometheus", "raw" or an object with mapMetric()');
}

/** The URL in full. */
function validUrl(url: string | URL): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    // What does not parse may hold a password at a place that nobody can tell.
    const shown = parsed === undefined ? "not a URL" : `"${parsed.protocol}//..."`;
    throw new ConfigurationError(`Cannot use the option url: it is ${shown}, expected http://... or https://...`);
  }
  return parsed.href;
}

function atLeast(minimum: number, name: NumberOption, options: RemoteWriteOutputOptions): number {
  const value = options[name] ?? defaultOptions[name];
  if (typeof value !== "number" || !(value >= minimum)) throw unexpected(name, value, `a number from ${minimum}`);
  return value;
}

function wholeAtLeast(minimum: number, name: NumberOption, options: RemoteWriteOutputOptions): number {
  const value = atLeast(minimum, name, options);
  // Infinity is a default: no bound.
  if (!Number.isSafeInteger(value) && value !== defaultOptions[name]) {
    throw unexpected(name, value, `a whole number from ${minimum}`);
  }
  return value;
}

function oneOf<const Choice extends string>(
  choices: readonly [Choice, ...Choice[]],
  name: string,
  value?: Choice,
): Choice {
  if (value === undefined) return choices[0];
  if (!choices.includes(value)) throw unexpected(name, value, choices.map((choice) => `"${choice}"`).join(" or "));
  return value;
}

function unexpected(name: string, value: unknown, expected: string): ConfigurationError {
  const shown = typeof value === "string" ? `"${value}"` : String(value);
  return new ConfigurationError(`Cannot use the option ${name}: it is ${shown}, expected ${expected}`);
}
