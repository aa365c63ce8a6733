/**
 * Completes the options of an output and checks whether they make sense: once, at the edge.
 *
 * @module
 */
import type { CheckpointOptions } from "./checkpointed_windows.ts";
import type { Relabel } from "../relabel/relabel_rules.ts";
import { checkLabels } from "../check_labels.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { prometheusMapping } from "../mapping/prometheus.ts";
import { rawMapping } from "../mapping/raw.ts";
import type { TrendOptions } from "../mapping/trends.ts";
import { checkContradictions } from "./check_contradictions.ts";
import { atLeast, checkFunction, flag, oneOf, unexpected, wholeAtLeast } from "../../client/option_checks.ts";
import { type ClientOptions, defaultOptions, type RemoteWriteOutputOptions } from "./output_options.ts";
import { resolveClientOptions, type ResolvedClientOptions } from "../../client/resolve_client_options.ts";
import { resolveTrends } from "./resolve_trends.ts";
import { type IdSource, randomId, runId } from "./run_id.ts";
import type { Tags } from "../sample.ts";
import type { RunMetricsFactory } from "../run_metrics/run_metrics.ts";

/** What has another form when it is resolved. */
type Replaced =
  | keyof ClientOptions
  | "mapping"
  | "trendAs"
  | "trendStats"
  | "trendWindow"
  | "maxExactValues"
  | "bucketFactor"
  | "maxBuckets"
  | "buckets"
  | "rateCounters"
  | "instance"
  | "testid"
  | "relabel"
  | "thresholds"
  | "runInfo"
  | "checkpoint";

/** Options that are complete and make sense. */
export interface ResolvedOptions extends ResolvedClientOptions, Required<Omit<RemoteWriteOutputOptions, Replaced>> {
  /** With all options that concern it. */
  readonly mapping: Mapping;
  /** Undefined if there are no rules. */
  readonly relabel: Relabel | undefined;
  /** Those of `thresholds` and `runInfo` that are given. */
  readonly createRunMetrics: readonly RunMetricsFactory[];
  /** Undefined if the run is not to be continued. */
  readonly checkpoint: CheckpointOptions | undefined;
}

/**
 * Completes and checks options.
 *
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveOptions(options: RemoteWriteOutputOptions = {}): ResolvedOptions {
  const client = resolveClientOptions(options);
  const { checkpoint, relabel, thresholds, runInfo } = options;
  const prefix = options.prefix ?? defaultOptions.prefix;
  if (typeof prefix !== "string") throw unexpected("prefix", prefix, "a text");
  checkImported("relabel", relabel, "relabelRules([...])");
  checkImported("thresholds", thresholds, "thresholds({...})");
  checkImported("runInfo", runInfo, "runInfo({...})");
  if (checkpoint !== undefined) checkFunction("checkpoint.onWindow", checkpoint.onWindow);
  const mapping = resolveMapping(options, { prefix, trends: resolveTrends(options) });
  checkContradictions(options);
  return {
    ...client,
    flushPeriodMs: atLeast(1, "flushPeriodMs", options),
    mapping,
    prefix,
    keepTags: flag("keepTags", options, true),
    keepNameTag: flag("keepNameTag", options, false),
    keepUrlTag: flag("keepUrlTag", options, true),
    labels: resolveLabels(options, client),
    relabel,
    createRunMetrics: [thresholds, runInfo].filter((factory) => factory !== undefined),
    zeroSample: flag("zeroSample", options, false),
    staleMarkers: flag("staleMarkers", options, false),
    maxSeries: wholeAtLeast(1, "maxSeries", options),
    windows: oneOf(["wall", "event"], "windows", options.windows),
    shards: wholeAtLeast(1, "shards", options),
    capacity: wholeAtLeast(1, "capacity", options),
    maxQueueBytes: wholeAtLeast(1024, "maxQueueBytes", options),
    overflow: oneOf(["drop-oldest", "block"], "overflow", options.overflow),
    heartbeatMs: atLeast(0, "heartbeatMs", options),
    maxRequestsPerFlush: wholeAtLeast(1, "maxRequestsPerFlush", options),
    closeTimeoutMs: atLeast(0, "closeTimeoutMs", options),
    selfMetrics: flag("selfMetrics", options, false),
    checkpoint,
  };
}

function resolveMapping(
  options: RemoteWriteOutputOptions,
  { prefix, trends }: { readonly prefix: string; readonly trends: TrendOptions },
): Mapping {
  const { mapping = "prometheus" } = options;
  if (typeof mapping === "object" && typeof mapping?.mapMetric === "function") return mapping;
  switch (mapping) {
    case "prometheus":
      return prometheusMapping({ prefix, trends, rateCounters: flag("rateCounters", options, true) });
    case "raw":
      return rawMapping({ prefix });
    default:
      throw unexpected(
        "mapping",
        mapping,
        '"prometheus", "raw" or an object with mapMetric(), such as legacyMapping({...}), which a program imports',
      );
  }
}

/** External labels are the user's own words: a name that must be changed is a mistake, unlike that of a tag. */
function resolveLabels(
  options: RemoteWriteOutputOptions,
  source: IdSource,
): Tags {
  const { instance, testid } = options;
  const labels: Record<string, string> = { ...options.labels };
  if (instance !== undefined) labels.instance = instance === "auto" ? randomId(source) : instance;
  if (testid !== undefined) labels.testid = testid === "auto" ? runId(source) : testid;
  checkLabels("labels", labels);
  return labels;
}

/** Checks an option whose value a program imports. */
function checkImported(name: string, value: unknown, expected: string): void {
  if (value !== undefined && typeof value !== "function") throw unexpected(name, value, `a value of ${expected}`);
}
