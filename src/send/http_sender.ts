/**
 * Sends one request over HTTP, once. The tasks come in this order: endpoint and headers, timeout, redirects and new credentials
 * after a 401, request budget, authorization, fetch, answer, redaction.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import { isRemoteWriteError, reasonOf } from "../model/errors.ts";
import { drain, isPage, parseRetryAfter, readReason, writtenCounts } from "./answer.ts";
import type { Authorizer, RequestHeaders } from "./auth/authorizer.ts";
import { describeNetworkError, switchedProtocols } from "./network_error.ts";
import { parseUrl, redactSecrets, redactUrl, secretsOf } from "./redact.ts";
import type { RequestBudget } from "./request_budget.ts";
import { headersOf, parseHeaders, withoutUserInfo } from "./request_head.ts";
import type { EncodedRequest, Failed, Fetch, Rejected, RequestResult, Send } from "./request_result.ts";
import { abortAfter, type Sleep, untilAborted } from "./sleep.ts";

/** Where to send, and how. */
export interface HttpSenderOptions {
  /** The endpoint, an http or https URL. Its user info is not sent: the authorizer does that. */
  readonly url: string;
  /** Further headers. They cannot override those of the protocol. */
  readonly headers: Readonly<Record<string, string>>;
  /** Adds credentials, if there are any. */
  readonly authorizer?: Authorizer | undefined;
  /** How long one attempt may take, including the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** The limit that `fetch` counts its requests against, if there is one. */
  readonly budget?: RequestBudget | undefined;
  readonly fetch: Fetch;
  readonly sleep: Sleep;
  /** The time in milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** One attempt, with the few redirects and the one renewal of credentials that belong to it. */
interface Attempt extends Pick<HttpSenderOptions, "authorizer" | "budget" | "fetch" | "sleep" | "now"> {
  readonly request: EncodedRequest;
  /** The URL as given, for the secrets in it. */
  readonly given: URL;
  /** The headers of the option `headers`, checked. */
  readonly custom: RequestHeaders;
  /** Fires at the timeout, or with the caller's signal. */
  readonly signal: AbortSignal;
  /** The headers of the latest request. */
  headers: RequestHeaders;
  /** Whether the latest request has no answer yet, so that the receiver may have got it. */
  awaiting: boolean;
  /** Whether an answer to any request of this attempt came. */
  answered: boolean;
  /** Whether the budget was unused before the first request of this attempt. */
  hadWholeBudget?: boolean;
}

/** The words of a TLS server in Go, such as Prometheus, for http on its port. */
const httpForHttps = /^Client sent an HTTP request to an HTTPS server/;

const answersWithPage = "the endpoint answers with a page (text/html)";

/** A receiver that moved needs one redirect; more are a loop. */
const maxRedirects = 3;

const once = { attempts: 1, unknownBefore: false } as const;

/**
 * Returns the function that sends one request, once.
 *
 * @throws {ConfigurationError} if a header cannot be used
 */
export function createHttpSender(options: HttpSenderOptions): Send {
  const { timeoutMs, sleep } = options;
  const given = new URL(options.url);
  const custom = parseHeaders(options.headers);
  const endpoint = withoutUserInfo(given);

  return async (request, signal) => {
    // A user's fetch may call the output, so it must not run within the call that hands samples over.
    await undefined;
    if (signal.aborted) return { ...once, kind: "aborted", unknown: false, attempts: 0 };
    const controller = new AbortController();
    const { signal: ended } = controller;
    const start = { headers: custom, awaiting: false, answered: false };
    const attempt: Attempt = { ...options, request, given, custom, signal: ended, ...start };
    // The request comes before the timer, because a runtime's first timer takes a millisecond.
    const result = exchange(attempt, endpoint);
    const clear = abortAfter(timeoutMs, controller, { sleep, signal });
    try {
      return await result;
    } catch (error) {
      if (signal.aborted) return { ...once, kind: "aborted", unknown: attempt.awaiting };
      if (!ended.aborted) return resultOfError(attempt, error);
      return failed(attempt, `the endpoint did not answer within ${timeoutMs / 1000} s`);
    } finally {
      clear();
    }
  };
}

/** Posts, follows redirects, and posts once more with new credentials after a 401. */
async function exchange(attempt: Attempt, endpoint: URL): Promise<RequestResult> {
  const { authorizer, budget, signal } = attempt;
  let url = endpoint;
  for (let redirects = 0, refreshed = false;;) {
    const response = await post(attempt, url);
    const target = redirects < maxRedirects ? redirectTarget(response, url) : undefined;
    const refreshes = response.status === 401 && !refreshed && authorizer?.refresh !== undefined;
    if (target === undefined && !refreshes) return await resultOfResponse(attempt, response, url);
    if (budget?.usedUp === true) {
      // If this attempt had the whole budget, a later flush would have no more.
      if (attempt.hadWholeBudget === true) return await resultOfResponse(attempt, response, url);
      await drain(response, attempt);
      return deferred(attempt);
    }
    if (refreshes) {
      refreshed = true;
      const isNew = await untilAborted(authorizer.refresh?.(attempt.headers), signal);
      if (isNew !== true) return await resultOfResponse(attempt, response, url);
    }
    await drain(response, attempt);
    if (target === undefined) continue;
    redirects++;
    url = target;
  }
}

/** Sends one POST and waits for the head of the answer. */
async function post(attempt: Attempt, url: URL): Promise<Response> {
  const { request: { body }, authorizer, budget, fetch, signal } = attempt;
  const headers = attempt.headers = headersOf(attempt.request, attempt.custom);
  const authorized = authorizer?.authorize({ method: "POST", url: url.href, headers, body }, signal);
  // Without an authorizer, this leaves no time in which the signal could fire before the request is sent.
  if (authorizer !== undefined) await untilAborted(authorized, signal);
  attempt.hadWholeBudget ??= budget?.unused ?? true;
  attempt.awaiting = true;
  const init = { method: "POST", headers: Object.fromEntries(headers), body, redirect: "manual", signal } as const;
  const response = await untilAborted(fetch(url.href, init), signal);
  attempt.awaiting = false;
  attempt.answered = true;
  return response;
}

/** Returns the target of a 307 or 308 to the same origin: credentials never go to another one. */
function redirectTarget(response: Response, from: URL): URL | undefined {
  if (response.status !== 307 && response.status !== 308) return undefined;
  const target = locationOf(response, from);
  // The target may repeat the user info of the option, with which some runtimes' fetch fails.
  return target?.origin === from.origin ? withoutUserInfo(target) : undefined;
}

function locationOf({ headers }: Response, from: URL): URL | undefined {
  const location = headers.get("location");
  return location === null ? undefined : parseUrl(location, from);
}

/** Returns the result that an answer means. Its body is read at most in part. */
async function resultOfResponse(attempt: Attempt, response: Response, url: URL): Promise<RequestResult> {
  const { status, headers } = response;
  if (status === 101) {
    void response.body?.cancel().catch(() => {});
    return rejected(attempt, switchedProtocols);
  }
  if (response.ok) {
    await drain(response, attempt);
    // A login page, or the page of another host: nothing is stored.
    if (isPage(response) && headers.get("content-length") !== "0") {
      return rejected(attempt, answersWithPage, { status, byEndpoint: true });
    }
    return { ...once, kind: "written", status, written: writtenCounts(headers) };
  }
  if (response.type === "opaqueredirect") {
    return rejected(attempt, "the endpoint redirects");
  }
  if (status >= 300 && status < 400) {
    await drain(response, attempt);
    const target = locationOf(response, url);
    const where = target === undefined ? "" : ` to ${redactUrl(target)}`;
    return rejected(attempt, `the endpoint redirects${where}`, { status });
  }
  const reason = await readReason(response, { ...attempt, secrets: secretsOf(attempt.headers, attempt.given) });
  if (status !== 429 && status < 500) {
    // A server in front of the receiver answers like this. Its 413 is no refusal of everything: smaller requests help.
    const page = [400, 409, 422].includes(status) && isPage(response);
    const byEndpoint = page || (status === 400 && httpForHttps.test(reason));
    const words = page ? `${answersWithPage}: ${reason}` : reason;
    return rejected(attempt, words, { status, written: writtenCounts(headers), byEndpoint });
  }
  const retryAfterMs = parseRetryAfter(headers.get("retry-after"), attempt.now());
  // 429 and 503 say that the request was not handled. With another status, a gateway may have passed it on.
  return failed(attempt, reason, { status, retryAfterMs, unknown: status !== 429 && status !== 503 });
}

/** Describes an error of fetch or of the authorizer. */
function resultOfError(attempt: Attempt, error: unknown): RequestResult {
  if (attempt.budget?.isCauseOf(error) === true) return deferred(attempt);
  if (!attempt.awaiting) {
    const reason = `the credentials could not be obtained: ${reasonOf(error)}`;
    return isRemoteWriteError(error, "configuration") ? rejected(attempt, reason) : failed(attempt, reason);
  }
  const { reason, unreached, isPermanent } = describeNetworkError(error);
  if (isPermanent) return { ...rejected(attempt, reason), unknownBefore: !unreached };
  return failed(attempt, reason, { unknown: !unreached, disconnected: !unreached });
}

/** Returns the result of an attempt that needs another request, when the flush has none left. */
function deferred({ answered }: Attempt): RequestResult {
  return { ...once, kind: "deferred", attempts: answered ? 1 : 0 };
}

function failed(attempt: Attempt, reason: string, facts: Partial<Failed> = {}): Failed {
  const unanswered = { status: undefined, retryAfterMs: undefined, unknown: attempt.awaiting, disconnected: false };
  return { ...once, kind: "failed", ...unanswered, reason: redacted(attempt, reason), ...facts };
}

function rejected(attempt: Attempt, reason: string, facts: Partial<Rejected> = {}): Rejected {
  return {
    ...once,
    kind: "rejected",
    status: undefined,
    written: undefined,
    reason: redacted(attempt, reason),
    ...facts,
  };
}

function redacted({ headers, given }: Attempt, reason: string): string {
  return redactSecrets(reason, secretsOf(headers, given));
}
