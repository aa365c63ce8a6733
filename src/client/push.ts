/**
 * The smallest way to push: one request of remote write 1.0, without WebAssembly, queue and splitting. It is for edge handlers, where
 * size and the time to the first request count. `pushOnce` of the main entry has the full machinery.
 *
 * @example
 * ```ts
 * import { push } from "k6-remote-write/push";
 *
 * const { delivered, reason } = await push({ name: "queue_depth", labels: { room: "a" }, value: 3 }, {
 *   url: "http://localhost:9090/api/v1/write",
 * });
 * console.log(delivered === 1 ? "stored" : reason);
 * ```
 *
 * @example Several gauges with the same labels
 * ```ts
 * import { pushMetrics } from "k6-remote-write/push";
 *
 * await pushMetrics({ queue_depth: 100, workers: 4 }, {
 *   labels: { room: "a" },
 *   url: "http://localhost:9090/api/v1/write",
 * });
 * ```
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { version } from "../model/version.ts";
import type { NamedSeries, TimeSeries } from "../model/time_series.ts";
import { encodeSmall } from "../protocol/encode_small.ts";
import { literalBlock } from "../protocol/literal_block.ts";
import { readSeries } from "../protocol/read_series.ts";
import { timeSeriesOf } from "../protocol/series_input.ts";
import { basicCredentials, userInfoOf } from "../send/auth/basic.ts";
import { bearerCredentials } from "../send/auth/bearer.ts";
import { post, type PostRequest } from "../send/post.ts";
import { parseHttpUrl } from "../send/redact.ts";
import { parseHeaders, withoutUserInfo } from "../send/request_head.ts";
import { type Sleep, sleep as wait } from "../send/sleep.ts";

export type {
  BucketSpan,
  Exemplar,
  FloatSample,
  Histogram,
  Label,
  Metadata,
  NamedSeries,
  TimeSeries,
} from "../model/time_series.ts";
export type { Sleep } from "../send/sleep.ts";

/** The options of `push`: where to send, with which credentials, and how long to try. */
export interface PushOptions {
  /** The remote-write endpoint. User name and password in it are sent as basic authentication. */
  readonly url: string | URL;
  /** Additional request headers, by name. The headers of the protocol cannot be changed. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The user of basic authentication. @default none */
  readonly user?: string | undefined;
  /** The password of basic authentication. @default "" */
  readonly password?: string | undefined;
  /** The token for `Authorization: Bearer`. @default none */
  readonly bearerToken?: string | (() => string | Promise<string>) | undefined;
  /** Sends the requests, for TLS settings, a proxy or tests. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How long one attempt may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** Ends the push at once. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Returns the time, in milliseconds since the Unix epoch: for values without a timestamp. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Waits before the retry, for a time or until a signal. @default the timers of the runtime */
  readonly sleep?: Sleep | undefined;
}

/** The options of `pushMetrics`: those of `push`, and the labels of all metrics. */
export interface PushMetricsOptions extends PushOptions {
  /** The labels of all metrics, by name. @default {} */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** What happened to the samples of a push. All of them have the same outcome, because they are in one request. */
export interface PushResult {
  /** All samples: the sum of the four numbers below. */
  readonly samples: number;
  /** Samples that the endpoint acknowledged. */
  readonly delivered: number;
  /** Samples that the endpoint rejected because of their content. Some receivers store the good samples of such a request. */
  readonly rejected: number;
  /** Samples that were not stored: the endpoint was not reached, was too busy, or refuses all requests. */
  readonly failed: number;
  /** Samples that were perhaps stored: no answer came, the server reported an error, or it refused them after such an attempt. */
  readonly unknown: number;
  /** The number of requests: 1, or 2 with a retry; 0 if there was nothing to send. */
  readonly requests: number;
  /** The status of the last answer; undefined if none came. */
  readonly status: number | undefined;
  /** Why the samples were not delivered: the words of the endpoint or of the runtime, shortened and without secrets. */
  readonly reason: string | undefined;
}

const protocolHeaders = {
  "content-encoding": "snappy",
  "content-type": "application/x-protobuf",
  "x-prometheus-remote-write-version": "0.1.0",
  "user-agent": `k6-remote-write/${version}`,
};

/** Workers allow 30 seconds after a response: two attempts and this pause fit. */
const maxPauseMs = 10_000;

/**
 * Sends series in one request, with one retry after a network error, a 5xx or a 429. It resolves when the samples are delivered or
 * given up, and does not reject if the endpoint refuses them. Its bodies are not compressed: use `pushOnce` from some thousand
 * samples on, for native histograms, for metadata and for 2.0.
 *
 * @throws ConfigurationError for an option that cannot be used
 * @throws FormatError for a series that cannot be sent. Nothing is sent then.
 */
export async function push(
  series: NamedSeries | TimeSeries | readonly (NamedSeries | TimeSeries)[],
  options: PushOptions,
): Promise<PushResult> {
  const {
    now = Date.now,
    sleep = wait,
    fetch = globalThis.fetch,
    timeoutMs = 10_000,
    signal = new AbortController().signal,
    ...rest
  }: PushOptions = Object(options);
  if (!(timeoutMs > 0)) throw optionError("timeoutMs", `it is ${timeoutMs}`, "milliseconds");
  const head = await headOf(rest);
  const read = readSeries(timeSeriesOf(series, now()), {
    readHistogram: (_, fail) => fail("it has histograms, expected samples, or pushOnce"),
  });
  const body = literalBlock(encodeSmall(read));
  const samples = read.reduce((sum, { points }) => sum + points.length, 0);
  const counts = { samples, delivered: 0, rejected: 0, failed: 0, unknown: 0, requests: 0 };
  if (samples === 0) return { ...counts, status: undefined, reason: undefined };
  const request = { ...head, body, now, fetch, timeoutMs, signal };
  const first = await post(request);
  let last = first;
  if (first.retry) {
    // Several senders that failed together should not return together.
    await sleep(Math.min(first.retryAfterMs ?? 500 + 500 * Math.random(), maxPauseMs), signal);
    if (!signal.aborted) last = await post(request);
  }
  // Receivers refuse samples that they have: the first attempt most likely stored them.
  const outcome = first.outcome === "unknown" && last.outcome !== "delivered" ? "unknown" : last.outcome;
  const { status, reason } = last;
  return { ...counts, [outcome]: samples, requests: last === first ? 1 : 2, status, reason };
}

/**
 * Sends the current values of metrics, by name, as `push` does.
 *
 * @throws ConfigurationError for an option that cannot be used
 * @throws FormatError for a metric that cannot be sent. Nothing is sent then.
 */
export async function pushMetrics(
  metrics: Readonly<Record<string, number>>,
  options: PushMetricsOptions,
): Promise<PushResult> {
  const { labels, ...rest }: PushMetricsOptions = Object(options);
  const values: [string, number][] = Object.entries(Object(metrics));
  return await push(values.map(([name, value]) => ({ name, labels, value })), rest);
}

/** Where to send, with which headers, and what no message may show. */
type RequestHead = Pick<PostRequest, "url" | "headers" | "secrets">;

/** Checks the options, and makes of them what every request has. @throws ConfigurationError that never shows a secret */
async function headOf(
  { url: given, user, password, bearerToken, headers: custom = {}, ...others }: PushOptions,
): Promise<RequestHead> {
  for (const name of Object.keys(others)) throw optionError(name, "it is unknown", "one of PushOptions");
  const url = parseHttpUrl(String(given));
  if (url === undefined) throw optionError("url", "it is not a URL", "http or https");
  const headers = parseHeaders(custom);
  const userInfo = userInfoOf(url);
  if (user === undefined && password !== undefined) throw optionError("user", "it is missing", "a name");
  const token = typeof bearerToken === "function" ? await bearerToken() : bearerToken;
  const [method, another] = [
    userInfo && basicCredentials(userInfo),
    user === undefined ? user : basicCredentials({ user, password: password ?? "" }),
    token === undefined ? token : bearerCredentials(token),
    headers.get("authorization"),
  ].filter((each) => each !== undefined);
  if (another) throw optionError("bearerToken", "there is another method", "one of them");
  if (method) headers.set("authorization", method);
  const values = [...headers.values()];
  // Custom headers cannot override these.
  for (const [name, value] of Object.entries(protocolHeaders)) headers.set(name, value);
  // This is called only if there is a reason to show, because it takes time.
  const secrets = (): string[] => [
    ...values.flatMap((value) => [value, value.slice(value.indexOf(" ") + 1)]),
    ...url.searchParams.values(),
    password ?? userInfo?.password ?? "",
  ];
  return { url: withoutUserInfo(url), headers, secrets };
}

function optionError(name: string, problem: string, expected: string): ConfigurationError {
  return new ConfigurationError(`Cannot use the option ${name}: ${problem}, expected ${expected}`);
}
