/**
 * The messages about samples that were not delivered: the cause, one example and the option that helps, in at most two lines.
 *
 * @module
 */
import type { Label } from "../model/time_series.ts";
import type { BatchSlice } from "../protocol/batch.ts";
import { advice, adviceFor } from "./advice.ts";
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

/** Longer examples and reasons are cut. */
const [maxExample, maxReason] = [80, 200];

/** So many series show which labels all have in common. */
const maxCompared = 100;

/** A label set in the words of a receiver, such as `k6_vus{job="k6"}`. */
const labelSet = /[\w:.]*\{[^{}]*\}/g;

/** Warns of refused samples, once for each cause. */
export function warnOfRefusal(warnings: Warnings, refusal: Refusal): void {
  const { reason, unknown } = refusal;
  const what = unknown ? "Refused on a retry, perhaps stored before" : "Not delivered";
  warnings.once(() => `${what}: ${describeRefusal(refusal)}`, `${what}: ${reason}`);
}

function describeRefusal({ batch, from, to, refused, reason, unknown }: Refusal): string {
  const common = commonLabels(batch.series.slice(0, maxCompared).map(({ labels }) => labels));
  const words = reason.replace(labelSet, (set) => shorten(set, common));
  const [first] = batch.series.slice(from, to);
  const isKnown = first !== undefined && refused === to - from && words === reason;
  const example = isKnown ? `, such as ${cut(formatSeries(first.labels, common), maxExample)}` : "";
  // What an earlier attempt stored is refused for that alone.
  const hint = unknown ? "" : adviceFor(reason);
  return `${countOf(refused)} (${cut(words, maxReason)})${example}.${hint === "" ? "" : ` ${hint}`} ` +
    "Further samples of this kind are only counted.";
}

/** Returns the warning that samples were given up after the last attempt. */
export function giveUpMessage(samples: number, result: Failed): string {
  const attempts = result.attempts === 1 ? "1 attempt" : `${result.attempts} attempts`;
  const reason = describe(result);
  const hint = reason.includes("did not answer within") ? ` ${advice.timeout}` : "";
  return `Gave up ${countOf(samples)} after ${attempts}: ${cut(reason, maxReason)}.${hint}`;
}

function countOf(samples: number): string {
  return samples === 1 ? "1 sample" : `${samples} samples`;
}

/** Returns the labels that all series have, each as `name="value"`. */
function commonLabels(series: readonly (readonly Label[])[]): ReadonlySet<string> {
  const [first = [], ...others] = series;
  const common = new Set(others.length === 0 ? [] : first.map(formatLabel));
  for (const labels of others) {
    const own = new Set(labels.map(formatLabel));
    for (const label of common) if (!own.has(label)) common.delete(label);
  }
  return common;
}

/** Returns the name of a series together with the labels that distinguish it. */
function formatSeries(labels: readonly Label[], common: ReadonlySet<string>): string {
  const name = labels.find((label) => label.name === "__name__")?.value ?? "";
  const others = labels.filter((label) => label.name !== "__name__").map(formatLabel);
  return withLabels(name, others.filter((label) => !common.has(label)));
}

/** Leaves only the labels that distinguish a series in a label set of a receiver. */
function shorten(set: string, common: ReadonlySet<string>): string {
  const begin = set.indexOf("{");
  const pairs = set.slice(begin + 1, -1).match(/[^\s,="]+\s*=\s*"(?:[^"\\]|\\.)*"/g);
  if (pairs === null) return cut(set, maxExample);
  const parts = pairs.map((pair) => pair.replace(/\s*=\s*/, "="));
  const name = parts.find((part) => part.startsWith("__name__="))?.slice('__name__="'.length, -1);
  const others = parts.filter((part) => !part.startsWith("__name__=") && !common.has(part));
  return cut(withLabels(set.slice(0, begin) || (name ?? ""), others), maxExample);
}

function withLabels(name: string, labels: readonly string[]): string {
  return name !== "" && labels.length === 0 ? name : `${name}{${labels.join(",")}}`;
}

function formatLabel({ name, value }: Label): string {
  return `${name}=${JSON.stringify(value)}`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 4)} ...`;
}
