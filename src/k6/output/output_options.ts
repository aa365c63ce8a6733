/**
 * The options of an output: what they mean, and what they are by default.
 *
 * @module
 */
import { nativeHistogramDefaults } from "../sinks/native_histogram_sink.ts";
import type { RelabelConfig } from "../relabel/relabel_config.ts";
import { trendSinkDefaults, type TrendWindow } from "../sinks/trend_sink.ts";
import type { CheckpointOptions } from "./checkpointed_windows.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { PerMetric, TrendForm } from "../mapping/trends.ts";
import type { Threshold } from "../metric.ts";
import type { Tags } from "../sample.ts";
import type { OAuth2Options } from "../../send/auth/oauth2.ts";
import type { AuthOptions } from "../../send/auth/resolve_authorizer.ts";
import type { SigV4Options } from "../../send/auth/sigv4.ts";
import { sendDefaults } from "../../send/defaults.ts";
import type { Sleep } from "../../send/sleep.ts";

/**
 * What only the command can do, as a library reads no files: it turns them into other options. They are here because variables
 * and configuration files hold them; a program that passes one on is told what to use instead.
 */
export interface FileOptions {
  /** A file of CA certificates in PEM form; instead, a `fetch` that trusts them. */
  readonly caCertFile?: string | undefined;
  /** A file with the client's certificate in PEM form; instead, a `fetch` that shows it. */
  readonly clientCertFile?: string | undefined;
  /** A file with that certificate's private key in PEM form. */
  readonly clientKeyFile?: string | undefined;
  /** The lowest version of TLS; instead, a `fetch` that sees to it. */
  readonly tlsMinVersion?: "1.2" | "1.3" | undefined;
  /** A file with a bearer token, read again when it changes; instead, `bearerToken` as a function. */
  readonly bearerTokenFile?: string | undefined;
  /** Parts of an OAuth 2.0 client; a program passes `auth: oauth2({ ... })` instead. */
  readonly oauth2?: OAuth2Options | undefined;
  /** Parts of AWS's signatures; a program passes `auth: sigV4({ ... })` instead. */
  readonly sigv4?: SigV4Options | undefined;
  /** A file of relabelling rules; instead, `relabelConfigs`. */
  readonly relabelConfigFile?: string | undefined;
}

/** Where to send, how to authenticate (in one way at most), and how hard to try. */
export interface ClientOptions extends FileOptions, AuthOptions {
  /**
   * The remote-write endpoint; user info in it becomes basic authentication.
   * @default "http://localhost:9090/api/v1/write"
   */
  readonly url?: string | URL | undefined;
  /** Further request headers; those of the protocol cannot be changed. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Skip the verification of certificates. A library cannot do so by itself: it needs a `fetch` that does.
   * @default false
   */
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** How long one attempt may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a request is tried in all, in milliseconds. With `overflow: "block"` what waits behind it shares this time, as long as
   * every request fails.
   * @default 300000
   */
  readonly retryDeadlineMs?: number | undefined;
  /** Whether 429 Too Many Requests is tried again. @default true */
  readonly retryOn429?: boolean | undefined;
  /** Samples of one request. @default 2000 */
  readonly maxSamplesPerSend?: number | undefined;
  /** Size of one request before compression, in bytes. @default 8388608 */
  readonly maxDecodedBytes?: number | undefined;
  /** Size of one request after compression, in bytes. @default 1048576 */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Version of the protocol; `auto` begins with 2.0 and falls back to 1.0, for good, if the receiver does not show that it
   * knows 2.0.
   * @default "auto"
   */
  readonly protocol?: "auto" | "1.0" | "2.0" | undefined;
  /** Whether a refused request is cut in halves until the refused series stand alone. @default true */
  readonly bisect?: boolean | undefined;
  /** Called with what a user should know; never holds a secret. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Sends the requests. @default globalThis.fetch, as it is when this is made */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** A number from 0 to below 1, for the jitter of the back-off. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Waits for the back-off and the flush period. */
  readonly sleep?: Sleep | undefined;
}

/** What an output can be told. */
export interface RemoteWriteOutputOptions extends ClientOptions {
  /** How often `start()` flushes, in milliseconds; the length of a window where `windows` is `event`. @default 1000 */
  readonly flushPeriodMs?: number | undefined;
  /** How k6 metrics become time series. @default "prometheus" */
  readonly mapping?: "prometheus" | "raw" | "legacy" | Mapping | undefined;
  /** Begins the name of every metric. @default "k6_" */
  readonly prefix?: string | undefined;
  /**
   * What the prometheus mapping makes of a trend: a gauge for each of `trendStats`, a native histogram or a classic one.
   * @default "stats"
   */
  readonly trendAs?: TrendForm | undefined;
  /**
   * The stats: `avg`, `min`, `max`, `med`, `count`, `sum`, `p(x)`.
   * @default ["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"]
   */
  readonly trendStats?: readonly string[] | undefined;
  /** What the median and the percentiles are of: the values of the run, or those since the last flush. @default "run" */
  readonly trendWindow?: TrendWindow | undefined;
  /** Values of a series up to which percentiles are exact; with more, they are within 0.5 %. @default 10000 */
  readonly maxExactValues?: number | undefined;
  /**
   * Most that a native histogram's bucket may be wider than the one before, above 1; also for each metric by its name.
   * @default 1.1
   */
  readonly bucketFactor?: PerMetric<number> | undefined;
  /** Most buckets of a native histogram; with more, buckets are merged, so that the factor grows. @default 160 */
  readonly maxBuckets?: number | undefined;
  /**
   * Upper bounds of a classic histogram's buckets, rising, in the unit that is sent (seconds, bytes); also for each metric by
   * its name.
   * @default 5 ms to 60 s, 256 B to 16 MiB, and 1 to 10000 for what has no unit
   */
  readonly buckets?: PerMetric<readonly number[]> | undefined;
  /** Whether a rate has the counters `_passes_total` and `_samples_total` beside it. @default true */
  readonly rateCounters?: boolean | undefined;
  /**
   * Whether counters and histograms begin with a 0, 1 ms before their first sample: `increase()` does not see the first value of
   * a series otherwise.
   * @default false
   */
  readonly zeroSample?: boolean | undefined;
  /** Whether tags become labels. @default true */
  readonly keepTags?: boolean | undefined;
  /** Whether the tag `name` becomes a label. @default false */
  readonly keepNameTag?: boolean | undefined;
  /** Whether the tag `url` becomes a label. @default true */
  readonly keepUrlTag?: boolean | undefined;
  /** Labels of every series; as with Prometheus's external labels, the series' own, which is a tag, wins. @default {} */
  readonly labels?: Tags | undefined;
  /** The label `instance`, to tell senders apart; "auto" makes one up. @default none */
  readonly instance?: string | undefined;
  /** The label `testid`, to tell runs apart; "auto" makes one up. @default none */
  readonly testid?: string | undefined;
  /**
   * Rules in the terms of Prometheus's `write_relabel_configs`. They see the labels of a k6 series, external ones included, and as
   * `__name__` the metric's name with the prefix; series that become the same are aggregated as one.
   * @default []
   */
  readonly relabelConfigs?: readonly RelabelConfig[] | undefined;
  /**
   * Whether thresholds are sent as `k6_threshold` (the bound; times in seconds) and, at the end, `k6_threshold_passed` (1 or 0):
   * those of the metrics, and those given here in k6's form, such as `{ "http_req_duration{status:200}": ["p(95)<500"] }`. Of
   * k6's further settings (`abortOnFail`), none does anything.
   * @default false
   */
  readonly thresholds?: boolean | Readonly<Record<string, readonly Threshold[]>> | undefined;
  /** Whether to send `k6_run_info`, which is 1, with the run's `testid` and the labels given here. @default false */
  readonly runInfo?: boolean | Tags | undefined;
  /** Whether `close()` says of every series of k6's metrics that it ended. @default false */
  readonly staleMarkers?: boolean | undefined;
  /** How many series there may be; samples of further ones are refused and counted. @default 1000000 */
  readonly maxSeries?: number | undefined;
  /** What begins a window: `start()` and `flush()`, or the samples' own times (recorded files). @default "wall" */
  readonly windows?: "wall" | "event" | undefined;
  /** Requests under way at once; a series always takes the same of them. @default 1 */
  readonly shards?: number | undefined;
  /** Samples that may wait; the newest batch of each shard may be more. @default 500000 */
  readonly capacity?: number | undefined;
  /** Memory that waiting samples may take, in bytes. @default 67108864 */
  readonly maxQueueBytes?: number | undefined;
  /** What to do when too much waits: drop the oldest, or let `ready()` wait. @default "drop-oldest" */
  readonly overflow?: "drop-oldest" | "block" | undefined;
  /**
   * Send series to which nothing comes again after this time, in milliseconds; 0 is never. Only after `start()`, and not where
   * `windows` is `event`.
   * @default 0
   */
  readonly heartbeatMs?: number | undefined;
  /**
   * Requests of one `flush()` or `close()` at most, those of retries, redirects and tokens included, for runtimes that allow a
   * handler only so many. What is left is kept for the next flush, and reported as `deferred`. @default Infinity
   */
  readonly maxRequestsPerFlush?: number | undefined;
  /** How long `close()` waits for what is under way, in milliseconds. @default 30000 */
  readonly closeTimeoutMs?: number | undefined;
  /**
   * Whether each flush also sends the statistics (`stats`) as series of the output's own, `k6_remote_write_*`, with the labels of
   * `labels`; stamped with the time, or with that of the window's newest sample where `windows` is `event`.
   * @default false
   */
  readonly selfMetrics?: boolean | undefined;
  /** Makes a run that can be continued after it was broken off. @default none */
  readonly checkpoint?: CheckpointOptions | undefined;
}

/** The options that are always numbers. */
export type NumberOption = {
  [Name in keyof RemoteWriteOutputOptions]-?: Exclude<RemoteWriteOutputOptions[Name], undefined> extends number ? Name
    : never;
}[keyof RemoteWriteOutputOptions];

type Defaults =
  & Readonly<Record<NumberOption, number>>
  & { readonly url: string; readonly prefix: string; readonly trendStats: readonly string[] };

/** The defaults; those of sending are reasoned where they stand. */
export const defaultOptions: Defaults = {
  url: "http://localhost:9090/api/v1/write",
  flushPeriodMs: 1000,
  prefix: "k6_",
  trendStats: ["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"],
  timeoutMs: sendDefaults.timeoutMs,
  // Long enough for a receiver's restart; who waits for the end of a run has to see that end.
  retryDeadlineMs: 300_000,
  maxSamplesPerSend: sendDefaults.maxSamplesPerSend,
  maxDecodedBytes: sendDefaults.maxDecodedBytes,
  maxBodyBytes: sendDefaults.maxBodyBytes,
  maxExactValues: trendSinkDefaults.maxExactValues,
  maxBuckets: nativeHistogramDefaults.maxBuckets,
  // About a gigabyte of labels: more is a mistake in the tags.
  maxSeries: 1_000_000,
  shards: 1,
  capacity: sendDefaults.capacity,
  maxQueueBytes: sendDefaults.maxQueueBytes,
  heartbeatMs: 0,
  maxRequestsPerFlush: Infinity,
  closeTimeoutMs: sendDefaults.closeTimeoutMs,
};
