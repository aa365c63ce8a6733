/**
 * Judges a run: by thresholds in k6's form, and by gates that compare it with another run.
 *
 * @module
 */
import { unreadable } from "../../config/option_parsers.ts";
import type { MetricType, ValueType } from "../../k6/metric.ts";
import { type MetricSelector, parseMetricSelector } from "../../k6/run_metrics/metric_selector.ts";
import {
  type Aggregation,
  parseThreshold,
  type ThresholdExpression,
} from "../../k6/run_metrics/threshold_expression.ts";
import { parseThresholdGroups, type ThresholdGroup } from "../../k6/run_metrics/thresholds.ts";
import { isRemoteWriteError } from "../../model/errors.ts";
import { formatChange, formatValue, type ValueKind } from "./format_value.ts";
import type { Answer, MetricReading } from "./metric_reading.ts";
import type { SentThreshold, TagList } from "./run_reader.ts";

/** A condition and whether the run meets it. */
export interface Judgement {
  /** The metric, with tags in braces. */
  readonly metric: string;
  /** The condition, as the user wrote it. */
  readonly expression: string;
  readonly state: "passed" | "crossed" | "unanswered";
  /** The value as a number in the metric's own unit; for a relative gate, the change. */
  readonly value?: number | undefined;
  /** The value with its unit, and what is to be known about it; or why there is none. */
  readonly detail: string;
}

/** The metrics of a run. */
export interface MetricSource {
  /**
   * Returns the values of a metric with the name that a script uses, or of its samples with certain tags; undefined if there are
   * none.
   */
  readNamed(name: string, tags?: TagList): Promise<MetricReading | undefined>;
}

/** Judges a run by thresholds. @throws QueryError */
export async function judgeThresholds(
  groups: readonly ThresholdGroup[],
  reader: MetricSource,
): Promise<Judgement[]> {
  const judgements: Judgement[] = [];
  for (const { selector, expressions } of groups) {
    for (const expression of expressions) judgements.push(await judgeThreshold(selector, { expression, reader }));
  }
  return judgements;
}

/** Judges a run by the thresholds that it sent itself. @throws QueryError */
export async function judgeSentThresholds(sent: readonly SentThreshold[], reader: MetricSource): Promise<Judgement[]> {
  const judgements: Judgement[] = [];
  for (const { metric, expression } of sent) {
    try {
      judgements.push(...await judgeThresholds(parseThresholdGroups({ [metric]: [expression] }), reader));
    } catch (error) {
      if (!isRemoteWriteError(error)) throw error;
      judgements.push({ metric, expression, state: "unanswered", detail: error.message });
    }
  }
  return judgements;
}

async function judgeThreshold(
  selector: MetricSelector,
  { expression, reader }: { readonly expression: ThresholdExpression; readonly reader: MetricSource },
): Promise<Judgement> {
  const subject = { metric: selector.text, expression: expression.text };
  const { answer, kind } = await ask(reader, selector, expression.aggregation);
  if (answer.problem !== undefined) return { ...subject, state: "unanswered", detail: answer.problem };
  const { value, bounds } = answer;
  const shown = `${nameOf(expression.aggregation)}=${formatValue(value, kind)}`;
  // An estimate may be on the other side of the bound than the true value.
  const isClose = bounds !== undefined && bounds.low < expression.bound && expression.bound < bounds.high;
  const close = isClose
    ? `, but the true value lies between ${formatValue(bounds.low, kind)} and ${formatValue(bounds.high, kind)}`
    : "";
  const state = expression.holds(value) ? "passed" : "crossed";
  return { ...subject, state, value, detail: `${shown}${close}` };
}

/** A condition of a comparison, such as `http_req_duration p(95) > +10%`: the run fails if it holds. */
export interface Gate {
  readonly text: string;
  readonly selector: MetricSelector;
  /** The value that is compared, and the change at which the run fails: a share if it is relative. */
  readonly condition: ThresholdExpression;
  readonly isRelative: boolean;
}

const gateForm = "METRIC VALUE > CHANGE, such as 'http_req_duration p(95) > +10%' or 'http_req_failed rate > 0.01'";

/** Reads a gate such as `http_req_duration p(95) > +10%`. @throws ConfigurationError that shows the form of a gate */
export function parseGate(text: string, source: string): Gate {
  const [, metric, aggregation, operator, change, percent] =
    /^\s*(.+?)\s+(value|count|rate|avg|min|max|med|p\([^()]*\))\s*(>=|<=|>|<)\s*([+-]?[\d.]+)\s*(%?)\s*$/.exec(text) ??
      [];
  if (metric === undefined) throw unreadable(source, text, gateForm);
  const isRelative = percent === "%";
  const bound = Number(change) / (isRelative ? 100 : 1);
  if (Number.isNaN(bound)) throw unreadable(source, text, gateForm);
  try {
    const condition = parseThreshold(`${aggregation}${operator}${bound}`);
    return { text: text.trim(), selector: parseMetricSelector(metric), condition, isRelative };
  } catch {
    throw unreadable(source, text, gateForm);
  }
}

/** Judges the change from another run to this one. @throws QueryError */
export async function judgeGate(
  gate: Gate,
  { current, baseline }: { readonly current: MetricSource; readonly baseline: MetricSource },
): Promise<Judgement> {
  const { selector, condition, isRelative, text } = gate;
  const subject = { metric: selector.text, expression: text };
  const [before, after] = [
    await ask(baseline, selector, condition.aggregation),
    await ask(current, selector, condition.aggregation),
  ];
  for (const [which, { answer }] of [["the other run", before], ["this run", after]] as const) {
    if (answer.problem === undefined) continue;
    return { ...subject, state: "unanswered", detail: `${which}: ${answer.problem}` };
  }
  const [from = NaN, to = NaN] = [before.answer.value, after.answer.value];
  const change = isRelative ? relativeChange(from, to) : to - from;
  const shown = `${formatValue(from, after.kind)} to ${formatValue(to, after.kind)}`;
  const relative = formatChange(relativeChange(from, to));
  const state = condition.holds(change) ? "crossed" : "passed";
  return { ...subject, state, value: change, detail: `${shown} (${relative || "no change"})` };
}

/** Returns the change as a share of the first value. From 0, every change is infinite. */
export function relativeChange(from: number, to: number): number {
  const change = from === to ? 0 : (to - from) / Math.abs(from);
  // Sums of the same values in another order differ by less.
  return Math.abs(change) < 1e-12 ? 0 : change;
}

/** Returns the name of a value in k6's notation. */
export function nameOf(aggregation: Aggregation): string {
  if (typeof aggregation !== "object") return aggregation;
  return aggregation.quantile === 0.5 ? "med" : `p(${Number((aggregation.quantile * 100).toPrecision(12))})`;
}

/** Returns what the values of a metric are. */
export function kindOf({ type, contains }: { readonly type: MetricType; readonly contains: ValueType }): ValueKind {
  return type === "rate" ? "share" : contains;
}

async function ask(
  reader: MetricSource,
  { name, tags }: MetricSelector,
  aggregation: Aggregation,
): Promise<{ readonly answer: Answer; readonly kind: ValueKind }> {
  const reading = await reader.readNamed(name, tags);
  if (reading !== undefined) return { answer: reading.get(aggregation), kind: kindOf(reading) };
  const where = tags.length === 0 || await reader.readNamed(name) === undefined
    ? ""
    : ` with ${tags.map(([tag, value]) => `${tag}=${value}`).join(", ")}`;
  const advice = await adviseUrl(reader, { name, tags });
  return { answer: { problem: `the run has no series of ${name}${where}${advice}` }, kind: "default" };
}

/** Returns what to use instead of the tag `name`, which is no label by default; "" if that is not the reason. */
async function adviseUrl(reader: MetricSource, { name, tags }: Pick<MetricSelector, "name" | "tags">): Promise<string> {
  if (tags.every(([tag]) => tag !== "name")) return "";
  const instead = tags.map(([tag, value]) => [tag === "name" ? "url" : tag, value] as const);
  if (await reader.readNamed(name, instead) === undefined) return "";
  const selector = `{${instead.map(([tag, value]) => `${tag}:${value}`).join(",")}}`;
  return `; the label name was not sent, but url has the same value: use ${selector}, or send with --keep-name-tag`;
}
