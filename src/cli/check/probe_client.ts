/**
 * Sends single requests to an endpoint, and returns everything about their answers. It neither retries nor splits, because a check
 * wants to see what the sender would have to deal with.
 *
 * @module
 */
import type { EncodedRequest, ProtocolVersion, WrittenCounts } from "../../send/request_result.ts";
import { isPage, readReason, writtenCounts } from "../../send/answer.ts";
import type { Authorizer, RequestHeaders } from "../../send/auth/authorizer.ts";
import { type AuthOptions, resolveAuthorizer } from "../../send/auth/resolve_authorizer.ts";
import { describeNetworkError } from "../../send/network_error.ts";
import { parseUrl, redactSecrets, redactUrl, secretsOf } from "../../send/redact.ts";
import { headersOf, parseHeaders, withoutUserInfo } from "../../send/request_head.ts";
import { abortAfter, type Sleep, untilAborted } from "../../send/sleep.ts";
import { reasonOf } from "../../model/errors.ts";

/** Where and how to send. */
interface ProbeClientOptions extends AuthOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly sleep: Sleep;
  readonly now: () => number;
  readonly monotonicNow: () => number;
}

/** An answer of the endpoint. */
export interface Answer {
  readonly status: number;
  /** The first words of the body, on one line and without secrets; "" for a success. */
  readonly words: string;
  readonly headers: Headers;
  /** Whether the body is not empty. */
  readonly hasBody: boolean;
  /** From the Written headers of 2.0; undefined if there are none. */
  readonly written: WrittenCounts | undefined;
  /** Whether the body is a page for people. */
  readonly isPage: boolean;
  /** Where the answer redirects to, without secrets. */
  readonly location: string | undefined;
  /** Where a redirect that the sender follows led, without secrets. */
  readonly followedTo: string | undefined;
  /** How far this machine's clock is ahead of the endpoint's, in milliseconds; undefined without a header Date. */
  readonly clockAheadMs: number | undefined;
  /** How long the answer took, in milliseconds. */
  readonly ms: number;
}

/** The result of a request to which no answer came. */
export interface NoAnswer {
  readonly status: undefined;
  readonly words: "";
  readonly written: undefined;
  /** Why no answer came, without secrets. */
  readonly reason: string;
  readonly kind: "timeout" | "network" | "credentials";
  /** Whether the receiver cannot have got the request. */
  readonly unreached: boolean;
  readonly ms: number;
}

/** A request that `check` sends to learn something from the answer. */
interface Probe {
  readonly version: ProtocolVersion;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Another URL of the same origin. */
  readonly url?: URL;
  /** The compression, if it is not snappy. */
  readonly encoding?: string;
}

/** The most redirects, as for the sender: a receiver that moved needs one, and more are a loop. */
const maxRedirects = 3;

/** How long the client waits at most because of a rate limit, in milliseconds. It waits once for a request. */
const maxPauseMs = 2000;

/** Sends requests to one endpoint. */
export class ProbeClient {
  /** How many requests were sent. */
  requests = 0;
  /** How many requests the endpoint refused twice because of a limit of their rate. */
  limited = 0;
  readonly #options: ProbeClientOptions;
  readonly #given: URL;
  readonly #custom: RequestHeaders;
  readonly #authorizer: Authorizer | undefined;

  /** @throws ConfigurationError for a header or an authentication that cannot be used */
  constructor(options: ProbeClientOptions) {
    this.#options = options;
    this.#given = new URL(options.url);
    this.#custom = parseHeaders(options.headers);
    this.#authorizer = resolveAuthorizer(options, { ...options, url: this.#given });
  }

  /** Whether requests carry credentials: of an authentication method, or in a header Authorization. */
  get isAuthorized(): boolean {
    return this.#authorizer !== undefined || this.#custom.has("authorization");
  }

  /** Sends a request. A broken connection, and a rate limit, get one more attempt. */
  async send(probe: Probe): Promise<Answer | NoAnswer> {
    const first = await this.#attempt(probe);
    // Perhaps the endpoint has just closed a connection that was kept open.
    if (first.status === undefined) return first.kind === "network" ? await this.#attempt(probe) : first;
    if (first.status !== 429) return first;
    const seconds = Number(first.headers.get("retry-after") ?? 1);
    const pauseMs = seconds >= 0 ? Math.min(seconds * 1000, maxPauseMs) : maxPauseMs;
    await this.#options.sleep(pauseMs, new AbortController().signal);
    const second = await this.#attempt(probe);
    if (second.status === 429) this.limited++;
    return second;
  }

  async #attempt(probe: Probe): Promise<Answer | NoAnswer> {
    const { timeoutMs, sleep, monotonicNow } = this.#options;
    const controller = new AbortController();
    const clear = abortAfter(timeoutMs, controller, { sleep });
    const started = monotonicNow();
    const none = (kind: NoAnswer["kind"], reason: string, unreached: boolean): NoAnswer => ({
      ...{ kind, unreached, status: undefined, words: "", written: undefined, ms: monotonicNow() - started },
      reason: redactSecrets(reason, secretsOf(this.#custom, this.#given)),
    });
    try {
      return await this.#exchange(probe, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return none("timeout", `it did not answer within ${timeoutMs / 1000} s`, false);
      if (error instanceof CredentialsError) return none("credentials", error.message, true);
      const { reason, unreached } = describeNetworkError(error);
      return none("network", reason.replace("fetch cannot send to this endpoint: ", ""), unreached);
    } finally {
      clear();
    }
  }

  async #exchange(probe: Probe, signal: AbortSignal): Promise<Answer> {
    const { now, monotonicNow } = this.#options;
    let url = withoutUserInfo(probe.url ?? this.#given);
    let followedTo: string | undefined;
    for (let redirects = 0, refreshed = false;;) {
      const [startedMs, started] = [now(), monotonicNow()];
      const headers = this.#headersOf(probe);
      const response = await this.#post(url, { probe, headers, signal });
      const ms = monotonicNow() - started;
      const target = parseUrl(response.headers.get("location") ?? "", url);
      const isFollowed = (response.status === 307 || response.status === 308) && target?.origin === url.origin;
      if (isFollowed && target !== undefined && redirects++ < maxRedirects) {
        void response.body?.cancel().catch(() => {});
        url = withoutUserInfo(target);
        followedTo = redactUrl(url);
        continue;
      }
      if (response.status === 401 && !refreshed && await this.#authorizer?.refresh?.(headers) === true) {
        void response.body?.cancel().catch(() => {});
        refreshed = true;
        continue;
      }
      const secrets = secretsOf(headers, this.#given);
      const words = await readReason(response, { secrets, signal, sleep: this.#options.sleep });
      const hasBody = words !== "no reason given";
      return {
        status: response.status,
        words: response.ok || isPage(response) || !hasBody ? "" : words,
        hasBody,
        headers: response.headers,
        written: writtenCounts(response.headers),
        isPage: isPage(response),
        location: target === undefined ? undefined : redactUrl(target),
        followedTo,
        clockAheadMs: clockAhead(response.headers.get("date"), startedMs + ms / 2),
        ms,
      };
    }
  }

  #headersOf({ version, body, encoding }: Probe): RequestHeaders {
    const request: EncodedRequest = {
      ...{ version, body, samples: 0, attempt: 0, resent: false, maxServerErrors: 0, retryUntilMs: 0 },
    };
    const headers = headersOf(request, this.#custom);
    if (encoding !== undefined) headers.set("content-encoding", encoding);
    return headers;
  }

  async #post(
    url: URL,
    { probe: { body }, headers, signal }: {
      readonly probe: Probe;
      readonly headers: RequestHeaders;
      readonly signal: AbortSignal;
    },
  ): Promise<Response> {
    try {
      await untilAborted(this.#authorizer?.authorize({ method: "POST", url: url.href, headers, body }, signal), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new CredentialsError(`the credentials could not be obtained: ${reasonOf(error)}`);
    }
    this.requests++;
    const init = { method: "POST", headers: Object.fromEntries(headers), body, redirect: "manual", signal } as const;
    return await untilAborted(this.#options.fetch(url.href, init), signal);
  }
}

class CredentialsError extends Error {}

/** The header Date has whole seconds, so its time is half a second later on average. */
function clockAhead(date: string | null, atMs: number): number | undefined {
  const theirs = Date.parse(date ?? "");
  return Number.isNaN(theirs) ? undefined : atMs - (theirs + 500);
}

/** Describes an answer, or why there is none, in one clause. */
export function describeAnswer(answer: Answer | NoAnswer): string {
  if (answer.status === undefined) return answer.reason;
  return `status ${answer.status}${answer.words === "" ? "" : `: ${cut(answer.words)}`}`;
}

/** A message needs no more of the receiver's words. */
const maxWords = 200;

/** Returns the beginning, without label sets: the step says which series was sent. */
function cut(words: string): string {
  const rest = words.replace(/(?: (?:for|of))? series:? ?[\w:.]*\{[^{}]*\}/g, "");
  return rest.length <= maxWords ? rest : `${rest.slice(0, maxWords - 3)}...`;
}

/** Reports whether an acknowledgement has a body, as that of no known receiver: another service may answer so to every request. */
export function isOfOtherService(answer: Answer | NoAnswer): boolean {
  return isAcknowledged(answer) && answer.written === undefined && answer.status !== undefined && answer.hasBody;
}

/** Says why an endpoint is perhaps no receiver. */
export function describeOther({ status }: Answer | NoAnswer): string {
  return `it answers status ${status} with a body, and receivers send none: it is not known whether it is a receiver`;
}

/** Reports whether the endpoint acknowledged a request. */
export function isAcknowledged(answer: Answer | NoAnswer): boolean {
  return answer.status !== undefined && answer.status >= 200 && answer.status < 300 && !answer.isPage;
}
