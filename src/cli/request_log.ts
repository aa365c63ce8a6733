/**
 * Says what each request was, and what came of it, for `--log-level debug`.
 *
 * @module
 */
import { countValues } from "../receive/responses.ts";
import { decodeV1 } from "../protocol/decode_v1.ts";
import { decodeV2 } from "../protocol/decode_v2.ts";
import { decompress } from "../protocol/snappy.ts";
import { redactUrl } from "../send/redact.ts";
import { countOf, formatBytes, formatCount } from "./format.ts";

/** A request is not larger than this before compression, in bytes. */
const maxDecodedBytes = 256 * 1024 * 1024;

/**
 * Returns a fetch that says one line for each request: the status, the time, and, for remote write, the version and the samples. It
 * decodes the request for that, so it is not for normal operation.
 */
export function loggedFetch(fetch: typeof globalThis.fetch, say: (line: string) => void): typeof globalThis.fetch {
  return async (input, init) => {
    const started = performance.now();
    const method = init?.method ?? "GET";
    const url = input instanceof Request ? input.url : String(input);
    const end = (answer: string): void => {
      const ms = Math.round(performance.now() - started);
      const facts = [`${answer} after ${ms} ms`, ...describeBody(init)];
      say(`${method} ${redactUrl(url)}: ${facts.join(", ")}`);
    };
    try {
      const response = await fetch(input, init);
      end(`status ${response.status}`);
      return response;
    } catch (error) {
      // The error's own words may hold a secret. A warning shows them without.
      end("no answer");
      throw error;
    }
  };
}

/** Describes the body of a request of remote write. */
function describeBody(init: RequestInit | undefined): string[] {
  const { body } = init ?? {};
  if (!(body instanceof Uint8Array)) return [];
  const type = new Headers(init?.headers).get("Content-Type") ?? "";
  if (!type.startsWith("application/x-protobuf")) return [formatBytes(body.length)];
  const isV2 = type.includes("io.prometheus.write.v2");
  try {
    const bytes = decompress(body, { maxDecodedBytes });
    const { timeSeries } = isV2 ? decodeV2(bytes) : decodeV1(bytes);
    const { samples, histograms } = countValues(timeSeries);
    const count = countOf(samples + histograms, "sample");
    return [
      `remote write ${isV2 ? "2.0" : "1.0"}`,
      `${count} of ${formatCount(timeSeries.length)} series`,
      formatBytes(body.length),
    ];
  } catch {
    return [formatBytes(body.length)];
  }
}
