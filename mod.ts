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
export { RemoteWriteOutput } from "./src/k6/output/remote_write_output.ts";
export type { OutputCloseOptions, OutputReport, OutputStats } from "./src/k6/output/remote_write_output.ts";
export type { EndpointOptions } from "./src/k6/output/endpoint_options.ts";
export type { RemoteWriteOutputOptions } from "./src/k6/output/output_options.ts";
export type { CheckpointOptions } from "./src/k6/output/checkpointed_windows.ts";
export { readK6Json } from "./src/k6/read/k6_json.ts";
export { readK6Csv } from "./src/k6/read/k6_csv.ts";
export type { K6Reader, K6ReadOptions, K6ReadStats } from "./src/k6/read/k6_reader.ts";
export type { Relabel } from "./src/k6/relabel/relabel_rules.ts";
export type { Metric, Threshold } from "./src/k6/metric.ts";
export type { Sample, SampleConsumer, SampleInput, Tags } from "./src/k6/sample.ts";
export type { Mapping, MetricMapping, OutputSeries } from "./src/k6/mapping/mapping.ts";
export type { Emit, Sink } from "./src/k6/sinks/sink.ts";
export type { PlaceExemplar } from "./src/k6/series/series_exemplars.ts";
export type { RefusalReason } from "./src/k6/series/series_store.ts";
export { legacyMapping } from "./src/k6/mapping/legacy.ts";
export { runInfo } from "./src/k6/run_metrics/run_info.ts";
export { thresholds } from "./src/k6/run_metrics/thresholds.ts";
export type { RunMetrics, RunMetricsContext, RunMetricsFactory } from "./src/k6/run_metrics/run_metrics.ts";
export { RemoteWriteClient } from "./src/client/remote_write_client.ts";
export type { WriteOptions } from "./src/client/remote_write_client.ts";
export type { ClientOptions } from "./src/client/client_options.ts";
export type { AuthOptions } from "./src/send/auth/resolve_authorizer.ts";
export type { AuthContext, AuthMethod, AuthorizableRequest, Authorizer } from "./src/send/auth/authorizer.ts";
export type { Sleep } from "./src/send/sleep.ts";
export { pushOnce } from "./src/client/push_once.ts";
export type { PushOnceOptions } from "./src/client/push_once.ts";
export type { QueueOptions } from "./src/client/queue_options.ts";
export { setSnappyModule } from "./src/protocol/snappy.ts";
export { optionsFromArgument } from "./src/config/argument.ts";
export { optionsFromConfig } from "./src/config/config_file.ts";
export { optionsFromEnv } from "./src/config/env.ts";
export { mergeOptions } from "./src/config/merge_options.ts";
export type { FileOptions, OptionsFromText } from "./src/config/raw_options.ts";
export type { DeliveryReport, ReasonCount } from "./src/model/delivery_report.ts";
export type { BusyError } from "./src/model/errors.ts";
export {
  ConfigurationError,
  DeliveryError,
  FormatError,
  isRemoteWriteError,
  RemoteWriteError,
} from "./src/model/errors.ts";
export type {
  BucketSpan,
  Exemplar,
  FloatSample,
  GeneratedMessage,
  Histogram,
  HistogramValue,
  Label,
  Metadata,
  NamedSeries,
  SeriesArgument,
  TimeSeries,
} from "./src/model/time_series.ts";
export type { SendStatsSnapshot } from "./src/send/stats.ts";
