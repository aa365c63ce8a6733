/**
 * Completes the options of an output and checks whether they make sense: once, at the edge.
 *
 * @module
 */
import type { CheckpointOptions } from "./checkpointed_windows.ts";
import { compileRelabelConfigs, type Relabel } from "../relabel/relabel.ts";
import { ConfigurationError } from "../../model/errors.ts";
import { validLabelName } from "../../model/labels.ts";
import { legacyMapping } from "../mapping/legacy.ts";
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
import { parseThresholds, type ThresholdGroup } from "../run_metrics/thresholds.ts";

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
  | "relabelConfigs"
  | "thresholds"
  | "runInfo"
  | "checkpoint";

/** Options that are complete and make sense. */
export interface ResolvedOptions extends ResolvedClientOptions, Required<Omit<RemoteWriteOutputOptions, Replaced>> {
  /** With all options that concern it. */
  readonly mapping: Mapping;
  /** Undefined if there are no rules. */
  readonly relabel: Relabel | undefined;
  /** Undefined if they are not asked for. */
  readonly thresholds: readonly ThresholdGroup[] | undefined;
  /** Its labels; undefined if it is not asked for. */
  readonly runInfo: Tags | undefined;
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
  const { checkpoint } = options;
  const prefix = options.prefix ?? defaultOptions.prefix;
  const relabelConfigs = options.relabelConfigs ?? [];
  if (typeof prefix !== "string") throw unexpected("prefix", prefix, "a text");
  if (!Array.isArray(relabelConfigs)) throw unexpected("relabelConfigs", relabelConfigs, "a list");
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
    relabel: relabelConfigs.length > 0 ? compileRelabelConfigs(relabelConfigs) : undefined,
    thresholds: resolveThresholds(options.thresholds),
    runInfo: resolveRunInfo(options.runInfo),
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
    case "legacy":
      return legacyMapping({ prefix, maxExactValues: trends.maxExactValues });
    default:
      throw unexpected("mapping", mapping, '"prometheus", "raw", "legacy" or an object with mapMetric()');
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

function resolveThresholds(thresholds: RemoteWriteOutputOptions["thresholds"]): ThresholdGroup[] | undefined {
  if (thresholds === undefined || thresholds === false) return undefined;
  return thresholds === true ? [] : parseThresholds(thresholds);
}

function resolveRunInfo(runInfo: RemoteWriteOutputOptions["runInfo"]): Tags | undefined {
  if (runInfo === undefined || runInfo === false) return undefined;
  const labels = runInfo === true ? {} : runInfo;
  checkLabels("runInfo", labels);
  return labels;
}

function checkLabels(option: string, labels: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(labels)) {
    if (validLabelName(name) !== name) {
      throw new ConfigurationError(
        `Cannot use the option ${option}: there is a label "${name}", expected names of the form [a-zA-Z_][a-zA-Z0-9_]*, not beginning with __`,
      );
    }
    if (typeof value !== "string") throw unexpected(`${option}.${name}`, value, "a text");
  }
}
