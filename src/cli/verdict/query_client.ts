/**
 * Asks the query API of Prometheus, and of servers with the same API.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 * @module
 */
import { reasonOf } from "../../model/errors.ts";
import { version } from "../../model/version.ts";
import type { AuthContext, Authorizer, RequestHeaders } from "../../send/auth/authorizer.ts";
import { type AuthOptions, resolveAuthorizer } from "../../send/auth/resolve_authorizer.ts";
import { readAtMost } from "../../send/answer.ts";
import { describeNetworkError } from "../../send/network_error.ts";
import { cleanText, redactSecrets, redactUrl, secretsOf } from "../../send/redact.ts";
import { parseHeaders, withoutUserInfo } from "../../send/request_head.ts";
import { abortAfter, type Sleep } from "../../send/sleep.ts";

/** The query API could not answer a query. */
export class QueryError extends Error {
  override name = "QueryError";
  /** The HTTP status; undefined if no answer came. */
  readonly status: number | undefined;
  /** Whether another attempt is useless. */
  readonly isPermanent: boolean;

  constructor(
    message: string,
    { status, isPermanent = false }: { readonly status?: number | undefined; readonly isPermanent?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.isPermanent = isPermanent || status !== undefined && status !== 429 && status < 500;
  }
}

/** Where and how to ask. */
export interface QueryClientOptions extends AuthOptions {
  /** The API's URL, up to and including `/api/v1`. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly fetch: AuthContext["fetch"];
  readonly sleep: Sleep;
  /** The time in milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A histogram as the API shows it. Counts are of the bucket alone. */
export interface QueriedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly { readonly low: number; readonly high: number; readonly count: number }[];
}

/** A series of an instant query. A native histogram has `histogram`, and `value` is NaN. */
export interface InstantSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly histogram?: QueriedHistogram | undefined;
}

/** A series with its samples. */
export interface SampledSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly floats: readonly { readonly timeMs: number; readonly value: number }[];
  readonly histograms: readonly { readonly timeMs: number; readonly histogram: QueriedHistogram }[];
}

/** An answer of this size has more series than can be judged, or never ends. Its values take several times as much memory. */
const maxAnswerBytes = 134_217_728;

/** How long the client waits before it tries again, in milliseconds. */
const retryDelaysMs: readonly number[] = [500, 2000];

/** Asks the query API of one server. */
export class QueryClient {
  readonly #options: QueryClientOptions;
  readonly #headers: RequestHeaders;
  readonly #authorizer: Authorizer | undefined;

  /** @throws ConfigurationError for a header or an authentication that cannot be used */
  constructor(options: QueryClientOptions) {
    this.#options = options;
    this.#headers = parseHeaders(options.headers);
    this.#authorizer = resolveAuthorizer(options, options);
  }

  /** The API without secrets, for messages. */
  get endpoint(): string {
    return redactUrl(this.#options.url);
  }

  /** Returns the result of an instant query whose result is a vector. @throws QueryError */
  async instant(query: string, timeMs: number): Promise<readonly InstantSeries[]> {
    const result = await this.#ask("query", { query, time: secondsOf(timeMs) });
    return result.map((series) => ({
      labels: labelsOf(series),
      value: numberOf(arrayOf(series.value)[1]),
      ...series.histogram !== undefined && { histogram: histogramOf(arrayOf(series.histogram)[1]) },
    }));
  }

  /** Returns the samples that an instant query with a range selector selects. @throws QueryError */
  async samples(query: string, timeMs: number): Promise<readonly SampledSeries[]> {
    return (await this.#ask("query", { query, time: secondsOf(timeMs) })).map(sampledSeriesOf);
  }

  /** Returns the result of a range query. @throws QueryError */
  async range(
    query: string,
    { startMs, endMs, stepMs }: { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
  ): Promise<readonly SampledSeries[]> {
    const times = { start: secondsOf(startMs), end: secondsOf(endMs), step: secondsOf(stepMs) };
    return (await this.#ask("query_range", { query, ...times })).map(sampledSeriesOf);
  }

  /** Returns the labels of the series with samples in a time. The server may add series that were there a little earlier. */
  async series(
    selector: string,
    { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  ): Promise<readonly Readonly<Record<string, string>>[]> {
    const times = { start: secondsOf(startMs), end: secondsOf(endMs) };
    return (await this.#ask("series", { "match[]": selector, ...times })).map((metric) => labelsOf({ metric }));
  }

  /** Returns the labels of the exemplars of the series that an expression selects. @throws QueryError */
  async exemplars(
    query: string,
    { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  ): Promise<readonly Readonly<Record<string, string>>[]> {
    const found = await this.#ask("query_exemplars", { query, start: secondsOf(startMs), end: secondsOf(endMs) });
    return found.flatMap(({ exemplars }) =>
      arrayOf(exemplars).map((each) => labelsOf({ metric: Object(each).labels }))
    );
  }

  async #ask(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly QueriedSeries[]> {
    for (let attempt = 0;; attempt++) {
      try {
        return await this.#attempt(path, parameters);
      } catch (error) {
        const delayMs = retryDelaysMs[attempt];
        if (!(error instanceof QueryError) || error.isPermanent || delayMs === undefined) throw error;
        await this.#options.sleep(delayMs, new AbortController().signal);
      }
    }
  }

  async #attempt(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly QueriedSeries[]> {
    const { timeoutMs, sleep } = this.#options;
    const controller = new AbortController();
    const clear = abortAfter(timeoutMs, controller, { sleep });
    try {
      // Without nocache, VictoriaMetrics hides the samples of the last half minute. Other servers ignore it.
      const form = new URLSearchParams({ ...parameters, nocache: "1" });
      let refused: RequestHeaders | undefined;
      for (;;) {
        const headers = new Map(this.#headers);
        const response = await this.#post(path, { form, headers, signal: controller.signal });
        const renews = response.status === 401 && refused === undefined && this.#authorizer?.refresh !== undefined;
        refused = headers;
        if (renews && await this.#authorizer?.refresh?.(headers)) {
          await response.body?.cancel();
          continue;
        }
        const text = await readAtMost(response, { maxBytes: maxAnswerBytes, signal: controller.signal });
        if (text === undefined) {
          throw this.#error(`its answer is larger than ${maxAnswerBytes / 1_048_576} MiB`, { isPermanent: true });
        }
        return this.#resultOf(response.status, text, headers);
      }
    } catch (error) {
      if (error instanceof QueryError) throw error;
      if (controller.signal.aborted) throw this.#error(`it did not answer within ${timeoutMs / 1000} s`);
      const { reason, isPermanent } = describeNetworkError(error);
      throw this.#error(reason, { isPermanent });
    } finally {
      clear();
    }
  }

  async #post(
    path: string,
    { form, headers, signal }: {
      readonly form: URLSearchParams;
      readonly headers: RequestHeaders;
      readonly signal: AbortSignal;
    },
  ): Promise<Response> {
    const { url, fetch } = this.#options;
    const target = withoutUserInfo(url);
    target.pathname = `${target.pathname}/${path}`;
    const body = new TextEncoder().encode(String(form));
    headers.set("content-type", "application/x-www-form-urlencoded");
    // Mimir and Thanos may answer from a cache.
    headers.set("cache-control", "no-store");
    headers.set("user-agent", `k6-remote-write/${version}`);
    try {
      await this.#authorizer?.authorize({ method: "POST", url: target.href, headers, body }, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw this.#error(`the credentials could not be obtained: ${cleanText(reasonOf(error))}`);
    }
    const init = { method: "POST", headers: Object.fromEntries(headers), body, redirect: "manual", signal } as const;
    return await fetch(target.href, init);
  }

  #resultOf(status: number, text: string, headers: RequestHeaders): readonly QueriedSeries[] {
    const answer = parseAnswer(text);
    if (answer?.status === "success" && status === 200) {
      return arrayOf(Array.isArray(answer.data) ? answer.data : Object(answer.data).result).map(Object);
    }
    const secrets = secretsOf(headers, this.#options.url);
    const said = typeof answer?.error === "string"
      ? answer.error
      : (/^\s*</.test(text) ? "it answers with a page, not with JSON" : text);
    const reason = cleanText(redactSecrets(said, secrets)).slice(0, 300);
    throw this.#error(`status ${status}${reason === "" ? "" : `: ${reason}`}`, { status });
  }

  #error(reason: string, facts: { readonly status?: number; readonly isPermanent?: boolean } = {}): QueryError {
    return new QueryError(`Cannot query ${this.endpoint}: ${reason}`, facts);
  }
}

/** A series of the API's JSON. Its members are checked when they are read. */
type QueriedSeries = Readonly<Record<string, unknown>>;

function parseAnswer(text: string): { status?: unknown; error?: unknown; data?: unknown } | undefined {
  try {
    return Object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function sampledSeriesOf(series: QueriedSeries): SampledSeries {
  const pairs = (values: unknown): (readonly [timeMs: number, value: unknown])[] =>
    arrayOf(values).map(arrayOf).map(([time, value]) => [Math.round(numberOf(time) * 1000), value] as const)
      .filter(([timeMs]) => isTime(timeMs));
  return {
    labels: labelsOf(series),
    floats: pairs(series.values).map(([timeMs, value]) => ({ timeMs, value: numberOf(value) })),
    histograms: pairs(series.histograms).map(([timeMs, value]) => ({ timeMs, histogram: histogramOf(value) })),
  };
}

function histogramOf(value: unknown): QueriedHistogram {
  const { count, sum, buckets } = Object(value);
  return {
    count: numberOf(count),
    sum: numberOf(sum),
    // The first member tells which bounds belong to the bucket.
    buckets: arrayOf(buckets).map((bucket) => {
      const [, low, high, count] = arrayOf(bucket).map(numberOf);
      return { low: low ?? NaN, high: high ?? NaN, count: count ?? NaN };
    }),
  };
}

function labelsOf({ metric }: QueriedSeries): Readonly<Record<string, string>> {
  const pairs = Object.entries<unknown>(Object(metric));
  return Object.fromEntries(pairs.flatMap(([name, value]) => typeof value === "string" ? [[name, value]] : []));
}

/** Reads a number, which the API writes as a string or as a number. Anything else is NaN. */
function numberOf(value: unknown): number {
  return typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
}

/** Reports whether a date can have this time, in milliseconds. */
export function isTime(ms: number): boolean {
  return Math.abs(ms) <= 8.64e15;
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function secondsOf(ms: number): string {
  return String(ms / 1000);
}
