/**
 * Posts one request and says what its answer means, in as little code as possible. `http_sender.ts` knows more: redirects, budgets,
 * new credentials and the words of every runtime.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
 * @module
 */
import { isPage, parseRetryAfter } from "./answer.ts";
import type { RequestHeaders } from "./auth/authorizer.ts";
import { cleanText } from "./redact.ts";
import type { Fetch } from "./request_result.ts";

/** A request of remote write, and how to send it. */
export interface PostRequest {
  /** The endpoint, without user info. */
  readonly url: URL;
  readonly headers: RequestHeaders;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Returns the strings that must not appear in a reason. */
  readonly secrets: () => readonly string[];
  readonly fetch: Fetch;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** How long the attempt may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** The result of one attempt. */
interface PostResult {
  /** What happened to the samples. `unknown`: they were perhaps stored. `failed`: they were not. */
  readonly outcome: "delivered" | "rejected" | "failed" | "unknown";
  /** The status of the answer; undefined if none came. */
  readonly status?: number | undefined;
  /** Why the samples were not delivered. */
  readonly reason?: string | undefined;
  /** Whether another attempt may help. */
  readonly retry?: boolean;
  /** How long the endpoint asks to wait before another attempt, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** The receiver cannot have got the request: codes of Node and Bun, and messages of Deno. */
const unreached = /refused|ENOTFOUND|EAI_AGAIN|UNREACH|\(Connect\)|dns error/i;

/** These statuses are about the samples. Any other 4xx is about the endpoint, and so are redirects. */
const sampleStatuses = [400, 409, 413, 422];

/** A longer reason is cut, in characters. */
const maxReason = 300;

/** Sends one POST. Never rejects. */
export async function post(request: PostRequest): Promise<PostResult> {
  const { url, body, secrets, fetch, now, signal, timeoutMs } = request;
  if (signal.aborted) return { outcome: "failed", reason: "aborted" };
  const redacted = (text: string): string => {
    // Encoders of JSON escape different characters.
    const plain = text.replace(/\\u(....)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
    let shown = cleanText(plain).replace(/https?:\/\/\S+/g, "(URL)");
    for (const secret of secrets()) {
      // The secret as it is, in a URL and in JSON. Pages escape in other ways, but they are not shown.
      for (const form of [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)]) {
        if (form.length > 3) shown = shown.replaceAll(form, "***");
      }
    }
    return shown.slice(0, maxReason);
  };
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const init = {
      method: "POST",
      headers: Object.fromEntries(request.headers),
      body,
      redirect: "manual",
      signal: controller.signal,
    } as const;
    // The function is not called as a method, because some implementations check `this`.
    const answer = fetch(url.href, init);
    // The timer comes after the request, because a runtime's first timer takes a millisecond.
    timer = setTimeout(abort, timeoutMs);
    signal.addEventListener("abort", abort);
    const response = await answer;
    const { status, headers, ok } = response;
    const page = isPage(response);
    const reader = response.body?.getReader();
    // A page says nothing, and an answer that never ends must not hold up the caller: the first piece is enough.
    const piece = ok || page ? undefined : await reader?.read().catch(() => undefined);
    reader?.cancel().catch(() => {});
    if (ok && !page) return { outcome: "delivered", status };
    const words = page ? "a page (text/html)" : redacted(new TextDecoder().decode(piece?.value));
    const reason = `status ${status}: ${words || "no reason"}`;
    // 503 says that the request was not handled. With another status, a gateway may have passed it on.
    const outcome = sampleStatuses.includes(status) && !page
      ? "rejected"
      : status > 499 && status !== 503
      ? "unknown"
      : "failed";
    const retryAfterMs = parseRetryAfter(headers.get("retry-after"), now());
    return { outcome, status, reason, retry: status === 429 || status > 499, retryAfterMs };
  } catch (error) {
    if (signal.aborted) return { outcome: "unknown", reason: "aborted" };
    if (controller.signal.aborted) {
      return { outcome: "unknown", reason: `no answer within ${timeoutMs / 1000} s`, retry: true };
    }
    let text = "";
    for (let each = error; each instanceof Error; each = each.cause) {
      text += `${Object(each).code ?? ""} ${each.message}; `;
    }
    return {
      outcome: unreached.test(text) ? "failed" : "unknown",
      reason: `no answer: ${redacted(text)}`,
      retry: true,
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
