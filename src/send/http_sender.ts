/**
 * One attempt to send a request over HTTP.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import { ConfigurationError, isRemoteWriteError, reasonOf } from "../model/errors.ts";
import { version as packageVersion } from "../model/version.ts";
import { withoutUserInfo } from "./auth/split_credentials.ts";
import type { Authorizer, RequestHeaders } from "./authorizer.ts";
import { sendDefaults } from "./defaults.ts";
import type { Fetch } from "./fetch.ts";
import { describeNetworkError } from "./network_error.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type {
  DeferredRequest,
  EncodedRequest,
  Failed,
  Rejected,
  RequestResult,
  Send,
  WrittenCounts,
} from "./request_result.ts";
import { parseUrl, redactSecrets, redactUrl, secretsOf } from "./redact.ts";
import { isUsedUp, type RequestBudget } from "./request_budget.ts";
import { drain, readReason } from "./response_text.ts";
import { parseRetryAfter } from "./retry_after.ts";
import { type Sleep, sleep as realSleep, untilAborted } from "./sleep.ts";

/** Where to send to, and how. */
export interface HttpSenderOptions {
  /** The endpoint, http or https. User info in it is not sent: that is the authorizer's task. */
  readonly url: string | URL;
  /** Further headers. They cannot override those of the protocol. @default {} */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sets credentials. @default none */
  readonly authorizer?: Authorizer;
  /** For one attempt, reading the answer included, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
  /** The bound on requests that `fetch` takes them from. @default none */
  readonly budget?: RequestBudget;
  /** @default globalThis.fetch */
  readonly fetch?: Fetch;
  /** @default by the runtime's timers */
  readonly sleep?: Sleep;
  /** Milliseconds since the Unix epoch. @default Date.now */
  readonly now?: () => number;
}

const protocolHeaders: Readonly<Record<ProtocolVersion, Readonly<Record<string, string>>>> = {
  "1.0": { "content-type": "application/x-protobuf", "x-prometheus-remote-write-version": "0.1.0" },
  "2.0": {
    "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "x-prometheus-remote-write-version": "2.0.0",
  },
};

const publicNames: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-type",
  "user-agent",
  "x-prometheus-remote-write-version",
  "retry-attempt",
]);

/** A receiver that moves needs one; more are a loop. */
const maxRedirects = 3;

const once = { attempts: 1, unknownBefore: false } as const;

/**
 * Makes the function that sends one request, once.
 *
 * @throws ConfigurationError if the URL or a header cannot be used
 */
export function createHttpSender(options: HttpSenderOptions): Send {
  const { authorizer, budget, timeoutMs = sendDefaults.timeoutMs, sleep = realSleep, now = Date.now } = options;
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const { endpoint, userInfo } = parseEndpoint(options.url);
  const custom = parseHeaders(options.headers ?? {});

  return async (request, signal) => {
    // Never within the call that hands samples over: a user's fetch may call the output.
    await undefined;
    if (signal.aborted) return { kind: "aborted", unknown: false, attempts: 0, unknownBefore: false };
    const attempt = new Attempt({ request, endpoint, userInfo, custom, authorizer, budget, fetch, sleep, now });
    const end = new AbortController();
    let timedOut = false;
    const abort = (): void => attempt.abort();
    signal.addEventListener("abort", abort, { once: true });
    // The timer behind it, as a runtime's first one takes a millisecond that the request need not wait for.
    const answered = attempt.run();
    void sleep(timeoutMs, end.signal).then(() => {
      if (end.signal.aborted) return;
      timedOut = true;
      abort();
    });
    try {
      return await answered;
    } catch (error) {
      if (signal.aborted) return { kind: "aborted", unknown: attempt.awaiting, ...once };
      if (timedOut) return attempt.failure(`no answer came within ${timeoutMs} ms`, error);
      return attempt.thrown(error);
    } finally {
      end.abort();
      signal.removeEventListener("abort", abort);
    }
  };
}

interface AttemptOptions {
  readonly request: EncodedRequest;
  readonly endpoint: URL;
  readonly userInfo: URL;
  readonly custom: RequestHeaders;
  readonly authorizer: Authorizer | undefined;
  readonly budget: RequestBudget | undefined;
  readonly fetch: Fetch;
  readonly sleep: Sleep;
  readonly now: () => number;
}

/** An attempt, with the few redirects and the one renewal of credentials that may belong to it. */
class Attempt {
  /** Whether an answer is outstanding: the receiver may have got the request. */
  awaiting = false;
  #answered = false;
  /** Whether its first request had all requests of the flush before it. */
  #hadWholeBudget: boolean | undefined;
  readonly #options: AttemptOptions;
  readonly #controller = new AbortController();
  #headers: RequestHeaders;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#headers = options.custom;
  }

  abort(): void {
    this.#controller.abort();
  }

  get #signal(): AbortSignal {
    return this.#controller.signal;
  }

  async run(): Promise<RequestResult> {
    const { authorizer, budget, endpoint } = this.#options;
    let url = endpoint;
    for (let redirects = 0, refreshed = false;;) {
      const response = await this.#post(url);
      const next = redirects === maxRedirects ? undefined : samePostElsewhere(response, url);
      const refreshes = response.status === 401 && !refreshed && authorizer?.refresh !== undefined;
      if (next === undefined && !refreshes) return await this.#judge(response, url);
      if (budget?.usedUp === true) {
        // A later flush has no more requests than this one had.
        if (this.#hadWholeBudget === true) return await this.#judge(response, url);
        await this.#drain(response);
        return this.#deferred();
      }
      if (refreshes) {
        refreshed = true;
        const isNew = await untilAborted(Promise.resolve(authorizer.refresh?.(this.#headers)), this.#signal);
        if (isNew !== true) return await this.#judge(response, url);
      }
      await this.#drain(response);
      if (next === undefined) continue;
      redirects++;
      url = next;
    }
  }

  /** No answer came. */
  failure(reason: string, cause: unknown, unknown: boolean = this.awaiting): Failed {
    const rest = { status: undefined, retryAfterMs: undefined, disconnected: false } as const;
    return { kind: "failed", reason: this.#redact(reason), unknown, cause, ...rest, ...once };
  }

  /** Something was thrown, by fetch or by the authorizer. */
  thrown(error: unknown): RequestResult {
    if (isUsedUp(error)) return this.#deferred();
    if (!this.awaiting) {
      const reason = `no credentials were to be had: ${reasonOf(error)}`;
      if (isRemoteWriteError(error, "configuration")) return this.#rejection(undefined, reason);
      return this.failure(reason, error);
    }
    const { reason, unreached, forbidden } = describeNetworkError(error);
    if (forbidden) return this.#rejection(undefined, reason);
    return { ...this.failure(reason, error, !unreached), disconnected: !unreached };
  }

  async #post(url: URL): Promise<Response> {
    const { request, custom, authorizer, budget, fetch } = this.#options;
    const { body, version, attempt = 0 } = request;
    const headers = new Map(custom);
    headers.set("content-encoding", "snappy");
    headers.set("user-agent", `k6-remote-write/${packageVersion}`);
    for (const [name, value] of Object.entries(protocolHeaders[version])) headers.set(name, value);
    headers.delete("retry-attempt");
    if (attempt > 0) headers.set("retry-attempt", String(attempt));
    this.#headers = headers;
    const signal = this.#signal;
    if (authorizer !== undefined) {
      const authorized = authorizer.authorize({ method: "POST", url: url.href, headers, body }, signal);
      await untilAborted(Promise.resolve(authorized), signal);
    }
    this.#hadWholeBudget ??= budget?.unused ?? true;
    this.awaiting = true;
    const init = { method: "POST", headers: Object.fromEntries(headers), body, redirect: "manual", signal } as const;
    const sent = fetch(url.href, init);
    const response = await untilAborted(sent, signal);
    this.awaiting = false;
    this.#answered = true;
    return response;
  }

  /** No request is left for what this attempt needs next. */
  #deferred(): DeferredRequest {
    return { kind: "deferred", attempts: this.#answered ? 1 : 0, unknownBefore: false };
  }

  async #judge(response: Response, url: URL): Promise<RequestResult> {
    const { status } = response;
    if (response.ok) {
      await this.#drain(response);
      return { kind: "written", status, written: writtenCounts(response.headers), ...once };
    }
    if (response.type === "opaqueredirect") {
      return this.#rejection(undefined, "it redirects; where to is not visible here");
    }
    if (status >= 300 && status < 400) {
      await this.#drain(response);
      const location = response.headers.get("location");
      const target = location === null ? undefined : parseUrl(location, url);
      return this.#rejection(status, `it redirects to ${target === undefined ? "nowhere" : redactUrl(target)}`);
    }
    const reason = await readReason(response, { secrets: this.#secrets(), signal: this.#signal });
    if (status !== 429 && status < 500) return this.#rejection(status, reason, writtenCounts(response.headers));
    return {
      kind: "failed",
      status,
      reason,
      retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), this.#options.now()),
      // These two say that the request was not handled; of the others, a gateway may have passed it on.
      unknown: status !== 429 && status !== 503,
      disconnected: false,
      cause: undefined,
      ...once,
    };
  }

  #rejection(status: number | undefined, reason: string, written?: WrittenCounts): Rejected {
    return { kind: "rejected", status, reason: this.#redact(reason), written, ...once };
  }

  #drain(response: Response): Promise<void> {
    return drain(response, { signal: this.#signal, sleep: this.#options.sleep });
  }

  #secrets(): Set<string> {
    return secretsOf(this.#headers, this.#options.userInfo, publicNames);
  }

  #redact(text: string): string {
    return redactSecrets(text, this.#secrets());
  }
}

/** Where 307 and 308 send the same POST to, if that is the same origin: credentials never go to another. */
function samePostElsewhere(response: Response, from: URL): URL | undefined {
  if (response.status !== 307 && response.status !== 308) return undefined;
  const location = response.headers.get("location");
  const target = location === null ? undefined : parseUrl(location, from);
  return target?.origin === from.origin ? target : undefined;
}

function writtenCounts(headers: Headers): WrittenCounts | undefined {
  const [samples, histograms, exemplars] = ["Samples", "Histograms", "Exemplars"].map((kind) => {
    const value = headers.get(`X-Prometheus-Remote-Write-${kind}-Written`);
    return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
  });
  if (samples === undefined && histograms === undefined && exemplars === undefined) return undefined;
  return { samples: samples ?? 0, histograms: histograms ?? 0, exemplars: exemplars ?? 0 };
}

/** The URL to send to, and the one as given for the secrets in it. */
function parseEndpoint(url: string | URL): { endpoint: URL; userInfo: URL } {
  const userInfo = parseUrl(String(url));
  if (userInfo === undefined || (userInfo.protocol !== "http:" && userInfo.protocol !== "https:")) {
    throw new ConfigurationError(`Cannot send: url is ${redactUrl(String(url))}, expected an http or https URL`);
  }
  // fetch refuses URLs with user info, in some runtimes.
  return { endpoint: withoutUserInfo(userInfo), userInfo };
}

/** A token of RFC 9110, 5.6.2. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Visible ASCII, white space and the bytes beyond, as RFC 9110, 5.5 has it: what all runtimes send. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Names become lower case; the white space around a value is not part of it. */
function parseHeaders(custom: Readonly<Record<string, string>>): RequestHeaders {
  const headers: RequestHeaders = new Map();
  for (const [name, given] of Object.entries(custom)) {
    const value = String(given).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (!headerName.test(name) || !headerValue.test(value)) {
      // The value may be a secret.
      throw new ConfigurationError(`Cannot send: the header ${JSON.stringify(name)} or its value is not valid in HTTP`);
    }
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}
