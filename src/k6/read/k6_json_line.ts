/**
 * Reads one line of k6's JSON output with `JSON.parse`. The faster `PointReader` leaves unusual lines to it, and is tested against
 * it.
 *
 * @see https://grafana.com/docs/k6/latest/results-output/real-time/json/
 * @module
 */
import { isRecord } from "../../model/records.ts";
import { type Metric, metricTypes, thresholdText, valueTypes } from "../metric.ts";
import type { Sample, Tags } from "../sample.ts";
import type { SkipReason } from "./k6_reader.ts";
import { parseTimeMs } from "./unix_time.ts";

/** The content of a line. */
export type K6Line =
  | { readonly kind: "metric"; readonly metric: Metric }
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "skipped"; readonly reason: SkipReason };

/** The beginning of k6's lines. A line that begins like this and does not parse is a damaged line of k6. */
const k6Start = /^\s*\{\s*"(metric|type)"\s*:/;

/** Reports whether a line begins like those of k6. */
export function beginsAsK6(line: string): boolean {
  return k6Start.test(line);
}

/** Longer than any prefix and the beginning of k6's line together. */
const maxPrefix = 512;

/**
 * Returns the position of one of k6's lines after a prefix, such as those of `docker compose logs` and `kubectl logs --timestamps`;
 * -1 if there is none.
 */
export function findAfterPrefix(line: string): number {
  const at = line.slice(0, maxPrefix).search(/\{"(?:metric|type)":"/);
  return at > 0 ? at : -1;
}

const noTags: Tags = Object.freeze({});

/**
 * Reads a line, which is passed without its line end.
 *
 * @param metricOf finds a metric by name
 */
export function readK6Line(line: string, metricOf: (name: string) => Metric | undefined): K6Line {
  // Parsing a line that is not JSON throws, which costs much more than this.
  if (!/^\s*\{/.test(line)) return skipped("foreign");
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return skipped(beginsAsK6(line) ? "malformed" : "foreign");
  }
  if (!isRecord(parsed) || !isRecord(parsed.data) || typeof parsed.metric !== "string") return skipped("foreign");
  if (parsed.type === "Metric") return readMetric(parsed.metric, parsed.data);
  if (parsed.type === "Point") return readPoint(parsed.data, metricOf(parsed.metric));
  return skipped("foreign");
}

function readMetric(name: string, { type, contains, thresholds }: Record<string, unknown>): K6Line {
  const knownType = metricTypes.find((candidate) => candidate === type);
  if (knownType === undefined) return skipped("malformed");
  // A unit that this version does not know must not cost the samples.
  const knownContains = valueTypes.find((candidate) => candidate === contains) ?? "default";
  const expressions = Array.isArray(thresholds) ? thresholds.flatMap((each) => thresholdText(each) ?? []) : [];
  const metric = { name, type: knownType, contains: knownContains };
  return { kind: "metric", metric: expressions.length === 0 ? metric : { ...metric, thresholds: expressions } };
}

function readPoint(point: Record<string, unknown>, metric: Metric | undefined): K6Line {
  if (metric === undefined) return skipped("unknownMetric");
  const time = parseTimeMs(String(point.time));
  if (time === undefined) return skipped("invalidTime");
  const { value } = point;
  if (typeof value !== "number" || !Number.isFinite(value)) return skipped("invalidValue");
  const tags = readTags(point);
  if (tags === undefined) return skipped("invalidTags");
  return { kind: "sample", sample: { metric, time, value, ...tags } };
}

/** Returns the tags and the metadata of a point; undefined if they cannot be read. */
export function readTags(point: Record<string, unknown>): Pick<Sample, "tags" | "metadata"> | undefined {
  const tags = stringsOf(point.tags);
  const metadata = stringsOf(point.metadata);
  if (tags === undefined || metadata === undefined) return undefined;
  return metadata === noTags ? { tags } : { tags, metadata };
}

/** Converts numbers and booleans to strings, because k6's own metadata contain them. */
function stringsOf(value: unknown): Tags | undefined {
  if (value === undefined || value === null) return noTags;
  if (!isRecord(value)) return undefined;
  const strings: [string, string][] = [];
  for (const [name, each] of Object.entries(value)) {
    if (each === null) continue;
    if (typeof each === "object") return undefined;
    strings.push([name, String(each)]);
  }
  return strings.length === 0 ? noTags : Object.freeze(Object.fromEntries(strings));
}

function skipped(reason: SkipReason): K6Line {
  return { kind: "skipped", reason };
}
