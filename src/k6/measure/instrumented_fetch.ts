/**
 * A fetch that emits k6's HTTP metrics.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/#http
 * @module
 */
import type { SampleConsumer, Tags } from "../sample.ts";
import { type Instrument, MeasuredRequest, type OpenRequests, type RequestFacts } from "./measured_request.ts";
import { measureResponse } from "./measured_response.ts";
import { showableUrl, templateOf } from "./url_name.ts";

const encoder = new TextEncoder();

/** A request before it is sent. */
export interface OutgoingRequest {
  /** `GET`, in capitals. */
  readonly method: string;
  /** Where it goes; a redirect may lead it elsewhere. */
  readonly url: URL;
}

/** What an instrumented fetch emits, and how. */
export interface InstrumentFetchOptions {
  /** The fetch to wrap. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Tags of all its samples, such as `scenario`, or a function that gives them. @default {} */
  readonly tags?: (Tags | ((request: OutgoingRequest) => Tags)) | undefined;
  /**
   * What requests count as one: becomes the tags `name` and, as in k6, `url`. Where it is undefined, or the function
   * gives undefined, both are the URL. The tag `name` and the literal of a {@link urlTemplate} come before it.
   */
  readonly name?: string | ((request: OutgoingRequest) => string | undefined);
  /** Whether the query is left out of the URL in tags; user info and fragment always are. @default false */
  readonly stripQuery?: boolean | undefined;
  /** Whether a status is expected; 0 is a request without an answer. @default 200 to 399 */
  readonly expectedStatus?: ((status: number) => boolean) | undefined;
  /** The time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Milliseconds since any point, never going back. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined;
}

/** A fetch with measurements. */
export type InstrumentedFetch = typeof globalThis.fetch & {
  /** The same fetch with further tags. */
  with(tags: Tags): InstrumentedFetch;
  /** Emits the requests that were answered and whose body nobody has read; call it when nobody will. */
  settle(): void;
};

/** Those of the fetch standard; 0 is what a page may not look at. */
const statusesWithoutBody: readonly number[] = [0, 101, 103, 204, 205, 304];

/** Makes fetches that differ in their tags and in the requests that they wait for. */
export type BindFetch = (tags: Tags, open: OpenRequests) => InstrumentedFetch;

/**
 * Wraps a fetch, so that each request gives k6's samples `http_reqs`, `http_req_duration`, `http_req_waiting`,
 * `http_req_receiving`, `http_req_failed`, and `data_sent` and `data_received` where they are known.
 *
 * They come when the body of the answer was read, cancelled or has failed; at once where there is none. A body that
 * nobody reads keeps its request out of the results until `settle()`: read it, as k6 does, or cancel it. A server that
 * answers with the response itself, as in `Deno.serve(() => fetch(url))`, reads its body unseen: to hand a response on, use
 * `new Response(response.body, response)`.
 *
 * A fetch knows less than k6: `http_req_waiting` is all the time until the headers of the last answer, so connecting,
 * sending and redirects are within it and have no metrics of their own; sizes are those of bodies, decompressed and
 * without headers, and only that of a string, buffer, Blob or URLSearchParams is known before it is sent. A call that
 * is no request at all, such as one with an invalid URL, gives no samples. It may replace the global fetch: an output
 * keeps the one that it found when it was made, so that its own requests are not measured.
 *
 * @example
 * ```ts
 * import { instrumentFetch, RemoteWriteOutput } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const fetch = instrumentFetch(output, { tags: { scenario: "browse" }, name: ({ url }) => url.pathname });
 * const text = await (await fetch("http://localhost:8080/item/1")).text();
 * await output.close();
 * ```
 */
export function instrumentFetch(output: SampleConsumer, options: InstrumentFetchOptions = {}): InstrumentedFetch {
  return fetchBinder(output, options)({}, new Set());
}

/** Reads the options once, for any number of fetches. */
export function fetchBinder(output: SampleConsumer, options: InstrumentFetchOptions): BindFetch {
  // Taken now, so that the result may replace the global fetch.
  const { fetch = globalThis.fetch, tags: baseTags = {} } = options;
  const instrument: Instrument = {
    output,
    expectedStatus: options.expectedStatus ?? ((status) => status >= 200 && status < 400),
    now: options.now ?? Date.now,
    monotonicNow: options.monotonicNow ?? (() => performance.now()),
  };

  return function bind(boundTags, open): InstrumentedFetch {
    async function measuredFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
      const request = typeof input === "object" && !(input instanceof URL) ? input : undefined;
      const url = parseUrl(request?.url ?? String(input));
      if (url === undefined) return await fetch(input, init);
      const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
      const outgoing: OutgoingRequest = { method, url };
      const tags = Object.freeze({ ...(typeof baseTags === "function" ? baseTags(outgoing) : baseTags), ...boundTags });
      const facts: RequestFacts = {
        tags,
        httpTags: { ...tags, method, ...addressTags(outgoing, tags.name ?? templateOf(input)) },
        bodyBytes: bodyBytesOf(init?.body),
        signal: init?.signal ?? request?.signal,
      };
      const measured = new MeasuredRequest(instrument, facts, open);
      let response;
      try {
        response = await fetch(input, init);
      } catch (error) {
        measured.failed(error);
        throw error;
      }
      measured.answered(response.status);
      if (method !== "HEAD" && !statusesWithoutBody.includes(response.status)) {
        return measureResponse(response, measured);
      }
      measured.ended(0);
      return response;
    }

    return Object.assign(measuredFetch, {
      with: (tags: Tags) => bind({ ...boundTags, ...tags }, open),
      settle(): void {
        for (const request of open) request.settle();
      },
    });
  };

  /** As in k6, a name that was given stands for the URL too. */
  function addressTags(request: OutgoingRequest, ownName: string | undefined): Tags {
    const name = ownName ?? (typeof options.name === "function" ? options.name(request) : options.name) ??
      showableUrl(request.url, options.stripQuery ?? false);
    return { name, url: name };
  }
}

/** Relative URLs are for browsers, which have a location. */
function parseUrl(url: string): URL | undefined {
  const base = globalThis.location?.href;
  return URL.canParse(url, base) ? new URL(url, base) : undefined;
}

function bodyBytesOf(body: unknown): number | undefined {
  if (typeof body === "string") return encoder.encode(body).byteLength;
  if (body instanceof URLSearchParams) return String(body).length;
  if (body instanceof Blob) return body.size;
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? body.byteLength : undefined;
}
