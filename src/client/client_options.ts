/**
 * The options of the generic client: where to send, how to authenticate, and how hard to try.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import type { AuthOptions } from "../send/auth/resolve_authorizer.ts";
import { DeadlineClock } from "../send/deadline_clock.ts";
import { type Sleep, sleep } from "../send/sleep.ts";
import { checkOptions, type OptionDefinitions, type Resolved } from "./option_definition.ts";

/** The options of a client. At most one way to authenticate may be given. */
export interface ClientOptions extends AuthOptions {
  /**
   * The remote-write endpoint. User name and password in it are sent as basic authentication.
   * @default "http://localhost:9090/api/v1/write"
   */
  readonly url?: string | URL | undefined;
  /** More request headers, name to value. The four headers of the protocol cannot be changed. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long one attempt may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** How long a request is tried in total, in milliseconds. @default 300000 */
  readonly retryDeadlineMs?: number | undefined;
  /** Whether the answer 429 Too Many Requests is retried. @default true */
  readonly retryOn429?: boolean | undefined;
  /** The most samples in one request. @default 2000 */
  readonly maxSamplesPerSend?: number | undefined;
  /** The largest request before compression, in bytes. @default 8388608 */
  readonly maxDecodedBytes?: number | undefined;
  /** The largest request after compression, in bytes. @default 1048576 */
  readonly maxBodyBytes?: number | undefined;
  /**
   * The protocol version. `auto` begins with 2.0; it falls back to 1.0 for good if the receiver does not show that it knows 2.0.
   * @default "auto"
   */
  readonly protocol?: "auto" | "1.0" | "2.0" | undefined;
  /** Whether a refused request is cut in halves until the refused series stand alone. @default true */
  readonly bisect?: boolean | undefined;
  /** Called with what a user should know. A message never holds a secret. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Sends the requests. @default globalThis.fetch, as it is when the client is created */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Returns the time, in milliseconds since the Unix epoch: for timestamps, Retry-After dates and tokens. @default Date.now */
  readonly now?: (() => number) | undefined;
  /**
   * Returns milliseconds that never go back, since any point in time: for deadlines, back-off and durations. An own clock needs an
   * own `sleep` that follows it.
   * @default performance.now
   */
  readonly monotonicNow?: (() => number) | undefined;
  /** Returns a number from 0 to below 1, for the jitter of the back-off. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Waits, for the back-off and for timers: at most a second at a time. @default by the timers of the runtime */
  readonly sleep?: Sleep | undefined;
}

/** The options that have no default. */
type Optional = keyof AuthOptions;

/** The definitions of the client's options. */
export const clientOptionDefinitions: OptionDefinitions<ClientOptions, Optional> = {
  url: {
    kind: "url",
    default: "http://localhost:9090/api/v1/write",
    help: "The remote-write endpoint.",
    check: parseUrl,
  },
  user: { kind: "string", placeholder: "NAME", help: "The user of basic authentication." },
  password: {
    kind: "string",
    secret: true,
    help: "The password of basic authentication. The environment is a safer place for it.",
  },
  bearerToken: {
    kind: "token",
    placeholder: "TOKEN",
    secret: true,
    help: "The bearer token. The environment is a safer place for it.",
  },
  auth: { kind: "auth" },
  headers: {
    kind: "headers",
    default: {},
    flag: "http-headers",
    secret: true,
    help: "More request headers, also as a JSON object.",
    check: checkHeaders,
  },
  // As Prometheus.
  timeoutMs: { kind: "durationMs", min: 1, default: 30_000, help: "How long one attempt may take." },
  // Long enough for a receiver's restart; callers that wait for the end of a run must see that end.
  retryDeadlineMs: {
    kind: "durationMs",
    default: 300_000,
    help: "How long a request is tried in total.",
  },
  retryOn429: { kind: "boolean", default: true, flag: "retry-on-429", help: "Retry after 429 Too Many Requests." },
  // As Prometheus.
  maxSamplesPerSend: { kind: "wholeNumber", min: 1, default: 2_000, help: "The most samples in one request." },
  // A quarter of what Prometheus accepts.
  maxDecodedBytes: {
    kind: "bytes",
    min: 1024,
    default: 8 * 1024 * 1024,
    help: "The largest request before compression.",
  },
  // nginx accepts no larger body by default.
  maxBodyBytes: { kind: "bytes", min: 1024, default: 1024 * 1024, help: "The largest request after compression." },
  protocol: {
    kind: "choice",
    choices: ["auto", "1.0", "2.0"],
    default: "auto",
    placeholder: "VERSION",
    help: "The protocol version: 1.0, 2.0, or auto, which begins with 2.0 and falls back to 1.0.",
  },
  bisect: {
    kind: "boolean",
    default: true,
    help: "Cut a refused request in halves until the refused series stand alone.",
  },
  onWarning: { kind: "function", default: (message) => console.warn(`k6-remote-write: ${message}`) },
  fetch: { kind: "function", default: (input, init) => globalThis.fetch(input, init) },
  now: { kind: "function", default: () => Date.now() },
  monotonicNow: { kind: "function", default: () => performance.now() },
  random: { kind: "function", default: () => Math.random() },
  sleep: { kind: "function", default: sleep },
};

/** What the final form of the options adds. Its `monotonicNow` and `sleep` leave out the times in which the process was stopped. */
export interface CompletedOptions {
  readonly url: string;
  /** Returns how often the process was stopped, or the machine slept, while the sender waited. */
  readonly gaps: () => number;
}

/** The client's options after the check. */
export interface ResolvedClientOptions extends Resolved<ClientOptions, Optional>, CompletedOptions {
  readonly url: string;
}

/**
 * Checks the client's options and adds the defaults.
 *
 * @param defaults replace the defaults of the definitions
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveClientOptions(
  options: ClientOptions = {},
  defaults?: Partial<ClientOptions>,
): ResolvedClientOptions {
  return completeClientOptions(checkOptions(options, clientOptionDefinitions, defaults), options);
}

/** Gives checked options their final form: what begins sending now must not change later. */
export function completeClientOptions<Checked extends Resolved<ClientOptions, Optional>>(
  checked: Checked,
  given: ClientOptions,
): Checked & CompletedOptions {
  const { monotonicNow, gaps, sleep } = new DeadlineClock(checked);
  return {
    ...checked,
    ...{ monotonicNow, gaps, sleep },
    url: parseUrl(checked.url),
    onWarning: guarded(checked.onWarning),
    // Taken now: an instrumented fetch that replaces the global one later must not measure the sender's own requests. Bound,
    // because some implementations check their `this`.
    fetch: given.fetch ?? globalThis.fetch.bind(globalThis),
  };
}

/** Returns the URL in full. */
function parseUrl(url: unknown): string {
  const text = String(url);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    // A string that is not a URL may hold a password anywhere.
    const shown = parsed === undefined ? "not a URL" : `"${parsed.protocol}//..."`;
    throw new ConfigurationError(`Cannot use the option url: it is ${shown}, expected http://... or https://...`);
  }
  return parsed.href;
}

/** Header values may be secret, so that they are not shown. An iterable object, such as `Headers`, has no members. */
function checkHeaders(headers: unknown): void {
  const isObject = typeof headers === "object" && headers !== null && !(Symbol.iterator in headers);
  if (isObject && Object.values(headers).every((value) => typeof value === "string")) return;
  throw new ConfigurationError(
    "Cannot use the option headers: it is not an object of strings, expected { name: value }",
  );
}

/** A log that fails must not end the sending. */
function guarded(onWarning: (message: string) => void): (message: string) => void {
  return (message) => {
    try {
      onWarning(message);
    } catch {
      // There is no other place to report it.
    }
  };
}
