/**
 * Reads one line of k6's JSON output, in whatever order its keys are: the plain way, which the fast one falls back to and is
 * tested against.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/json/
 * @module
 */
import { type Metric, metricTypes, thresholdText, valueTypes } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import { parseRfc3339Ms } from "./rfc3339.ts";

/** Why a line gave no sample: no line of k6's; cut off at the end; k6's, but not readable, or with something in it that is not. */
export type SkipReason =
  | "foreign"
  | "torn"
  | "malformed"
  | "unknownMetric"
  | "invalidTime"
  | "invalidValue"
  | "invalidTags";

/** What a line is. */
export type K6Line =
  | { readonly kind: "metric"; readonly metric: Metric }
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "skipped"; readonly reason: SkipReason };

/** How k6's lines begin; one that begins so and does not parse is damaged, not somebody else's. */
const k6Start = /^\s*\{\s*"(metric|type)"\s*:/;

/** Whether a line is k6's, or was meant to be. */
export function beginsAsK6(text: string): boolean {
  return k6Start.test(text);
}

const noTags: Tags = Object.freeze({});

/**
 * Reads a line without its end.
 *
 * @param metricOf finds a metric by name
 */
export function readK6Line(text: string, metricOf: (name: string) => Metric | undefined): K6Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return skipped(beginsAsK6(text) ? "malformed" : "foreign");
  }
  if (!isObject(line) || !isObject(line.data) || typeof line.metric !== "string") return skipped("foreign");
  if (line.type === "Metric") return readMetric(line.metric, line.data);
  if (line.type === "Point") return readPoint(line.data, metricOf(line.metric));
  return skipped("foreign");
}

function readMetric(name: string, { type, contains, thresholds }: Record<string, unknown>): K6Line {
  const knownType = metricTypes.find((candidate) => candidate === type);
  const knownContains = valueTypes.find((candidate) => candidate === (contains ?? "default"));
  if (knownType === undefined || knownContains === undefined) return skipped("malformed");
  const expressions = Array.isArray(thresholds) ? thresholds.flatMap((each) => thresholdText(each) ?? []) : [];
  const metric = { name, type: knownType, contains: knownContains };
  return { kind: "metric", metric: expressions.length === 0 ? metric : { ...metric, thresholds: expressions } };
}

function readPoint(point: Record<string, unknown>, metric: Metric | undefined): K6Line {
  if (metric === undefined) return skipped("unknownMetric");
  const time = typeof point.time === "string" ? parseRfc3339Ms(point.time) : undefined;
  if (time === undefined) return skipped("invalidTime");
  const { value } = point;
  if (typeof value !== "number" || !Number.isFinite(value)) return skipped("invalidValue");
  const texts = readTexts(point);
  if (texts === undefined) return skipped("invalidTags");
  return { kind: "sample", sample: { metric, time, value, ...texts } };
}

/** The tags and the metadata of a point; undefined if they are no such thing. */
export function readTexts(point: Record<string, unknown>): Pick<Sample, "tags" | "metadata"> | undefined {
  const tags = textsOf(point.tags);
  const metadata = textsOf(point.metadata);
  if (tags === undefined || metadata === undefined) return undefined;
  return metadata === noTags ? { tags } : { tags, metadata };
}

/** Numbers and booleans are taken as text: k6's own metadata has some. */
function textsOf(value: unknown): Tags | undefined {
  if (value === undefined || value === null) return noTags;
  if (!isObject(value)) return undefined;
  const texts: [string, string][] = [];
  for (const [name, text] of Object.entries(value)) {
    if (text === null) continue;
    if (typeof text === "object") return undefined;
    texts.push([name, String(text)]);
  }
  return texts.length === 0 ? noTags : Object.freeze(Object.fromEntries(texts));
}

/** An object that is no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function skipped(reason: SkipReason): K6Line {
  return { kind: "skipped", reason };
}
