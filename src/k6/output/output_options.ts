/**
 * The options of an output: those of the client and of the queue, and how k6 metrics become time series.
 *
 * @module
 */
import { clientOptionDefinitions, type ClientOptions, type OptionalClientOption } from "../../client/client_options.ts";
import type { OptionDefinitions, Resolved } from "../../client/option_definition.ts";
import { checkKeys, unexpected } from "../../model/check_keys.ts";
import { type OptionalQueueOption, queueOptionDefinitions, type QueueOptions } from "../../client/queue_options.ts";
import { checkLabels } from "../check_labels.ts";
import { isUncalled } from "../uncalled.ts";
import { ConfigurationError } from "../../model/errors.ts";
import type { TimeSeries } from "../../model/time_series.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { Relabel } from "../relabel/relabel_rules.ts";
import type { RunMetricsFactory } from "../run_metrics/run_metrics.ts";
import type { Tags } from "../sample.ts";
import { nativeHistogramDefaults } from "../sinks/native_histogram_sink.ts";
import { trendSinkDefaults } from "../sinks/trend_sink.ts";
import type { EndpointOptions } from "./endpoint_options.ts";
import type { CheckpointOptions } from "./checkpointed_windows.ts";

/** The options of an output. */
export interface RemoteWriteOutputOptions extends ClientOptions, QueueOptions {
  /**
   * Several endpoints that get the same series, instead of `url` and its credentials. Each has its own queue, so that one that is
   * down neither delays nor loses anything of another.
   * @default none
   */
  readonly endpoints?: readonly EndpointOptions[] | undefined;
  /** How often `start()` flushes, in milliseconds. It is the length of a window if `windows` is `event`. @default 1000 */
  readonly flushPeriodMs?: number | undefined;
  /** How k6 metrics become time series. A caller can also pass `legacyMapping()` or its own object. @default "prometheus" */
  readonly mapping?: "prometheus" | "raw" | Mapping | undefined;
  /** The beginning of every metric's name. @default "k6_" */
  readonly prefix?: string | undefined;
  /**
   * The form of a trend in the prometheus mapping: one gauge for each of `trendStats`, a native histogram, or a classic histogram.
   * @default "stats"
   */
  readonly trendAs?: "stats" | "native" | "histogram" | undefined;
  /**
   * The statistics of a trend: `avg`, `min`, `max`, `med`, `count`, `sum`, `p(x)`.
   * @default ["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"]
   */
  readonly trendStats?: readonly string[] | undefined;
  /** Whether the median and the percentiles cover the run, or the interval since the last flush. @default "run" */
  readonly trendWindow?: "run" | "interval" | undefined;
  /** Percentiles are exact up to this many values per series. With more, their error is at most 0.5 %. @default 10000 */
  readonly maxExactValues?: number | undefined;
  /**
   * The largest growth from one bucket of a native histogram to the next, above 1: one number, or one for each metric by its name.
   * @default 1.1
   */
  readonly bucketFactor?: number | Readonly<Record<string, number>> | undefined;
  /** The most buckets of a native histogram. With more, buckets are merged, so that the growth is larger. @default 160 */
  readonly maxBuckets?: number | undefined;
  /**
   * The upper bounds of a classic histogram's buckets, in rising order and in the unit that is sent (seconds, bytes): one list, or
   * one for each metric by its name.
   * @default 5 ms to 60 s for times, 256 B to 16 MiB for sizes, 1 to 10000 for other values
   */
  readonly buckets?: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined;
  /** Whether a rate also gets the counters `_passes_total` and `_samples_total`. @default true */
  readonly rateCounters?: boolean | undefined;
  /**
   * Whether counters and histograms begin with a 0, 1 ms before their first sample. Without it, `increase()` does not see the first
   * value of a series.
   * @default false
   */
  readonly zeroSample?: boolean | undefined;
  /** Whether the tags of samples become labels. If not, all series of a metric are aggregated as one. @default true */
  readonly keepTags?: boolean | undefined;
  /** Whether the tag `name` becomes a label. @default false */
  readonly keepNameTag?: boolean | undefined;
  /** Whether the tag `url` becomes a label. @default true */
  readonly keepUrlTag?: boolean | undefined;
  /** Whether k6's tags `k6_feature_*`, which name the switches that are on (`k6 run --features`), become labels. @default true */
  readonly keepFeatureTags?: boolean | undefined;
  /**
   * The names of metadata that become labels, such as `vu` and `iter` (which k6 writes with `--system-tags=vu,iter,...`). Samples with
   * different values belong to different series. A tag of the same name wins.
   * @default []
   */
  readonly metadataLabels?: readonly string[] | undefined;
  /** Labels of every series. As with Prometheus's external labels, a tag of the same name wins. @default {} */
  readonly labels?: Tags | undefined;
  /** The label `instance`, which distinguishes senders. "auto" generates a name. @default none */
  readonly instance?: string | undefined;
  /** The label `testid`, which distinguishes runs. "auto" generates a name. @default none */
  readonly testid?: string | undefined;
  /**
   * Changes the labels of a k6 series or drops the series, before aggregation: `relabelRules([...])` of the entry `./relabel`, or a
   * function. It gets the labels, including external labels, and the metric's name with the prefix as `__name__`. Series that get
   * equal labels are aggregated as one.
   * @default none
   */
  readonly relabel?: Relabel | undefined;
  /**
   * Sends thresholds as `k6_threshold` (the bound; times in seconds) and, at the end, `k6_threshold_passed` (1 or 0). Use
   * `thresholds()` for the thresholds of the metrics, or `thresholds({...})` to add others.
   * @default none
   */
  readonly thresholds?: RunMetricsFactory | undefined;
  /** Sends `k6_run_info`, whose value is 1, with the labels of `runInfo({...})`. @default none */
  readonly runInfo?: RunMetricsFactory | undefined;
  /** Whether `close()` marks every series of k6's metrics as ended. @default false */
  readonly staleMarkers?: boolean | undefined;
  /** The largest number of k6 series. Samples of other series are rejected and counted. @default 1000000 */
  readonly maxSeries?: number | undefined;
  /**
   * How far a sample's time may be ahead of the samples around it if `windows` is `event`, in milliseconds; at the beginning, also how
   * far before most others. Other samples are refused. 0 means no limit. If `windows` is `wall`, samples that are more than 10 minutes
   * ahead of the clock are refused instead.
   * @default 86400000
   */
  readonly maxTimeJumpMs?: number | undefined;
  /** Whether the clock (`start()`, `flush()`) or the times of the samples (recorded files) end a window. @default "wall" */
  readonly windows?: "wall" | "event" | undefined;
  /**
   * What happens if the queue is full: windows that wait are merged, and then the oldest samples are dropped, or `ready()` waits.
   * @default "drop-oldest"
   */
  readonly overflow?: "drop-oldest" | "block" | undefined;
  /**
   * Sends a series again after this time without samples, in milliseconds. 0 means never. It needs `start()`, and `windows` must not
   * be `event`.
   * @default 0
   */
  readonly heartbeatMs?: number | undefined;
  /**
   * The largest number of requests of one `flush()` or `close()`, including retries, redirects and requests for tokens, for runtimes
   * that limit the requests of a handler. The other samples wait for the next flush and are reported as `deferred`.
   * @default Infinity
   */
  readonly maxRequestsPerFlush?: number | undefined;
  /**
   * Whether each flush also sends the sender's statistics (`stats`) as `k6_remote_write_*`, with the labels of `labels`. Their time
   * is the clock's time, or the newest sample's time if `windows` is `event`.
   * @default false
   */
  readonly selfMetrics?: boolean | undefined;
  /**
   * Called with the time series of each flush, before they are sent, for example to show them. Each has the samples of this flush. It
   * must not change them. @default none
   */
  readonly onTimeSeries?: ((timeSeries: readonly TimeSeries[]) => void) | undefined;
  /** Makes a run that can be continued after an interruption. @default none */
  readonly checkpoint?: CheckpointOptions | undefined;
}

type OptionalK6Option =
  | "endpoints"
  | "buckets"
  | "instance"
  | "testid"
  | "relabel"
  | "thresholds"
  | "runInfo"
  | "onTimeSeries"
  | "checkpoint";

type OptionalOutputOption = OptionalClientOption | OptionalQueueOption | OptionalK6Option;

/** The options of an output after the check. */
export type CheckedOutputOptions = Resolved<RemoteWriteOutputOptions, OptionalOutputOption>;

/** The definitions of k6's own options, without those of the client and of the queue. */
export const k6OptionDefinitions: OptionDefinitions<
  Omit<RemoteWriteOutputOptions, keyof ClientOptions | keyof QueueOptions>,
  OptionalK6Option
> = {
  endpoints: { kind: "endpoints" },
  flushPeriodMs: {
    kind: "durationMs",
    min: 1,
    // As in the original extension.
    default: 1000,
  },
  mapping: { kind: "mapping", default: "prometheus" },
  prefix: { kind: "string", default: "k6_" },
  keepTags: { kind: "boolean", default: true },
  keepNameTag: { kind: "boolean", default: false },
  keepUrlTag: { kind: "boolean", default: true },
  metadataLabels: { kind: "strings", default: [], check: checkNames },
  // As in k6's own output.
  keepFeatureTags: { kind: "boolean", default: true },
  trendStats: { kind: "strings", default: ["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"] },
  trendAs: { kind: "choice", choices: ["stats", "native", "histogram"], default: "stats" },
  trendWindow: { kind: "choice", choices: ["run", "interval"], default: "run" },
  maxExactValues: { kind: "wholeNumber", min: 1, default: trendSinkDefaults.maxExactValues },
  bucketFactor: { kind: "factors", default: nativeHistogramDefaults.bucketFactor },
  maxBuckets: { kind: "wholeNumber", min: 1, default: nativeHistogramDefaults.maxBuckets },
  buckets: { kind: "buckets" },
  rateCounters: { kind: "boolean", default: true },
  zeroSample: { kind: "boolean", default: false },
  labels: { kind: "labels", default: {}, check: (labels, name) => checkLabels(name, labels) },
  instance: { kind: "string" },
  testid: { kind: "string" },
  relabel: { kind: "relabel", check: isFactoryOf("relabelRules([...])") },
  maxSeries: {
    kind: "wholeNumber",
    min: 1,
    // About a gigabyte of labels. A run with more has a mistake in its tags.
    default: 1_000_000,
  },
  maxTimeJumpMs: {
    kind: "durationMs",
    // A day, which no pause within a run takes.
    default: 86_400_000,
  },
  thresholds: { kind: "thresholds", check: isFactoryOf("thresholds({...})") },
  runInfo: { kind: "runInfo", check: isFactoryOf("runInfo({...})") },
  staleMarkers: { kind: "boolean", default: false },
  windows: { kind: "choice", choices: ["wall", "event"], default: "wall" },
  overflow: { kind: "choice", choices: ["drop-oldest", "block"], default: "drop-oldest" },
  heartbeatMs: { kind: "durationMs", default: 0 },
  maxRequestsPerFlush: { kind: "wholeNumber", min: 1, default: Infinity },
  selfMetrics: { kind: "boolean", default: false },
  onTimeSeries: { kind: "function" },
  checkpoint: { kind: "checkpoint", check: checkCheckpoint },
};

/** The definitions of all options of an output. */
export const outputOptionDefinitions: OptionDefinitions<RemoteWriteOutputOptions, OptionalOutputOption> = {
  ...clientOptionDefinitions,
  ...queueOptionDefinitions,
  ...k6OptionDefinitions,
};

/** Makes a check for a feature that a caller imports. Data such as rules are a frequent mistake. */
function isFactoryOf(expected: string): (value: unknown, name: string) => void {
  return (value, name) => {
    if (typeof value !== "function") throw unexpected(name, value, `a value of ${expected}`);
    if (isUncalled(value)) {
      throw new ConfigurationError(`Cannot use the option ${name}: the function is not called, expected ${expected}`);
    }
  };
}

function checkNames(names: unknown, option: string): void {
  const isName = (name: unknown): boolean => typeof name === "string" && name !== "";
  if (!Array.isArray(names) || !names.every(isName)) throw unexpected(option, names, "a list of names");
}

function checkCheckpoint(checkpoint: unknown, name: string): void {
  checkKeys(checkpoint, ["windowsSent", "onWindow"], name);
  const { onWindow } = Object(checkpoint);
  if (typeof onWindow !== "function") throw unexpected(`${name}.onWindow`, onWindow, "a function");
}
