/**
 * What a sender must do, and what it did instead.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * @module
 */

/** The rules that are checked, by name, with what they ask of a sender. */
export const rules = {
  method: "A request is a POST.",
  contentEncoding: "The body is compressed: Content-Encoding is snappy.",
  contentType:
    "Content-Type is application/x-protobuf, with the parameter proto that names the message for 2.0; no space, no quotes.",
  version: "X-Prometheus-Remote-Write-Version is 0.1.0 for the message of 1.0 and 2.0.0 for that of 2.0.",
  userAgent: "User-Agent names the sender and its version.",
  body: "The body is the message of the version, in proto3, in snappy's block format, never framed.",
  metricNamePresent: "A series has the label __name__.",
  metricName: "Metric names match [a-zA-Z_:][a-zA-Z0-9_:]* (1.0).",
  labelName: "Label names match [a-zA-Z_][a-zA-Z0-9_]* (1.0).",
  labelEmpty: "No label has an empty name or value.",
  labelOrder: "Labels are sorted by name, in byte order.",
  labelUnique: "No label name comes twice in a series.",
  labelReserved: "Label names that begin with __ are reserved, but for __name__.",
  seriesMixed: "A series holds samples or histograms, never both.",
  seriesEmpty: "A series holds at least one sample or histogram.",
  sampleOrder: "Samples of a series rise in time within a request.",
  requestOrder: "Samples of a series rise in time from request to request.",
  staleMarker: "A NaN is the staleness marker 0x7ff0000000000002 or an ordinary one.",
  exemplarOrder: "Exemplars of a series do not fall in time.",
  exemplarTimestamp: "An exemplar has a timestamp.",
  exemplarLabels:
    "An exemplar's labels are sorted by name, in byte order; no name is empty or comes twice, and no value is empty.",
  startTimestamp: "A start timestamp is not later than its sample.",
  histogramSchema: "A histogram's schema is -4 to 8, or -53 with custom values.",
  histogramSpans: "A histogram's spans cover exactly its buckets; only the first one's offset may be negative.",
  histogramCounts: "A histogram's count is what its buckets hold; none of them is negative.",
  histogramCustomValues: "Custom values rise, are finite, cover the spans, and come without zero and negative buckets.",
  histogramResetHint: "A histogram's reset hint is 0 to 3.",
  symbolsFirst: "The first symbol is the empty string.",
  symbolsUnique: "No symbol comes twice.",
} as const;

/** Name of a rule. */
export type Rule = keyof typeof rules;

/** One violation of a rule. */
export interface Violation {
  /** Which rule. */
  readonly rule: Rule;
  /** What was found and what was expected. */
  readonly message: string;
  /** Whose violation it is, such as `up{job="a"}`; none if it is the request's. */
  readonly series?: string;
}

/** Takes violations as they are found. */
export type Report = (rule: Rule, message: string) => void;

/** A sender's text for a message: quoted, and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(cut(text, 100));
}

/** A text of so many characters at most. */
export function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
