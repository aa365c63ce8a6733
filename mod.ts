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
export type { Metric, MetricType, Threshold, ValueType } from "./src/metric.ts";
export type { Sample, SampleConsumer, Tags } from "./src/sample.ts";
export type {
  BucketSpan,
  Exemplar,
  FloatSample,
  Histogram,
  Label,
  Metadata,
  SeriesType,
  TimeSeries,
} from "./src/time_series.ts";
export { ConfigurationError, DeliveryError, FormatError, isRemoteWriteError } from "./src/errors.ts";
export type { DeliveryErrorDetails, RemoteWriteError } from "./src/errors.ts";
export { RemoteWriteOutput } from "./src/output.ts";
export type { OutputCloseOptions, OutputStats } from "./src/output.ts";
export type { CheckpointOptions, SettledWindow } from "./src/output/checkpointed_windows.ts";
export { readK6Json } from "./src/sources/k6_json.ts";
export type { K6JsonOptions, K6JsonReader, K6JsonStats } from "./src/sources/k6_json.ts";
export type { SkipReason } from "./src/sources/k6_json_line.ts";
export { RemoteWriteClient } from "./src/write_client.ts";
export { pushOnce } from "./src/push_once.ts";
export type { PushOnceOptions } from "./src/push_once.ts";
export { createMetrics } from "./src/sources/metrics.ts";
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
} from "./src/sources/metrics.ts";
export { instrumentFetch } from "./src/sources/instrumented_fetch.ts";
export { urlTemplate } from "./src/sources/url_name.ts";
export type { InstrumentedFetch, InstrumentFetchOptions, OutgoingRequest } from "./src/sources/instrumented_fetch.ts";
export { createRunner } from "./src/sources/runner.ts";
export type { Runner, RunnerContext, RunnerOptions, ScopedFunction } from "./src/sources/runner.ts";
export { optionsFromEnv } from "./src/env.ts";
export type { Environment } from "./src/env.ts";
export { optionsFromConfig } from "./src/options/config_file.ts";
export { optionsFromArgument } from "./src/options/argument.ts";
export { mergeOptions } from "./src/options/merge_options.ts";
export type { ClientOptions, FileOptions, RemoteWriteOutputOptions } from "./src/options.ts";
export type { AuthOptions } from "./src/send/auth/resolve_authorizer.ts";
export type { BearerToken } from "./src/send/auth/bearer.ts";
export type { OAuth2Options } from "./src/send/auth/oauth2.ts";
export type { AwsCredentials, ExpiringAwsCredentials, SigV4Options } from "./src/send/auth/sigv4.ts";
export type { PerMetric, TrendForm } from "./src/mapping/trends.ts";
export type { TrendWindow } from "./src/aggregate/trend_sink.ts";
export type { RelabelAction, RelabelConfig } from "./src/aggregate/relabel_config.ts";
export { parseRelabelFile } from "./src/aggregate/relabel_file.ts";
export type { RefusalReason } from "./src/aggregate/series_store.ts";
export type { Emit, HistogramValue, Sink } from "./src/aggregate/sink.ts";
export type { ExemplarPlace, PlaceExemplar } from "./src/aggregate/series_exemplars.ts";
export type { Mapping, MetricMapping, OutputSeries } from "./src/mapping/mapping.ts";
export type { DeliveryReport, Fate, ReasonCount } from "./src/delivery_report.ts";
export { BusyError, createReceiver } from "./src/receiver.ts";
export type { OnWrite, PartialWrite, ReceivedWrite, ReceiverOptions } from "./src/receiver.ts";
export { RemoteWriteForwarder } from "./src/forwarder.ts";
export type { ForwarderOptions, ForwarderReceiverOptions } from "./src/forwarder.ts";
export { clauses } from "./src/receive/breach.ts";
export type { Breach, Clause } from "./src/receive/breach.ts";
export { setSnappyModule } from "./src/wire/snappy.ts";
export type { CloseOptions } from "./src/send/write_queue.ts";
export type { DurationHistogram, SendStatsSnapshot } from "./src/send/stats.ts";
export type { ProtocolVersion, WrittenCounts } from "./src/send/outcome.ts";
export type { Sleep } from "./src/send/sleep.ts";
