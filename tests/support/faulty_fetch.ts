/**
 * A fetch without a network, which fails by script.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Codec, Codecs, EncodedSlice } from "../../src/send/codec.ts";
import type { Fetch } from "../../src/send/request_result.ts";
import type { ProtocolVersion } from "../../src/protocol/protocol_version.ts";
import type { Sleep } from "../../src/send/sleep.ts";
import type { FakePrometheus, ReceivedSample } from "./fake_prometheus.ts";

/** What happens to one request. */
export type Fault =
  /** The receiver gets it and answers. */
  | { readonly kind: "pass" }
  /** Something in front of the receiver answers; `stored` if the receiver got the request nevertheless. */
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly retryAfter?: string;
    readonly stored?: boolean;
  }
  /** No answer, no connection. */
  | { readonly kind: "refuse" }
  /** The connection breaks, before or after the receiver got it. */
  | { readonly kind: "reset"; readonly stored?: boolean }
  /** No answer, before or after the receiver got it. */
  | { readonly kind: "hang"; readonly stored?: boolean }
  /** The receiver answers after this time. */
  | { readonly kind: "slow"; readonly ms: number };

/** A request that was sent. */
export interface RecordedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly samples: readonly ReceivedSample[];
}

/** Where the requests go, and what happens to them. */
export interface FaultyFetchOptions {
  readonly receiver: FakePrometheus;
  readonly sleep: Sleep;
  /** What happens to the requests, in turn; later requests pass. */
  readonly faults?: readonly Fault[];
  /** Decodes a body. @default JSON, as the JSON codec writes it */
  readonly decode?: (body: Uint8Array, version: ProtocolVersion) => ReceivedSample[];
}

/** A fetch, and a record of its requests. */
export interface FaultyFetch {
  readonly fetch: Fetch;
  readonly requests: RecordedRequest[];
  /** Series that were in two requests at the same time. */
  readonly overlaps: string[];
}

/** A codec that is easy to read: JSON. */
const jsonCodec: Codec = {
  encode({ batch, from, to }): EncodedSlice {
    const samples: ReceivedSample[] = [];
    for (let index = from; index < to; index++) {
      const series = batch.series[index]?.name ?? "";
      samples.push({ series, time: batch.times[index] ?? 0, value: batch.values[index] ?? 0 });
    }
    const body = new TextEncoder().encode(JSON.stringify(samples));
    return { body, decodedBytes: 2 * body.length };
  },
};

/** The JSON codec for both versions. */
export const jsonCodecs: Codecs = { "1.0": jsonCodec, "2.0": jsonCodec };

/** Decodes a body of the JSON codec. */
function decodeJson(body: Uint8Array): ReceivedSample[] {
  return JSON.parse(Buffer.from(body).toString());
}

/** Creates the fetch. */
export function createFaultyFetch(options: FaultyFetchOptions): FaultyFetch {
  const { receiver, sleep, faults = [], decode = decodeJson } = options;
  const requests: RecordedRequest[] = [];
  const overlaps: string[] = [];
  const underWay = new Set<string>();
  const script = [...faults];

  const fetch: Fetch = async (url, { method = "", headers, body, signal }) => {
    if (!(body instanceof Uint8Array)) throw new TypeError("Cannot decode: the body is not a Uint8Array");
    const sent = new Headers(headers);
    const version = sent.get("x-prometheus-remote-write-version") === "2.0.0" ? "2.0" : "1.0";
    const samples = decode(body, version);
    requests.push({ url, method, headers: sent, samples });
    const series = new Set(samples.map((sample) => sample.series));
    for (const name of series) {
      if (underWay.has(name)) overlaps.push(name);
      underWay.add(name);
    }
    try {
      const fault = script.shift() ?? { kind: "pass" };
      if ("stored" in fault && fault.stored === true) receiver.write(samples, version);
      switch (fault.kind) {
        case "refuse":
          throw new TypeError("fetch failed", { cause: networkError("ECONNREFUSED", "connect ECONNREFUSED") });
        case "reset":
          throw new TypeError("fetch failed", { cause: networkError("ECONNRESET", "read ECONNRESET") });
        case "hang":
          return await aborted(signal);
        case "answer": {
          const retryAfter: HeadersInit = fault.retryAfter === undefined ? {} : { "Retry-After": fault.retryAfter };
          return new Response(`status ${fault.status} by script`, { status: fault.status, headers: retryAfter });
        }
        case "slow":
          await Promise.race([sleep(fault.ms, signal ?? new AbortController().signal), aborted(signal)]);
      }
      const { status, headers: answered, body: text } = receiver.write(samples, version);
      return new Response(status === 204 ? null : text, { status, headers: answered });
    } finally {
      for (const name of series) underWay.delete(name);
    }
  };
  return { fetch, requests, overlaps };
}

function networkError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Rejects with the signal's reason when it fires, as fetch does. */
function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
