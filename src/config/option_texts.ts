/**
 * How each option of the library is given as a string: its help text, and its flag and placeholder if they do not follow from the
 * definition. They are not in the definitions, because programs that use the library do not need them in their bundles. The
 * compiler demands an entry for each option; an option that cannot be given as a string has `null`.
 *
 * @module
 */
import type { ClientOptions } from "../client/client_options.ts";
import type { QueueOptions } from "../client/queue_options.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/** The groups of options, in the order of the help, with their titles. */
export const optionGroups = {
  endpoint: "Endpoint",
  authentication: "Authentication",
  series: "What is sent",
  labels: "Labels",
  delivery: "Delivery",
  input: "Input",
} as const;

/** The group that an option is shown in. */
export type OptionGroup = keyof typeof optionGroups;

/** How an option is given as a string. */
export interface OptionText {
  /** The group that the help and the reference show the option in. */
  readonly group: OptionGroup;
  /** The help text: one sentence. */
  readonly help: string;
  /** The name of the flag without the dashes in front. @default the option's name in kebab case, without the unit `Ms` */
  readonly flag?: string;
  /** Stands for the value in the help. @default by the kind */
  readonly placeholder?: string;
}

/** The help text and the flag of each option; null for an option that cannot be given as a string. */
export type OptionTexts<Options> = { readonly [Name in keyof Options]-?: OptionText | null };

/** The help texts and the flags of the client's options. */
export const clientOptionTexts: OptionTexts<ClientOptions> = {
  url: {
    group: "endpoint",
    help: "The remote-write endpoint. Repeatable: all endpoints get the same series and credentials.",
  },
  user: { group: "authentication", help: "The user name for basic authentication.", placeholder: "NAME" },
  password: {
    group: "authentication",
    help: "The password for basic authentication. Prefer the environment for secrets.",
  },
  bearerToken: { group: "authentication", help: "The bearer token. Prefer the environment for secrets." },
  auth: null,
  headers: { group: "endpoint", help: "Additional request headers. Also a JSON object.", flag: "http-headers" },
  timeoutMs: { group: "delivery", help: "How long one attempt may take." },
  retryDeadlineMs: { group: "delivery", help: "How long a request is retried." },
  retryOn429: { group: "delivery", help: "Retry after 429 Too Many Requests.", flag: "retry-on-429" },
  maxSamplesPerSend: { group: "delivery", help: "The most samples in one request." },
  maxDecodedBytes: { group: "delivery", help: "The largest request before compression." },
  maxBodyBytes: { group: "delivery", help: "The largest request after compression." },
  protocol: {
    group: "endpoint",
    help: "The protocol version: 1.0, 2.0, or auto (2.0 with fallback to 1.0).",
    placeholder: "VERSION",
  },
  nameEscaping: {
    group: "endpoint",
    help: "How 1.0 requests write UTF-8 names: values (U__...) or underscores.",
    placeholder: "FORM",
  },
  bisect: { group: "delivery", help: "Divide a refused request until the refused series are found." },
  onWarning: null,
  fetch: null,
  now: null,
  monotonicNow: null,
  random: null,
  sleep: null,
};

/** The help texts and the flags of the queue's options. */
export const queueOptionTexts: OptionTexts<QueueOptions> = {
  shards: { group: "delivery", help: "How many requests are sent at the same time." },
  capacity: { group: "delivery", help: "The most samples that may wait." },
  maxQueueBytes: { group: "delivery", help: "The most memory that waiting samples may take." },
  closeTimeoutMs: { group: "delivery", help: "How long to wait at the end for undelivered samples." },
  spool: null,
};

/** The help texts and the flags of the options that only an output has. */
export const k6OptionTexts: OptionTexts<Omit<RemoteWriteOutputOptions, keyof ClientOptions | keyof QueueOptions>> = {
  endpoints: null,
  flushPeriodMs: { group: "delivery", help: "How often to send; for recorded files, the length of a window." },
  mapping: { group: "series", help: "How metrics become series: prometheus, raw or legacy.", placeholder: "NAME" },
  prefix: { group: "series", help: "The beginning of every metric's name." },
  keepTags: { group: "labels", help: "Send tags as labels." },
  keepNameTag: { group: "labels", help: "Send the tag name as a label." },
  keepUrlTag: { group: "labels", help: "Send the tag url as a label." },
  metadataLabels: {
    group: "labels",
    help: "Metadata that become labels, such as vu,iter. Each combination of values makes series.",
  },
  keepFeatureTags: { group: "labels", help: "Send k6's tags k6_feature_* (k6 run --features) as labels." },
  trendStats: { group: "series", help: "The stats of trends: avg, min, max, med, count, sum, p(x)." },
  trendAs: {
    group: "series",
    help: "The form of trends: stats, native (histograms) or histogram (classic).",
    placeholder: "FORM",
  },
  trendWindow: {
    group: "series",
    help: "What percentiles cover: the run, or the interval since the last flush.",
    placeholder: "WINDOW",
  },
  maxExactValues: {
    group: "series",
    help: "The most values per series with exact percentiles. With more, the error is at most 0.5 %.",
  },
  bucketFactor: {
    group: "series",
    help: "The largest growth of a native histogram's buckets. Also METRIC=NUMBER,METRIC=NUMBER.",
  },
  maxBuckets: { group: "series", help: "The most buckets of a native histogram." },
  buckets: { group: "series", help: "The upper bounds of a classic histogram. Also a JSON object of lists by metric." },
  rateCounters: { group: "series", help: "Also send _passes_total and _samples_total for rates." },
  zeroSample: { group: "series", help: "Begin counters and histograms with a 0, 1 ms before the first sample." },
  labels: { group: "labels", help: "A label of every series. A tag of the same name wins. Repeatable.", flag: "label" },
  instance: { group: "labels", help: "The label instance. auto generates a name.", placeholder: "NAME" },
  testid: { group: "labels", help: "The label testid. auto generates a name.", placeholder: "NAME" },
  relabel: null,
  maxTimeJumpMs: {
    group: "input",
    help: "In files: refuse samples whose times are further ahead of the samples around them; 0 means no limit.",
  },
  maxSeries: { group: "series", help: "The most k6 series. Samples of other series are rejected." },
  thresholds: { group: "series", help: "Send thresholds and whether they passed. Also a JSON object of more." },
  runInfo: { group: "series", help: "Send k6_run_info. Also NAME=VALUE,NAME=VALUE for its labels." },
  staleMarkers: { group: "series", help: "At the end, mark every k6 series as stale." },
  windows: null,
  overflow: {
    group: "delivery",
    help: "If the queue is full: drop-oldest, or block reading (default for recorded files).",
    placeholder: "POLICY",
  },
  heartbeatMs: {
    group: "delivery",
    help: "Send idle series again after this time; 0 means never. For live input, the default is 1m.",
  },
  maxRequestsPerFlush: { group: "delivery", help: "The most requests per flush, including retries." },
  selfMetrics: { group: "series", help: "Also send the sender's statistics, k6_remote_write_*." },
  onTimeSeries: null,
  checkpoint: null,
};
