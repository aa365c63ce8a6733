/**
 * A fetch that emits k6's HTTP metrics.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/metrics/reference/#http
 * @module
 */
import { checkSampleConsumer, type SampleConsumer, type Tags } from "../sample.ts";
import { checkOptions, type OptionDefinitions, type Resolved } from "../../client/option_definition.ts";
import { unexpected } from "../../model/check_keys.ts";
import { type Instrument, MeasuredRequest, type OpenRequests, type RequestFacts } from "./measured_request.ts";
import { measureResponse } from "./measured_response.ts";
import { showableUrl, templateOf } from "./url_name.ts";

const encoder = new TextEncoder();

/** A request before it is sent. */
export interface OutgoingRequest {
  /** The method in capitals, such as `GET`. */
  readonly method: string;
  /** The requested URL; a redirect may lead to another one. */
  readonly url: URL;
}

/** What an instrumented fetch emits, and how. */
export interface InstrumentFetchOptions {
  /** The fetch that sends the requests. @default globalThis.fetch at the time of the call */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Tags of all its samples, such as `scenario`, or a function that returns them. @default {} */
  readonly tags?: (Tags | ((request: OutgoingRequest) => Tags)) | undefined;
  /**
   * The value of the tags `name` and, as in k6, `url`, so that many URLs can be one time series. The tag `name` and the template
   * of a {@link urlTemplate} take precedence. If a function returns undefined, both tags are the URL.
   * @default the URL
   */
  readonly name?: (string | ((request: OutgoingRequest) => string | undefined)) | undefined;
  /** Whether the tags omit the query of the URL. They never contain user name, password and fragment. @default false */
  readonly stripQuery?: boolean | undefined;
  /** Reports whether a status is expected; 0 stands for a request without a response. @default 200 to 399 */
  readonly expectedStatus?: ((status: number) => boolean) | undefined;
  /** Returns the time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Returns milliseconds that never go back, since any point in time. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined;
}

/** A fetch that measures its requests. */
export type InstrumentedFetch = typeof globalThis.fetch & {
  /** Returns the same fetch with additional tags. */
  with(tags: Tags): InstrumentedFetch;
  /** Emits the samples of requests whose body was not read. Call it when no caller will read these bodies. */
  settle(): void;
};

/** Makes fetches that share their options and differ in their tags and in the requests that they wait for. */
type BindFetch = (tags: Tags, open: OpenRequests) => InstrumentedFetch;

/** The options of an instrumented fetch that a runner's `http` has. The runner has its own clocks. */
export type HttpOptions = Omit<InstrumentFetchOptions, "now" | "monotonicNow">;

type OptionalOption = "fetch" | "name";

/** The definitions of the options of a runner's `http`. */
export const httpDefinitions: OptionDefinitions<HttpOptions, OptionalOption> = {
  fetch: { kind: "function" },
  tags: {
    kind: "tags",
    default: {},
    check(value, name): void {
      if (typeof value !== "function") checkObject(value, name, "an object or a function");
    },
  },
  name: {
    kind: "name",
    check(value, name): void {
      if (typeof value !== "string" && typeof value !== "function") {
        throw unexpected(name, value, "a string or a function");
      }
    },
  },
  // A query may distinguish resources. If it contains secrets or identifiers, the caller can remove it.
  stripQuery: { kind: "boolean", default: false },
  // The default of k6's http.setResponseCallback().
  expectedStatus: { kind: "function", default: (status) => status >= 200 && status < 400 },
};

/** The definitions of the clocks. They read the runtime's clocks at each call, so that a test can replace those. */
export const clockDefinitions: OptionDefinitions<Pick<InstrumentFetchOptions, "now" | "monotonicNow">, never> = {
  now: { kind: "function", default: () => Date.now() },
  monotonicNow: { kind: "function", default: () => performance.now() },
};

const definitions: OptionDefinitions<InstrumentFetchOptions, OptionalOption> = {
  ...httpDefinitions,
  ...clockDefinitions,
};

/** Checks that an option is an object, such as tags. @throws {ConfigurationError} */
export function checkObject(value: unknown, name: string, expected = "an object"): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unexpected(name, value, expected);
}

/** The statuses of responses without a body in the fetch standard; 0 is a response that a page may not read. */
const statusesWithoutBody: readonly number[] = [0, 101, 103, 204, 205, 304];

/**
 * Wraps a fetch, so that each request emits k6's samples `http_reqs`, `http_req_duration`, `http_req_waiting`,
 * `http_req_receiving`, `http_req_failed`, and `data_sent` and `data_received` if their sizes are known.
 *
 * A request emits its samples when the body of its response was read, was cancelled or has failed, or at once if there is no
 * body. Therefore read every body, as k6 does, or cancel it; otherwise the request is missing from the results until `settle()`.
 * A server that answers with the response itself, as in `Deno.serve(() => fetch(url))`, reads the body without the wrapper. To
 * pass a response on, use `new Response(response.body, response)`.
 *
 * A fetch reports less than k6. `http_req_waiting` is the time until the headers of the last response, so it includes connecting,
 * sending and redirects, which have no metrics of their own. Sizes are those of bodies, decompressed and without headers. The
 * size of a request's body is known only for a string, a buffer, a Blob and URLSearchParams. A call that makes no request,
 * such as one with an invalid URL, emits no samples.
 *
 * The result may replace the global fetch. An output does not measure its own requests, because it keeps the global fetch of
 * the time when it was made.
 *
 * @throws {ConfigurationError} for wrong options
 * @example
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 * import { instrumentFetch } from "k6-remote-write/measure";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const fetch = instrumentFetch(output, { tags: { scenario: "browse" }, name: ({ url }) => url.pathname });
 * const text = await (await fetch("http://localhost:8080/item/1")).text();
 * await output.close();
 * ```
 */
export function instrumentFetch(output: SampleConsumer, options: InstrumentFetchOptions = {}): InstrumentedFetch {
  checkSampleConsumer(output);
  return fetchBinder(output, checkOptions(options, definitions))({}, new Set());
}

/** Prepares any number of fetches with the same options. */
export function fetchBinder(
  output: SampleConsumer,
  options: Resolved<InstrumentFetchOptions, OptionalOption>,
): BindFetch {
  // The global fetch is read now, so that the result may replace it.
  const { fetch = globalThis.fetch, tags: baseTags, name, stripQuery, ...rest } = options;
  const instrument: Instrument = { output, ...rest };

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
        httpTags: { ...tags, method, ...urlTags(outgoing, tags.name ?? templateOf(input)) },
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
      measured.responded(response.status);
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

  /** As in k6, a given name also replaces the URL. */
  function urlTags(request: OutgoingRequest, ownName: string | undefined): Tags {
    const url = ownName ?? (typeof name === "function" ? name(request) : name) ?? showableUrl(request.url, stripQuery);
    return { name: url, url };
  }
}

/** Parses a URL. Relative ones are valid in browsers, which have a location. */
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
