/**
 * Options as text describes them, and the values that a library takes instead.
 *
 * @module
 */
import { legacyMapping } from "../k6/mapping/legacy.ts";
import type { Mapping } from "../k6/mapping/mapping.ts";
import type { Threshold } from "../k6/metric.ts";
import { defaultOptions, type RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import type { RelabelConfig } from "../k6/relabel/relabel_config.ts";
import { relabelRules } from "../k6/relabel/relabel_rules.ts";
import { runInfo } from "../k6/run_metrics/run_info.ts";
import type { RunMetricsFactory } from "../k6/run_metrics/run_metrics.ts";
import { thresholds } from "../k6/run_metrics/thresholds.ts";
import type { Tags } from "../k6/sample.ts";

/** Options whose features may still be descriptions, so that sources can be merged and compared. */
export interface DescribedOptions extends Omit<RemoteWriteOutputOptions, "mapping" | "thresholds" | "runInfo"> {
  readonly mapping?: "prometheus" | "raw" | "legacy" | Mapping | undefined;
  readonly relabelConfigs?: readonly RelabelConfig[] | undefined;
  readonly thresholds?: boolean | Readonly<Record<string, readonly Threshold[]>> | RunMetricsFactory | undefined;
  readonly runInfo?: boolean | Tags | RunMetricsFactory | undefined;
}

/**
 * Turns the descriptions of features into values.
 *
 * @throws {ConfigurationError} naming what is wrong with a description
 */
export function importFeatures(
  { mapping, relabelConfigs, thresholds: groups, runInfo: labels, ...options }: DescribedOptions,
): RemoteWriteOutputOptions {
  const imported: { -readonly [Name in keyof RemoteWriteOutputOptions]: RemoteWriteOutputOptions[Name] } = options;
  if (mapping === "legacy") {
    const { prefix = defaultOptions.prefix, maxExactValues } = options;
    imported.mapping = legacyMapping({ prefix, maxExactValues });
    delete imported.maxExactValues;
  } else if (mapping !== undefined) {
    imported.mapping = mapping;
  }
  if (relabelConfigs !== undefined && relabelConfigs.length > 0) imported.relabel = relabelRules(relabelConfigs);
  if (groups) imported.thresholds = typeof groups === "function" ? groups : thresholds(groups === true ? {} : groups);
  if (labels) imported.runInfo = typeof labels === "function" ? labels : runInfo(labels === true ? {} : labels);
  return imported;
}
