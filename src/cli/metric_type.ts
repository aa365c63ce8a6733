/**
 * The flag `--metric-type`, which gives the types of metrics that an input does not announce.
 *
 * @module
 */
import { unreadable } from "../config/option_parsers.ts";
import { type Metric, metricTypes, valueTypes } from "../k6/metric.ts";
import { cut } from "../model/printable.ts";
import type { Flag } from "./arguments.ts";
import { countOf } from "./format.ts";

const forms = "NAME=TYPE or NAME=TYPE:UNIT, with counter, gauge, rate or trend, and time or data";

/** The flag. Its value holds a metric for each name. */
export const metricTypeFlag: Flag = {
  flag: "metric-type",
  placeholder: "NAME=TYPE[:UNIT]",
  help: "The type of a metric that the input does not announce, and its unit, time or data. Repeatable.",
  named: true,
  parse: parseMetricType,
};

function parseMetricType(text: string, source: string): Readonly<Record<string, Metric>> {
  const [, name, typeName, unit = "default"] = /^([^=]+)=([a-z]+)(?::([a-z]+))?$/.exec(text) ?? [];
  const type = metricTypes.find((candidate) => candidate === typeName);
  const contains = valueTypes.find((candidate) => candidate === unit);
  if (name === undefined || type === undefined || contains === undefined) throw unreadable(source, text, forms);
  return { [name]: { name, type, contains } };
}

/** The most names in a message, and how long each may be. */
const [maxNames, maxNameLength] = [10, 100];

/**
 * Returns what is wrong with an input with metrics of unknown type, and what helps.
 *
 * @param all the names of the metrics
 * @param samples the number of samples that were skipped
 */
export function describeUnknownMetrics(all: readonly string[], samples: number): string {
  const names = all.map((name) => cut(name, maxNameLength));
  const [name = ""] = names;
  const shown = names.length > maxNames ? `${names.slice(0, maxNames).join(", ")} and others` : names.join(", ");
  const [are, forEach] = names.length === 1 ? ["is", ""] : ["are", ", for each metric"];
  const skipped = countOf(samples, "sample");
  return `it does not say of which type ${shown} ${are} (${skipped}). ` +
    `Use --metric-type ${name}=counter, ${name}=trend:time or the like${forEach}.`;
}
