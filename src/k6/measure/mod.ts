/**
 * Measures like k6, without k6: custom metrics, an instrumented fetch, and the checks, groups and iterations of a runner.
 *
 * @example An iteration with a request and a check
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 * import { createRunner } from "k6-remote-write/measure";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const runner = createRunner(output, { tags: { scenario: "browse" } });
 * await runner.iteration(async ({ fetch, check }) => {
 *   const response = await fetch("http://localhost:8080/");
 *   check("status is 200", response.status === 200);
 *   await response.text();
 * });
 * await output.close();
 * ```
 *
 * @module
 */
export { createMetrics } from "./metrics.ts";
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
} from "./metrics.ts";
export { instrumentFetch } from "./instrumented_fetch.ts";
export type { HttpOptions, InstrumentedFetch, InstrumentFetchOptions, OutgoingRequest } from "./instrumented_fetch.ts";
export { urlTemplate } from "./url_name.ts";
export { createRunner } from "./runner.ts";
export type { Runner, RunnerContext, RunnerOptions, ScopedFunction } from "./runner.ts";
export type { Metric, MetricType, ValueType } from "../metric.ts";
export type { Sample, SampleConsumer, Tags } from "../sample.ts";
