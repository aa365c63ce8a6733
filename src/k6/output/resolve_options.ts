/**
 * Checks the options of an output and gives them their final form: once, at the public edge.
 *
 * @module
 */
import { completeClientOptions, type CompletedOptions } from "../../client/client_options.ts";
import { checkOptions, type Resolved, unexpected } from "../../client/option_definition.ts";
import { ConfigurationError } from "../../model/errors.ts";
import { validLabelName } from "../../model/labels.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { prometheusMapping } from "../mapping/prometheus.ts";
import { rawMapping } from "../mapping/raw.ts";
import type { TrendOptions } from "../mapping/trends.ts";
import type { Tags } from "../sample.ts";
import { checkBuckets } from "../sinks/classic_histogram_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import { checkContradictions } from "./check_contradictions.ts";
import { type OptionalOutputOption, outputOptionDefinitions, type RemoteWriteOutputOptions } from "./output_options.ts";
import { type IdSource, randomId, runId } from "./run_id.ts";

type CheckedOptions = Resolved<RemoteWriteOutputOptions, OptionalOutputOption>;

/** The options of an output after the check. */
export interface ResolvedOptions extends CheckedOptions, CompletedOptions {
  readonly url: string;
  readonly mapping: Mapping;
}

/**
 * Checks options and adds the defaults.
 *
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveOptions(options: RemoteWriteOutputOptions = {}): ResolvedOptions {
  const checked = checkOptions(options, outputOptionDefinitions);
  const { checkpoint } = checked;
  if (checkpoint !== undefined && typeof checkpoint.onWindow !== "function") {
    throw unexpected("checkpoint.onWindow", checkpoint.onWindow, "a function");
  }
  const mapping = resolveMapping(checked);
  checkContradictions(options);
  return { ...completeClientOptions(checked, options), mapping, labels: resolveLabels(checked) };
}

function resolveMapping(options: CheckedOptions): Mapping {
  const { mapping, prefix } = options;
  const trends = resolveTrends(options);
  if (mapping === "raw") return rawMapping({ prefix });
  if (mapping === "prometheus") return prometheusMapping({ prefix, trends, rateCounters: options.rateCounters });
  if (typeof mapping?.mapMetric === "function") return mapping;
  throw unexpected(
    "mapping",
    mapping,
    '"prometheus", "raw" or an object with mapMetric(), such as legacyMapping({...}), which a program imports',
  );
}

function resolveTrends(options: CheckedOptions): TrendOptions {
  const { trendStats, bucketFactor, buckets } = options;
  if (!Array.isArray(trendStats)) throw unexpected("trendStats", trendStats, "a list");
  for (const [name, factor] of entriesOf("bucketFactor", bucketFactor)) {
    if (typeof factor !== "number" || !(factor > 1) || factor === Infinity) {
      throw unexpected(name, factor, "a number above 1");
    }
  }
  for (const [name, bounds] of entriesOf("buckets", buckets)) {
    if (!Array.isArray(bounds) || bounds.length === 0 || bounds.some((bound) => typeof bound !== "number")) {
      throw unexpected(name, bounds, "a list of upper bounds");
    }
    checkBuckets(bounds);
  }
  return {
    form: options.trendAs,
    stats: parseTrendStats(trendStats),
    window: options.trendWindow,
    maxExactValues: options.maxExactValues,
    bucketFactor,
    maxBuckets: options.maxBuckets,
    buckets,
  };
}

/** Returns the values of an option that may hold one value per metric, each with the name to use in a message. */
function entriesOf(option: string, value: unknown): readonly (readonly [name: string, value: unknown])[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[option, value]];
  return Object.entries(value).map(([metric, each]) => [`${option}.${metric}`, each]);
}

function resolveLabels({ instance, testid, ...options }: CheckedOptions & IdSource): Tags {
  const labels: Record<string, string> = { ...options.labels };
  if (instance !== undefined) labels.instance = instance === "auto" ? randomId(options) : instance;
  if (testid !== undefined) labels.testid = testid === "auto" ? runId(options) : testid;
  checkLabels("labels", labels);
  return labels;
}

/**
 * Checks labels that a user wrote. An invalid name is a mistake there, whereas a tag's name is changed to a valid one.
 *
 * @throws ConfigurationError
 */
export function checkLabels(option: string, labels: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(labels)) {
    if (validLabelName(name) !== name) {
      throw new ConfigurationError(
        `Cannot use the option ${option}: the label's name is "${name}", expected [a-zA-Z_][a-zA-Z0-9_]* that does not begin with __`,
      );
    }
    if (typeof value !== "string") throw unexpected(`${option}.${name}`, value, "a string");
  }
}
