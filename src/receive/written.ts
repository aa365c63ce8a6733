/**
 * How much of a request was written, as 2.0 wants it said.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers
 * @module
 */
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { WrittenCounts } from "../send/request_result.ts";
import type { TimeSeries } from "../model/time_series.ts";

/** Nothing at all. */
export const nothingWritten: WrittenCounts = { samples: 0, histograms: 0, exemplars: 0 };

/** All that there is. */
export function countValues(timeSeries: readonly TimeSeries[]): WrittenCounts {
  let [samples, histograms, exemplars] = [0, 0, 0];
  for (const series of timeSeries) {
    samples += series.samples?.length ?? 0;
    histograms += series.histograms?.length ?? 0;
    exemplars += series.exemplars?.length ?? 0;
  }
  return { samples, histograms, exemplars };
}

/** 2.0 asks for them in every answer after the content negotiation; 1.0 does not know them. */
export function writtenHeaders(version: ProtocolVersion, counts: WrittenCounts): Record<string, string> {
  if (version === "1.0") return {};
  return {
    "X-Prometheus-Remote-Write-Samples-Written": `${counts.samples}`,
    "X-Prometheus-Remote-Write-Histograms-Written": `${counts.histograms}`,
    "X-Prometheus-Remote-Write-Exemplars-Written": `${counts.exemplars}`,
  };
}
