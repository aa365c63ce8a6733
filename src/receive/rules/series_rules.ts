import type { Exemplar, Label, TimeSeries } from "../../model/time_series.ts";
import type { DecodedRequest } from "../../protocol/decode.ts";
import { checkHistogram } from "../../protocol/histogram_rules.ts";
import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import { compareUtf8 } from "../../model/labels.ts";
import { quote } from "../../model/printable.ts";
import type { Report } from "./rules.ts";

/** The context of a series. */
interface SeriesRulesOptions {
  /** The version of the message. */
  readonly version: ProtocolVersion;
  /** The values of the request that are a NaN with unusual bits. */
  readonly oddNans: DecodedRequest["oddNans"];
  /** Takes each violation as it is found. */
  readonly report: Report;
}

/** Checks one series by itself: its labels, samples, histograms and exemplars. */
export function checkSeries(series: TimeSeries, { version, oddNans, report }: SeriesRulesOptions): void {
  const { labels, samples = [], histograms = [], exemplars = [] } = series;
  checkLabels(labels, { version, report });
  if (samples.length > 0 && histograms.length > 0) {
    report("seriesMixed", `there are ${samples.length} samples and ${histograms.length} histograms, expected one kind`);
  }
  // A 1.0 sender may send exemplars in an entry of their own.
  if (samples.length === 0 && histograms.length === 0 && (version === "2.0" || exemplars.length === 0)) {
    report("seriesEmpty", "there are no samples and no histograms, expected at least one");
  }
  const order = outOfOrder(samples, (before, after) => before < after) ??
    outOfOrder(histograms, (before, after) => before < after);
  if (order !== undefined) report("sampleOrder", `a sample is ${order}, expected rising timestamps`);
  const values = [...samples, ...histograms];
  if (values.some((value) => oddNans.has(value))) {
    report("staleMarker", "a NaN has unusual bits, expected 0x7ff0000000000002 or an ordinary NaN");
  }
  const late = values.find(({ timestamp, startTimestamp = 0 }) => startTimestamp > timestamp);
  if (late !== undefined) {
    const { timestamp, startTimestamp } = late;
    report("startTimestamp", `a start timestamp is ${startTimestamp}, expected at most the sample's ${timestamp}`);
  }
  histograms.forEach((histogram) => checkHistogram(histogram, report));
  checkExemplars(exemplars, report);
}

function checkLabels(
  labels: readonly Label[],
  { version, report }: { readonly version: ProtocolVersion; readonly report: Report },
): void {
  const metric = labels.find(({ name }) => name === "__name__");
  if (metric === undefined) report("metricNamePresent", "the label __name__ is missing, expected the metric's name");
  else if (version === "1.0" && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metric.value)) {
    report("metricName", `the metric name is ${quote(metric.value)}, expected [a-zA-Z_:][a-zA-Z0-9_:]*`);
  }
  const empty = labels.find(({ name, value }) => name === "" || value === "");
  if (empty !== undefined) {
    report("labelEmpty", `a label is ${quote(empty.name)}=${quote(empty.value)}, expected a name and a value`);
  }
  const invalid = labels.find(({ name }) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name));
  if (version === "1.0" && invalid !== undefined) {
    report("labelName", `a label name is ${quote(invalid.name)}, expected [a-zA-Z_][a-zA-Z0-9_]*`);
  }
  const reserved = labels.find(({ name }) => name.startsWith("__") && name !== "__name__");
  if (reserved !== undefined) {
    report("labelReserved", `a label name is ${quote(reserved.name)}, expected one that does not begin with __`);
  }
  const names = new Set(labels.map(({ name }) => name));
  if (names.size < labels.length) {
    const repeated = labels.find(({ name }) => !names.delete(name));
    report("labelUnique", `the label ${quote(repeated?.name ?? "")} occurs twice, expected once`);
  }
  labels.some(({ name }, index) => {
    const before = labels[index - 1]?.name ?? "";
    if (compareUtf8(before, name) <= 0) return false;
    report("labelOrder", `the label ${quote(name)} comes after ${quote(before)}, expected byte order`);
    return true;
  });
}

function checkExemplars(exemplars: readonly Exemplar[], report: Report): void {
  if (exemplars.some(({ timestamp }) => timestamp === 0)) {
    report("exemplarTimestamp", "an exemplar's timestamp is missing, expected milliseconds since the Unix epoch");
  }
  for (const { labels } of exemplars) {
    const wrong = labels.find(({ name, value }, index) =>
      name === "" || value === "" || (index > 0 && compareUtf8(labels[index - 1]?.name ?? "", name) >= 0)
    );
    if (wrong === undefined) continue;
    const label = `${quote(wrong.name)}=${quote(wrong.value)}`;
    report("exemplarLabels", `an exemplar has the label ${label}, expected sorted, unique labels that are not empty`);
  }
  const order = outOfOrder(exemplars, (before, after) => before <= after);
  if (order !== undefined) report("exemplarOrder", `an exemplar is ${order}, expected one that is not older`);
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
