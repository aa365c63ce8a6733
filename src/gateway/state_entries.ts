/**
 * The entries that describe an aggregator's state in its store: lines of JSON. An entry replaces an earlier one about the same thing.
 *
 * @module
 */
import { FormatError } from "../model/errors.ts";
import type { Histogram, HistogramValue, Label, Metadata } from "../model/time_series.ts";
import type { SeriesRule } from "./series_rule.ts";

/** One fact about the state. */
export type Entry =
  /** The time of the last samples that were sent. */
  | readonly ["sent", timeMs: number]
  /** How long the aggregator had been running at a time. */
  | readonly ["up", upMs: number, timeMs: number]
  | readonly ["sender", id: number, key: string]
  /** The sender is not remembered any more. */
  | readonly ["forget", senderId: number]
  | readonly [
    "series",
    id: number,
    labels: readonly Label[],
    rule: SeriesRule | "histogram",
    createdMs: number,
    hasBegun: boolean,
    isDeclared: boolean,
    metadata: Metadata | null | undefined,
  ]
  /** The series is not sent any more. */
  | readonly ["remove", seriesId: number]
  /** The value of a series. */
  | readonly ["sum", seriesId: number, sum: number, histogram: HistogramValue | null | undefined]
  /** The last value of a sender. */
  | readonly [
    "last",
    senderId: number,
    seriesId: number,
    timeMs: number,
    value: number,
    startMs: number,
    isEnded: boolean,
    seenMs: number,
    histogram: Histogram | null | undefined,
  ];

/** Returns entries as a record: one line of JSON. */
export function formatEntries(entries: readonly Entry[]): string {
  const isPlain = entries.every((entry) =>
    entry.every((field) => typeof field === "number" ? Number.isFinite(field) : true) &&
    !(entry[0] === "sum" && entry[3]) && !(entry[0] === "last" && entry[8])
  );
  // The function below, which is called for each value, takes several times as long.
  if (isPlain) return JSON.stringify(entries);
  return JSON.stringify(entries, (_, value: unknown) => {
    if (typeof value === "bigint") return Number(value);
    return typeof value === "number" && !Number.isFinite(value) ? { number: String(value) } : value;
  });
}

/** Returns the entries of a record. @throws FormatError if it is not a record of this version */
export function parseEntries(record: string): Entry[] {
  const reviver = (_: string, value: unknown): unknown =>
    typeof value === "object" && value !== null && "number" in value ? Number(value.number) : value;
  // No string in a record contains this, because its quotation marks are escaped.
  const entries: unknown = record.includes('{"number":') ? JSON.parse(record, reviver) : JSON.parse(record);
  if (Array.isArray(entries) && entries.every(isEntry)) return entries;
  throw new FormatError("Cannot read the aggregator's state: a record has another form, expected one of this version");
}

/** The number of fields and the types of the first ones, by kind. */
const forms: Readonly<Record<Entry[0], readonly string[]>> = {
  sent: ["number"],
  up: ["number", "number"],
  sender: ["number", "string"],
  forget: ["number"],
  series: ["number", "object", "string", "number", "boolean", "boolean"],
  remove: ["number"],
  sum: ["number", "number"],
  last: ["number", "number", "number", "number", "number", "boolean", "number"],
};

function isEntry(entry: unknown): entry is Entry {
  if (!Array.isArray(entry)) return false;
  const [kind, ...fields]: unknown[] = entry;
  const form = typeof kind === "string" && Object.hasOwn(forms, kind) ? Reflect.get(forms, kind) : undefined;
  return Array.isArray(form) && form.every((type, at) => typeof fields[at] === type);
}
