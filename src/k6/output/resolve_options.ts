/**
 * Checks the options of an output and gives them their final form, once, when the output is created.
 *
 * @module
 */
import { completeClientOptions, type CompletedOptions } from "../../client/client_options.ts";
import { checkOptions } from "../../client/option_definition.ts";
import { unexpected } from "../../model/check_keys.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { prometheusMapping } from "../mapping/prometheus.ts";
import { rawMapping } from "../mapping/raw.ts";
import type { TrendOptions } from "../mapping/trends.ts";
import type { Tags } from "../sample.ts";
import { checkBuckets } from "../sinks/classic_histogram_sink.ts";
import { parseTrendStats } from "../sinks/trend_stats.ts";
import { checkContradictions } from "./check_contradictions.ts";
import { redactUrl } from "../../send/redact.ts";
import { type ResolvedEndpoint, resolveEndpoints } from "./endpoint_options.ts";
import { type CheckedOutputOptions, outputOptionDefinitions, type RemoteWriteOutputOptions } from "./output_options.ts";
import { type IdSource, randomId, runId } from "./run_id.ts";

/** The options of an output in their final form. */
export interface ResolvedOptions extends CheckedOutputOptions, CompletedOptions {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly mapping: Mapping;
  /** The endpoints; one if the option `endpoints` is not given. */
  readonly destinations: readonly ResolvedEndpoint[];
}

/**
 * Checks options and adds the defaults.
 *
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveOptions(options: RemoteWriteOutputOptions = {}): ResolvedOptions {
  const checked = completeClientOptions(checkOptions(options, outputOptionDefinitions));
  const mapping = resolveMapping(checked);
  checkContradictions(options, checked);
  const { endpoints, spool } = checked;
  const destinations = endpoints === undefined
    ? [{ ...checked, name: redactUrl(checked.url), labels: {}, relabel: undefined, spool }]
    : resolveEndpoints(endpoints, options);
  return { ...checked, mapping, destinations, labels: resolveLabels(checked) };
}

function resolveMapping(options: CheckedOutputOptions): Mapping {
  const { mapping, prefix } = options;
  const trends = resolveTrends(options);
  if (mapping === "raw") return rawMapping({ prefix });
  if (mapping === "prometheus") return prometheusMapping({ prefix, trends, rateCounters: options.rateCounters });
  if (typeof mapping?.mapMetric === "function") return mapping;
  throw unexpected(
    "mapping",
    mapping,
    '"prometheus", "raw" or an object with mapMetric(), such as legacyMapping({...})',
  );
}

function resolveTrends(options: CheckedOutputOptions): TrendOptions {
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

/** Returns the value of an option, or its value for each metric, with the names to use in messages. */
function entriesOf(option: string, value: unknown): readonly (readonly [name: string, value: unknown])[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[option, value]];
  return Object.entries(value).map(([metric, each]) => [`${option}.${metric}`, each]);
}

function resolveLabels({ instance, testid, ...options }: CheckedOutputOptions & IdSource): Tags {
  const labels: Record<string, string> = { ...options.labels };
  if (instance !== undefined) labels.instance = instance === "auto" ? randomId(options) : instance;
  if (testid !== undefined) labels.testid = testid === "auto" ? runId(options) : testid;
  return labels;
}
