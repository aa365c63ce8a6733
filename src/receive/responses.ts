/**
 * The responses of a receiver and their headers.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 * @module
 */
import type { TimeSeries } from "../model/time_series.ts";
import type { WrittenCounts } from "../send/request_result.ts";
import type { ProtocolVersion } from "../protocol/protocol_version.ts";

/** The counts of a request of which nothing was stored. */
export const nothingWritten: WrittenCounts = { samples: 0, histograms: 0, exemplars: 0 };

/** Counts the values of series. */
export function countValues(timeSeries: readonly TimeSeries[]): WrittenCounts {
  const count = (kind: keyof WrittenCounts): number =>
    timeSeries.reduce((sum, series) => sum + (series[kind]?.length ?? 0), 0);
  return { samples: count("samples"), histograms: count("histograms"), exemplars: count("exemplars") };
}

const writtenName = (kind: string): string => `X-Prometheus-Remote-Write-${kind}-Written`;

/** Returns the headers that 2.0 requires in each response after the content negotiation; none for 1.0. */
export function writtenHeaders(
  version: ProtocolVersion,
  { samples, histograms, exemplars }: WrittenCounts,
): Record<string, string> {
  if (version === "1.0") return {};
  return {
    [writtenName("Samples")]: `${samples}`,
    [writtenName("Histograms")]: `${histograms}`,
    [writtenName("Exemplars")]: `${exemplars}`,
  };
}

/** Returns a response whose body gives a person the reason, as the specifications require. Its type is text/plain. */
export function refuse(status: number, reason: string, headers?: Record<string, string>): Response {
  // The type is given, because Bun sets none for a string.
  return new Response(`${reason}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}

/** Returns the response to the request that a browser sends first, because the headers of remote write need permission. */
export function preflight({ headers }: Request): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": "POST",
      // A sender may add headers for a proxy.
      "Access-Control-Allow-Headers": headers.get("Access-Control-Request-Headers") ??
        "Content-Encoding, Content-Type, X-Prometheus-Remote-Write-Version",
      // Two hours, which is Chromium's maximum.
      "Access-Control-Max-Age": "7200",
    },
  });
}

/** Lets a page of another origin read a response and the headers that a sender needs. */
export function allowOrigin(response: Response, origin: string): Response {
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set(
    "Access-Control-Expose-Headers",
    `${["Samples", "Histograms", "Exemplars"].map(writtenName).join(", ")}, Retry-After`,
  );
  return response;
}
