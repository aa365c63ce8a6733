/**
 * Receives Prometheus remote write and sends it on to another endpoint. `RemoteWriteForwarder` sends the same series: pages and
 * edge workers can use it to push to an endpoint that they cannot reach, or whose credentials they must not know.
 * `RemoteWriteAggregator` adds up the series of many senders that come and go.
 *
 * @example
 * ```ts
 * import { RemoteWriteForwarder } from "k6-remote-write/gateway";
 *
 * const forwarder = new RemoteWriteForwarder({
 *   url: "http://localhost:9090/api/v1/write",
 *   receiver: { cors: "https://shop.example.com" },
 * });
 * const response = await forwarder.handle(new Request("http://localhost/", { method: "OPTIONS" }));
 * console.log(response.status); // 204: the page may send
 * await forwarder.close();
 * ```
 *
 * @module
 */
export { rules } from "../receive/mod.ts";
export { RemoteWriteAggregator } from "./remote_write_aggregator.ts";
export type { AggregatorStats } from "./remote_write_aggregator.ts";
export type { AggregatorOptions } from "./aggregator_options.ts";
export type { AggregatorCounts } from "./aggregator_state.ts";
export type { CombinedType, GaugeRule } from "./series_rule.ts";
export { cloudflareAggregator } from "./cloudflare_aggregator.ts";
export type {
  CloudflareAggregator,
  CloudflareAggregatorOptions,
  DurableObjectNamespaceLike,
  DurableObjectStateLike,
  DurableObjectStubLike,
} from "./cloudflare_aggregator.ts";
export { denoKv } from "./stores/deno_kv.ts";
export type { DenoKvLike, DenoKvOptions, KeyPart } from "./stores/deno_kv.ts";
export { durableObject } from "./stores/durable_object.ts";
export type { DurableObjectStorageLike } from "./stores/durable_object.ts";
export { file } from "./stores/file.ts";
export type { FileHandleLike, FileOptions, FileSystem } from "./stores/file.ts";
export { memory } from "./stores/memory.ts";
export type { AggregatorStore } from "./stores/store.ts";
export { RemoteWriteForwarder } from "./remote_write_forwarder.ts";
export type { ForwarderOptions, ForwarderReceiverOptions } from "./remote_write_forwarder.ts";
export type { DeliveryReport, Outcome, ReasonCount } from "../model/delivery_report.ts";
export type {
  AccessOptions,
  BucketSpan,
  Exemplar,
  FloatSample,
  Histogram,
  Label,
  Metadata,
  OnWrite,
  PartialWrite,
  ProtocolVersion,
  ReceivedWrite,
  ReceiverOptions,
  ReceiverRules,
  Rule,
  SeriesType,
  TimeSeries,
  Violation,
  WrittenCounts,
} from "../receive/mod.ts";
export type { ClientOptions } from "../client/client_options.ts";
export type { QueueOptions } from "../client/queue_options.ts";
export type { AuthContext, AuthMethod, AuthorizableRequest, Authorizer } from "../send/auth/authorizer.ts";
export type { AuthOptions } from "../send/auth/resolve_authorizer.ts";
export type { Sleep } from "../send/sleep.ts";
export type { DurationHistogram, SendStatsSnapshot } from "../send/stats.ts";
export type { CloseOptions } from "../send/write_queue.ts";
