/**
 * Sends k6 test results to any Prometheus remote-write endpoint, from anywhere JavaScript runs.
 *
 * @example Samples of a program
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const reqs = { name: "http_reqs", type: "counter", contains: "default" } as const;
 * output.add({ metric: reqs, time: Date.now(), value: 1, tags: { method: "GET" } });
 * const { delivered } = await output.close();
 * ```
 *
 * @module
 */
export type { Metric, MetricType, Threshold, ValueType } from "./src/k6/metric.ts";
export type { Sample, SampleConsumer, Tags } from "./src/k6/sample.ts";
export type {
  BucketSpan,
  Exemplar,
  FloatSample,
  Histogram,
  Label,
  Metadata,
  SeriesType,
  TimeSeries,
} from "./src/model/time_series.ts";
export {
  BusyError,
  ConfigurationError,
  DeliveryError,
  FormatError,
  isRemoteWriteError,
  RemoteWriteError,
} from "./src/model/errors.ts";
export type { DeliveryErrorDetails, RemoteWriteErrorKind } from "./src/model/errors.ts";
export { RemoteWriteOutput } from "./src/k6/output/remote_write_output.ts";
export type { OutputCloseOptions, OutputStats } from "./src/k6/output/remote_write_output.ts";
export type { CheckpointOptions, SettledWindow } from "./src/k6/output/checkpointed_windows.ts";
export { readK6Json } from "./src/k6/read/k6_json.ts";
export type { K6JsonOptions, K6JsonReader, K6JsonStats } from "./src/k6/read/k6_json.ts";
export type { SkipReason } from "./src/k6/read/k6_json_line.ts";
export { RemoteWriteClient } from "./src/client/remote_write_client.ts";
export { pushOnce } from "./src/client/push_once.ts";
export type { PushOnceOptions } from "./src/client/push_once.ts";
export { createMetrics } from "./src/k6/measure/metrics.ts";
export type {
  AddOptions,
  Counter,
  CustomMetric,
  Gauge,
  MetricOptions,
  Metrics,
  MetricsOptions,
  Rate,
  Trend,
} from "./src/k6/measure/metrics.ts";
export { instrumentFetch } from "./src/k6/measure/instrumented_fetch.ts";
export { urlTemplate } from "./src/k6/measure/url_name.ts";
export type {
  InstrumentedFetch,
  InstrumentFetchOptions,
  OutgoingRequest,
} from "./src/k6/measure/instrumented_fetch.ts";
export { createRunner } from "./src/k6/measure/runner.ts";
export type { Runner, RunnerContext, RunnerOptions, ScopedFunction } from "./src/k6/measure/runner.ts";
export { optionsFromEnv } from "./src/config/env.ts";
export type { Environment } from "./src/config/env.ts";
export { optionsFromConfig } from "./src/config/config_file.ts";
export { optionsFromArgument } from "./src/config/argument.ts";
export { mergeOptions } from "./src/config/merge_options.ts";
export type { ClientOptions } from "./src/client/client_options.ts";
export type { QueueOptions } from "./src/client/queue_options.ts";
export type { RemoteWriteOutputOptions } from "./src/k6/output/output_options.ts";
export type { FileOptions, OptionsFromText } from "./src/config/raw_options.ts";
export type { AuthOptions } from "./src/send/auth/resolve_authorizer.ts";
export type { BearerToken } from "./src/send/auth/bearer.ts";
export type { OAuth2Options } from "./src/send/auth/oauth2.ts";
export type { AwsCredentials, ExpiringAwsCredentials, SigV4Options } from "./src/send/auth/sigv4.ts";
export type { PerMetric, TrendForm } from "./src/k6/mapping/trends.ts";
export type { TrendWindow } from "./src/k6/sinks/trend_sink.ts";
export type { RelabelAction, RelabelConfig } from "./src/k6/relabel/relabel_config.ts";
export { parseRelabelFile } from "./src/k6/relabel/relabel_file.ts";
export type { RefusalReason } from "./src/k6/series/series_store.ts";
export type { Emit, Sink } from "./src/k6/sinks/sink.ts";
export type { HistogramValue } from "./src/model/time_series.ts";
export type { ExemplarPlace, PlaceExemplar } from "./src/k6/series/series_exemplars.ts";
export type { Mapping, MetricMapping, OutputSeries } from "./src/k6/mapping/mapping.ts";
export type { DeliveryReport, Outcome, ReasonCount } from "./src/model/delivery_report.ts";
export { createReceiver, rules, strictRules } from "./src/receive/mod.ts";
export type {
  OnWrite,
  PartialWrite,
  ReceivedWrite,
  ReceiverOptions,
  ReceiverRules,
  Rule,
  StrictRulesOptions,
  Violation,
} from "./src/receive/mod.ts";
export { RemoteWriteForwarder } from "./src/gateway/mod.ts";
export type { ForwarderOptions, ForwarderReceiverOptions } from "./src/gateway/mod.ts";
export { setSnappyModule } from "./src/protocol/snappy.ts";
export type { CloseOptions } from "./src/send/write_queue.ts";
export type { DurationHistogram, SendStatsSnapshot } from "./src/send/stats.ts";
export type { WrittenCounts } from "./src/send/request_result.ts";
export type { ProtocolVersion } from "./src/protocol/protocol_version.ts";
export type { Sleep } from "./src/send/sleep.ts";
