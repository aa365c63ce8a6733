/**
 * The options of the generic client: where to send, how to authenticate, and how hard to try.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { printableMessage } from "../model/printable.ts";
import { isRecord } from "../model/records.ts";
import type { AuthOptions } from "../send/auth/resolve_authorizer.ts";
import { parseHttpUrl, redactUrl } from "../send/redact.ts";
import { DeadlineClock } from "../send/deadline_clock.ts";
import { type Sleep, sleep } from "../send/sleep.ts";
import { checkOptions, type OptionDefinitions, type Resolved } from "./option_definition.ts";

/** The options of a client. At most one method of authentication may be given. */
export interface ClientOptions extends AuthOptions {
  /**
   * The remote-write endpoint. User name and password in it are sent as basic authentication.
   * @default "http://localhost:9090/api/v1/write"
   */
  readonly url?: string | URL | undefined;
  /** Additional request headers, by name. The four headers of the protocol cannot be changed. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long one attempt may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** How long after the first attempt another attempt may begin, in milliseconds. @default 300000 */
  readonly retryDeadlineMs?: number | undefined;
  /** Whether a request is retried after the response 429 Too Many Requests. @default true */
  readonly retryOn429?: boolean | undefined;
  /** The most samples in one request. @default 2000 */
  readonly maxSamplesPerSend?: number | undefined;
  /** The largest request before compression, in bytes. @default 8388608 */
  readonly maxDecodedBytes?: number | undefined;
  /** The largest request after compression, in bytes. @default 1048576 */
  readonly maxBodyBytes?: number | undefined;
  /**
   * The protocol version. `auto` begins with 2.0, and falls back to 1.0 for good if the responses do not show that the receiver
   * knows 2.0.
   * @default "auto"
   */
  readonly protocol?: "auto" | "1.0" | "2.0" | undefined;
  /**
   * How a 1.0 request writes the names of metrics and labels that 1.0 does not allow, such as `http.server.duration`: as Prometheus's
   * `values` (`U__http_2e_server_2e_duration`), or with `underscores` (`http_server_duration`). Series that get the same name and
   * labels by underscores cannot be sent. 2.0 requests have the names themselves.
   * @default "values"
   */
  readonly nameEscaping?: "values" | "underscores" | undefined;
  /**
   * Whether a refused request is divided into halves until the refused series are found. From then on, these series are sent
   * separately, and less and less often.
   * @default true
   */
  readonly bisect?: boolean | undefined;
  /** Called with each warning, one line without secrets and without controls of a terminal. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined;
  /**
   * Sends the requests. Pass another one for TLS settings, a proxy or tests.
   * @default globalThis.fetch at the time when the client is created
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Returns the time, in milliseconds since the Unix epoch: for timestamps, Retry-After dates and tokens. @default Date.now */
  readonly now?: (() => number) | undefined;
  /**
   * Returns milliseconds that never go back, since any point in time: for deadlines, back-off and durations. A custom clock needs a
   * custom `sleep` that follows it.
   * @default performance.now
   */
  readonly monotonicNow?: (() => number) | undefined;
  /** Returns a random number from 0 to below 1, for the jitter of the back-off. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Waits for a time or until a signal: at most a second at a time. @default the timers of the runtime */
  readonly sleep?: Sleep | undefined;
}

/** The options whose definitions have no default. */
export type OptionalClientOption = keyof AuthOptions | "fetch";

/** The definitions of the client's options. */
export const clientOptionDefinitions: OptionDefinitions<ClientOptions, OptionalClientOption> = {
  url: {
    kind: "url",
    default: "http://localhost:9090/api/v1/write",
    // It may contain a password or a token.
    secret: true,
    check: parseUrl,
  },
  user: { kind: "string" },
  password: { kind: "string", secret: true },
  bearerToken: { kind: "token", secret: true },
  auth: { kind: "auth" },
  headers: { kind: "headers", default: {}, secret: true, check: checkHeaders },
  // As in Prometheus.
  timeoutMs: { kind: "durationMs", min: 1, default: 30_000 },
  // Long enough for a restart of the receiver, but finite, because callers wait for the end of a run.
  retryDeadlineMs: { kind: "durationMs", default: 300_000 },
  retryOn429: { kind: "boolean", default: true },
  // As in Prometheus.
  maxSamplesPerSend: { kind: "wholeNumber", min: 1, default: 2_000 },
  // A quarter of what Prometheus accepts.
  maxDecodedBytes: { kind: "bytes", min: 1024, default: 8 * 1024 * 1024 },
  // nginx accepts no larger body by default.
  maxBodyBytes: { kind: "bytes", min: 1024, default: 1024 * 1024 },
  protocol: { kind: "choice", choices: ["auto", "1.0", "2.0"], default: "auto" },
  // Different names stay different.
  nameEscaping: { kind: "choice", choices: ["values", "underscores"], default: "values" },
  bisect: { kind: "boolean", default: true },
  onWarning: { kind: "function", default: (message) => console.warn(`k6-remote-write: ${message}`) },
  fetch: { kind: "function" },
  now: { kind: "function", default: () => Date.now() },
  monotonicNow: { kind: "function", default: () => performance.now() },
  random: { kind: "function", default: () => Math.random() },
  sleep: { kind: "function", default: sleep },
};

/** The client's options after the check. */
export type ResolvedClientOptions = Resolved<ClientOptions, OptionalClientOption> & CompletedOptions;

/** What the final form of the options adds. Its `monotonicNow` and `sleep` leave out the times in which the process was stopped. */
export interface CompletedOptions {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** Returns how often the process was stopped, or the machine slept, while the sender waited. */
  readonly gaps: () => number;
}

/**
 * Checks the client's options and adds the defaults.
 *
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveClientOptions(options: ClientOptions = {}): ResolvedClientOptions {
  return completeClientOptions(checkOptions(options, clientOptionDefinitions));
}

/** Gives checked options of a client, or options that extend them, their final form. */
export function completeClientOptions<Checked extends Resolved<ClientOptions, OptionalClientOption>>(
  checked: Checked,
): Checked & CompletedOptions {
  const { monotonicNow, gaps, sleep } = new DeadlineClock(checked);
  return {
    ...checked,
    ...{ monotonicNow, gaps, sleep },
    url: parseUrl(checked.url),
    onWarning: guarded(checked.onWarning),
    // Read now: if an instrumented fetch replaces the global fetch later, it must not measure the sender's own requests. Bound,
    // because some implementations check `this`.
    fetch: checked.fetch ?? globalThis.fetch.bind(globalThis),
  };
}

/** Returns the URL in its normal form. @throws ConfigurationError if it is not an http or https URL */
function parseUrl(url: unknown): string {
  const text = String(url);
  const parsed = parseHttpUrl(text);
  if (parsed !== undefined) return parsed.href;
  throw new ConfigurationError(
    `Cannot use the option url: it is ${redactUrl(text)}, expected http://... or https://...`,
  );
}

/** Does not show the values, which may be secret. An iterable object, such as `Headers`, is an error: it has no own properties. */
function checkHeaders(headers: unknown): void {
  if (isRecord(headers) && Object.values(headers).every((value) => typeof value === "string")) return;
  throw new ConfigurationError(
    "Cannot use the option headers: it is not an object of strings, expected { name: value }",
  );
}

/**
 * Returns a function that passes on printable warnings, because they quote the words of others. It ignores errors of `onWarning`,
 * because they must not end the sending.
 */
export function guarded(onWarning: (message: string) => void): (message: string) => void {
  return (message) => {
    try {
      onWarning(printableMessage(message));
    } catch {
      // There is no other place to report it.
    }
  };
}
