/**
 * The messages about samples that were not delivered: the cause and one example, in at most two lines.
 *
 * @module
 */
import { metricName } from "../model/labels.ts";
import { cut } from "../model/printable.ts";
import type { Label } from "../model/time_series.ts";
import type { Batch, BatchSlice } from "../protocol/batch.ts";
import { describe, type Failed } from "./request_result.ts";
import type { Warnings } from "./warnings.ts";

/** Samples of one request that were refused. */
export interface Refusal extends BatchSlice {
  readonly refused: number;
  /** Why, in the words of the receiver or of the runtime. */
  readonly reason: string;
  /** Whether an earlier attempt may have stored them. */
  readonly unknown: boolean;
}

/** Longer examples and reasons are cut, and get three dots. */
const [maxExample, maxReason] = [77, 197];

/** The most series that are compared to find the labels that differ. */
const maxCompared = 100;

/** A label set in the words of a receiver, such as `k6_vus{job="k6"}`. */
const labelSet = /[\w:.]*\{[^{}]*\}/g;

/** Warns of refused samples, once for each cause. */
export function warnOfRefusal(warnings: Warnings, refusal: Refusal): void {
  const { reason, unknown } = refusal;
  const what = unknown ? "Refused on a retry, perhaps stored before" : "Not delivered";
  warnings.once(() => `${what}: ${describeRefusal(refusal)}`, `${what}: ${reason}`);
}

function describeRefusal({ batch, from, to, refused, reason }: Refusal): string {
  const ranks = rankLabels(batch);
  const words = reason.replace(labelSet, (set) => shorten(set, ranks));
  // The receiver may have named the series. If a request holds more than one, it is not known which it means.
  const first = to - from === 1 && words === reason ? batch.seriesAt(from) : undefined;
  const example = first === undefined ? "" : `, such as ${formatSeries(first.name, first.labels, ranks)}`;
  return `${countOf(refused)} (${cut(words, maxReason)})${example}. ` +
    "Further samples of this kind are only counted.";
}

/** Returns the warning that samples were given up after the last attempt. */
export function giveUpMessage(samples: number, result: Failed): string {
  const attempts = result.attempts === 1 ? "1 attempt" : `${result.attempts} attempts`;
  const reason = describe(result);
  return `Gave up ${countOf(samples)} after ${attempts}: ${cut(reason, maxReason)}.`;
}

function countOf(samples: number): string {
  return samples === 1 ? "1 sample" : `${samples} samples`;
}

/** The number of values of each label; a missing label is a value, too. The label with the most values tells series apart best. */
type LabelRanks = ReadonlyMap<string, number>;

function rankLabels(batch: Batch): LabelRanks {
  const step = Math.ceil(batch.length / maxCompared);
  const compared = batch.series.flatMap((_, index) => index % step === 0 ? batch.seriesAt(index) ?? [] : []);
  const values = new Map<string, Map<string, number>>();
  for (const { labels } of compared) {
    for (const { name, value } of labels) {
      const counts = values.get(name) ?? new Map<string, number>();
      values.set(name, counts.set(value, (counts.get(value) ?? 0) + 1));
    }
  }
  const ranks = [...values].map(([name, counts]): [string, number] => {
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return [name, counts.size + (total < compared.length ? 1 : 0)];
  });
  return new Map(compared.length > 1 ? ranks : []);
}

/** Returns the name of a series together with the labels that tell it apart, best first, as far as there is room. */
function formatSeries(name: string, labels: readonly Label[], ranks: LabelRanks): string {
  const rankOf = (label: Label): number => ranks.get(label.name) ?? 2;
  const pairs = labels.filter((label) => label.name !== "__name__" && rankOf(label) > 1)
    .sort((a, b) => rankOf(b) - rankOf(a))
    .map((label) => `${label.name}=${JSON.stringify(label.value)}`);
  let shown = "";
  for (const pair of pairs) {
    const longer = shown === "" ? pair : `${shown},${pair}`;
    if (name.length + longer.length > maxExample) break;
    shown = longer;
  }
  return name !== "" && shown === "" ? cut(name, maxExample) : `${name}{${shown}}`;
}

/** Leaves only the labels that tell a series apart in a label set of a receiver. */
function shorten(set: string, ranks: LabelRanks): string {
  const begin = set.indexOf("{");
  const pairs = [...set.slice(begin + 1, -1).matchAll(/([^\s,="]+)\s*=\s*"((?:[^"\\]|\\.)*)"/g)];
  if (pairs.length === 0) return cut(set, maxExample);
  const labels = pairs.map(([, name = "", value = ""]) => ({ name, value: value.replace(/\\(.)/g, "$1") }));
  const named = metricName(labels);
  return formatSeries(set.slice(0, begin) || (named ?? ""), labels, ranks);
}
