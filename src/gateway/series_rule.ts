/**
 * Decides how the series of several senders become one: by the options, then by the metadata, then by the name.
 *
 * @module
 */
import type { Label, SeriesType } from "../model/time_series.ts";

/** How the values of several senders become one gauge. `last` is the value with the newest timestamp. */
export type GaugeRule = "last" | "sum" | "min" | "max";

/** The types that the option `types` knows. A classic histogram consists of counters. */
export type CombinedType = "counter" | "gauge";

/** How the values of several senders become one: `counter` adds up what each of them gained; `none` leaves the series out. */
export type SeriesRule = "counter" | GaugeRule | "none";

/** The options that decide about a series. */
export interface RuleOptions {
  /** The types of metrics, by name. */
  readonly types: Readonly<Record<string, CombinedType>>;
  /** The rules of gauges, by name. */
  readonly gauges: Readonly<Record<string, GaugeRule>>;
}

/** Returns the rule of a series of floats. */
export function ruleOf(
  { name, labels, type }: {
    readonly name: string;
    readonly labels: readonly Label[];
    readonly type: SeriesType | undefined;
  },
  { types, gauges }: RuleOptions,
): SeriesRule {
  if (Object.hasOwn(gauges, name)) return gauges[name] ?? "last";
  if (Object.hasOwn(types, name)) return types[name] === "counter" ? "counter" : gaugeRuleOf(name);
  const isPart = /_(?:bucket|count|sum)$/.test(name);
  switch (type) {
    case "counter":
      return "counter";
    case "gauge":
    case "info":
    case "stateset":
      return gaugeRuleOf(name);
    case "histogram":
      return isPart ? "counter" : "none";
    case "summary":
      return isPart && !isQuantile(labels) ? "counter" : "none";
    case "gaugehistogram":
      return "none";
  }
  if (isQuantile(labels)) return "none";
  return isPart || name.endsWith("_total") ? "counter" : gaugeRuleOf(name);
}

/** An average or a quantile of several senders cannot be computed from theirs. */
function gaugeRuleOf(name: string): SeriesRule {
  if (/_(?:p\d+|med|median|avg|mean|rate|ratio)$/.test(name)) return "none";
  if (name.endsWith("_min")) return "min";
  return name.endsWith("_max") ? "max" : "last";
}

function isQuantile(labels: readonly Label[]): boolean {
  return labels.some(({ name }) => name === "quantile");
}
