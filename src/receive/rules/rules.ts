/**
 * The rules that the remote-write specifications set for senders.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * @module
 */
import type { DecodedRequest } from "../../protocol/decode.ts";
import type { ProtocolVersion } from "../../protocol/protocol_version.ts";

/** The name of each rule that a strict receiver checks, with one sentence that says what the rule requires. */
export const rules = {
  method: "A request is a POST.",
  contentEncoding: "The body is compressed: Content-Encoding is snappy.",
  contentType:
    "Content-Type is application/x-protobuf, without spaces or quotes; for 2.0, the parameter proto names the message.",
  version: "X-Prometheus-Remote-Write-Version is 0.1.0 for the message of 1.0, and 2.0.0 for the message of 2.0.",
  userAgent: "User-Agent names the sender and its version.",
  body: "The body is the version's message in proto3, compressed in snappy's block format (not in the framed format).",
  metricNamePresent: "A series has the label __name__.",
  metricName: "A metric name matches [a-zA-Z_:][a-zA-Z0-9_:]* (1.0).",
  labelName: "A label name matches [a-zA-Z_][a-zA-Z0-9_]* (1.0).",
  labelEmpty: "No label has an empty name or an empty value.",
  labelOrder: "Labels are sorted by name, in byte order.",
  labelUnique: "A series has each label name only once.",
  labelReserved: "No label name begins with __, except __name__.",
  seriesMixed: "A series holds samples or histograms, not both.",
  seriesEmpty: "A series holds at least one sample or histogram.",
  sampleOrder: "In a request, the samples of a series have rising timestamps.",
  requestOrder: "A later request has later samples of a series.",
  staleMarker: "A NaN is the staleness marker 0x7ff0000000000002 or an ordinary NaN.",
  exemplarOrder: "The exemplars of a series are sorted by timestamp.",
  exemplarTimestamp: "An exemplar has a timestamp.",
  exemplarLabels:
    "An exemplar's labels are sorted by name, in byte order; each name occurs once; no name or value is empty.",
  startTimestamp: "A start timestamp is not later than its sample.",
  histogramSchema: "A histogram's schema is -4 to 8, or -53 for custom buckets.",
  histogramSpans:
    "A histogram's spans cover exactly its buckets, each of which can hold a float; only the first offset may be negative.",
  histogramZeroThreshold: "A histogram's zero threshold is a finite number from 0.",
  histogramCounts: "A histogram's count equals the sum of its buckets, and no bucket is negative or infinite.",
  histogramCustomValues:
    "Custom values rise, are finite and cover the spans; their histogram has no zero bucket and no negative buckets.",
  histogramResetHint: "A histogram's reset hint is 0 to 3.",
  symbolsFirst: "The first symbol is the empty string.",
  symbolsUnique: "Each symbol occurs once.",
} as const;

/** The name of a rule. */
export type Rule = keyof typeof rules;

/** A request broke a rule. */
export interface Violation {
  /** The rule that was broken. */
  readonly rule: Rule;
  /** What was found and what was expected. */
  readonly message: string;
  /** The series that broke the rule, such as `up{job="a"}`; undefined if the request itself broke it. */
  readonly series?: string;
}

/** Reports a violation by one series or request. */
export type Report = (rule: Rule, message: string) => void;

/**
 * The rules that a receiver checks. Create them with `strictRules` and pass them to `createReceiver`: a bundle contains the
 * rules only if the program imports them. Several receivers may use the same rules; each remembers only its own series.
 */
export interface ReceiverRules {
  /**
   * Creates the checks of one receiver.
   *
   * @internal
   */
  readonly createChecks: (onViolation: (violation: Violation) => void) => CheckRequest;
}

/** Checks the method and the headers of a request. `version` is undefined if Content-Type does not name a known message. */
export type CheckRequest = (request: Request, version: ProtocolVersion | undefined) => RequestCheck;

/** The checks of one request. */
interface RequestCheck {
  /** Reports that the body cannot be read, or is not the message that Content-Type names. */
  reportBody(message: string): void;
  /** Checks the content. Returns the reason to refuse the request, or undefined if the request broke no rule. */
  check(decoded: DecodedRequest): string | undefined;
  /** Remembers the samples of the checked request. Returns a function that forgets them again if they cannot be stored. */
  accept(): () => void;
}
