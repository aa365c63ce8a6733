/**
 * Receives Prometheus remote write 1.0 and 2.0 as a handler of web-standard requests. A receiver with `strictRules` also
 * refuses requests that break a rule of the specifications, and says which rule: use it to test a sender.
 *
 * @example
 * ```ts
 * import { createReceiver, strictRules } from "k6-remote-write/receiver";
 * import { pushOnce } from "k6-remote-write";
 *
 * const receive = createReceiver({
 *   strict: strictRules(),
 *   onWrite: ({ timeSeries }) => console.log(timeSeries.length),
 * });
 * const labels = [{ name: "__name__", value: "up" }];
 * await pushOnce([{ labels, samples: [{ value: 1, timestamp: Date.now() }] }], {
 *   fetch: (url, init) => receive(new Request(url, init)),
 * });
 * ```
 *
 * @module
 */
export { BusyError } from "../model/errors.ts";
export type { RemoteWriteError, RemoteWriteErrorKind } from "../model/errors.ts";
export type {
  BucketSpan,
  Exemplar,
  FloatSample,
  Histogram,
  Label,
  Metadata,
  SeriesType,
  TimeSeries,
} from "../model/time_series.ts";
export type { WrittenCounts } from "../send/request_result.ts";
export type { ProtocolVersion } from "../protocol/protocol_version.ts";
export { createReceiver } from "./create_receiver.ts";
export type { OnWrite, PartialWrite, ReceivedWrite, ReceiverOptions } from "./receiver_options.ts";
export type { AccessOptions } from "./access.ts";
export { rules } from "./rules/rules.ts";
export type { ReceiverRules, Rule, Violation } from "./rules/rules.ts";
export { strictRules } from "./rules/strict_rules.ts";
export type { StrictRulesOptions } from "./rules/strict_rules.ts";
