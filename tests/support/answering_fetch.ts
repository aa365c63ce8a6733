/**
 * A fetch without a network, for single requests.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHttpSender, type HttpSenderOptions } from "../../src/send/http_sender.ts";
import type { EncodedRequest, Fetch, RequestResult } from "../../src/send/request_result.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** The facts of a request that was not sent before. */
export const firstAttempt: Omit<EncodedRequest, "version" | "body" | "samples"> = {
  attempt: 0,
  resent: false,
  maxServerErrors: 40,
  retryUntilMs: Infinity,
};

/** A small request. */
export const request: EncodedRequest = {
  version: "1.0",
  body: new Uint8Array([1, 2, 3]),
  samples: 1,
  ...firstAttempt,
};

/** The arguments of one call of fetch. */
export interface Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Headers;
}

/** Returns a fetch that gives these answers in turn, and the last one again and again. */
export function answering(
  ...answers: readonly (() => Response | Promise<Response>)[]
): { fetch: Fetch; calls: Call[] } {
  const calls: Call[] = [];
  const fetch: Fetch = async (url, init) => {
    calls.push({ url, init, headers: new Headers(init.headers) });
    const next = answers[Math.min(calls.length, answers.length) - 1];
    if (next === undefined) throw new TypeError("no answer");
    return await next();
  };
  return { fetch, calls };
}

/** Returns a function that answers 204. */
export const noContent = (headers: Record<string, string> = {}) => (): Response =>
  new Response(null, { status: 204, headers });

/** Returns a function that gives this answer. */
export const answer =
  (status: number, body: string | null = null, headers: Record<string, string> = {}) => (): Response =>
    new Response(body, { status, headers });

/** The options that most tests of the HTTP sender do not change. */
export const httpOptions: Pick<HttpSenderOptions, "url" | "headers" | "timeoutMs"> = {
  url: "http://receiver.test/",
  headers: {},
  timeoutMs: 30_000,
};

/** Sends a request once, while the clock stands still. */
export async function send(
  options: Partial<HttpSenderOptions> & Pick<HttpSenderOptions, "fetch">,
  changes: Partial<EncodedRequest> = {},
): Promise<RequestResult> {
  const clock = new VirtualClock();
  const sender = createHttpSender({
    ...httpOptions,
    url: "http://receiver.test/api/v1/write",
    sleep: clock.sleep,
    now: clock.now,
    ...options,
  });
  const outcome = await sender({ ...request, ...changes }, new AbortController().signal);
  assert.equal(clock.timers, 0, "the timeout's timer is left");
  return outcome;
}
