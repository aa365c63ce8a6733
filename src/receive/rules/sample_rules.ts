import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import type { Exemplar, TimeSeries } from "../../model/time_series.ts";
import type { DecodedRequest } from "../../protocol/decode.ts";
import { checkHistogram } from "../../protocol/histogram_rules.ts";
import { quote, type Report } from "./violation.ts";
import { compareUtf8 } from "../format_series.ts";

/** What a series is checked against beside itself. */
export interface SampleRulesOptions {
  /** Of the message. */
  readonly version: ProtocolVersion;
  /** Of the request. */
  readonly oddNans: DecodedRequest["oddNans"];
  /** Takes the violations. */
  readonly report: Report;
}

/** Checks what one series holds. */
export function checkSamples(series: TimeSeries, { version, oddNans, report }: SampleRulesOptions): void {
  const { samples = [], histograms = [], exemplars = [] } = series;
  if (samples.length > 0 && histograms.length > 0) {
    report("seriesMixed", `there are ${samples.length} samples and ${histograms.length} histograms, expected one kind`);
  }
  // In 1.0, exemplars may come in an entry of their own.
  if (samples.length === 0 && histograms.length === 0 && (version === "2.0" || exemplars.length === 0)) {
    report("seriesEmpty", "there are no samples and no histograms, expected one at least");
  }
  const order = outOfOrder(samples, (before, after) => before < after) ??
    outOfOrder(histograms, (before, after) => before < after);
  if (order !== undefined) report("sampleOrder", `a sample is ${order}, expected rising timestamps`);
  if ([...samples, ...histograms].some((value) => oddNans.has(value))) {
    report("staleMarker", "a NaN has bits of its own, expected 0x7ff0000000000002 or an ordinary NaN");
  }
  const late = [...samples, ...histograms].find(({ timestamp, startTimestamp = 0 }) => startTimestamp > timestamp);
  if (late !== undefined) {
    const { timestamp, startTimestamp } = late;
    report("startTimestamp", `a start timestamp is ${startTimestamp}, expected at most the sample's ${timestamp}`);
  }
  histograms.forEach((histogram) => checkHistogram(histogram, report));
  if (exemplars.some(({ timestamp }) => timestamp === 0)) {
    report("exemplarTimestamp", "an exemplar's timestamp is missing, expected milliseconds since the Unix epoch");
  }
  checkExemplarLabels(exemplars, report);
  const exemplarOrder = outOfOrder(exemplars, (before, after) => before <= after);
  if (exemplarOrder !== undefined) {
    report("exemplarOrder", `an exemplar is ${exemplarOrder}, expected none that is older`);
  }
}

function checkExemplarLabels(exemplars: readonly Exemplar[], report: Report): void {
  for (const { labels } of exemplars) {
    const wrong = labels.find(({ name, value }, index) =>
      name === "" || value === "" || (index > 0 && compareUtf8(labels[index - 1]?.name ?? "", name) >= 0)
    );
    if (wrong === undefined) continue;
    const { name, value } = wrong;
    report(
      "exemplarLabels",
      `an exemplar has the label ${quote(name)}=${quote(value)}, expected sorted, unique, not empty`,
    );
  }
}

type Timestamp = number | bigint;

function outOfOrder(
  items: readonly { readonly timestamp: Timestamp }[],
  inOrder: (before: Timestamp, after: Timestamp) => boolean,
): string | undefined {
  let before: Timestamp | undefined;
  for (const { timestamp } of items) {
    if (before !== undefined && !inOrder(before, timestamp)) return `at ${timestamp} after one at ${before}`;
    before = timestamp;
  }
  return undefined;
}
