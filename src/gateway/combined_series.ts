/**
 * The series that an aggregator sends, the senders that it remembers, and the last value of each sender in each series.
 *
 * @module
 */
import type { Histogram, Label, Metadata } from "../model/time_series.ts";
import type { EncodedSeries } from "../protocol/encoded_series.ts";
import type { NativeSum } from "./native_sum.ts";
import type { SeriesRule } from "./series_rule.ts";
import type { Entry } from "./state_entries.ts";

/** The last value of a sender in one series. */
export class Last {
  readonly sender: Sender;
  readonly combined: Combined;
  /** The sender's last value in the series that came after this one in its latest request: senders keep the order of their series. */
  next: Last | undefined = undefined;
  /** The time of the value, in milliseconds since the Unix epoch. */
  time: number = -Infinity;
  value = 0;
  /** The start timestamp; 0 if it is unknown. */
  start = 0;
  histogram: Histogram | undefined = undefined;
  /** Whether a staleness marker ended the series. */
  isEnded = false;
  isChanged = false;

  constructor(sender: Sender, combined: Combined) {
    this.sender = sender;
    this.combined = combined;
  }
}

/** A sender, which is known by the removed labels and their values. */
export interface Sender {
  readonly id: number;
  readonly key: string;
  readonly last: Map<Combined, Last>;
  /** When its latest new sample arrived, in the running time of the aggregator, in milliseconds. */
  seenMs: number;
  /** The newest timestamp of its samples, in milliseconds since the Unix epoch. */
  newestMs: number;
}

/** A series that is sent. */
export interface Combined {
  readonly id: number;
  series: EncodedSeries;
  /** The labels of the series, sorted. */
  readonly labels: readonly Label[];
  /** The type that metadata declared. The first declaration counts. */
  isDeclared: boolean;
  rule: SeriesRule | "histogram";
  /** When the sum was 0, in milliseconds since the Unix epoch. Infinity: just before the next flush. */
  createdMs: number;
  /** Whether the endpoint has got the 0 with which the sum began, or a gauge is shown. */
  hasBegun: boolean;
  /** Whether that 0 is on its way. */
  isBeginning: boolean;
  sum: number;
  histogram: NativeSum | undefined;
  /** The last values of its senders. */
  readonly members: Map<Sender, Last>;
  isChanged: boolean;
}

/** Returns a series without samples. */
export function createCombined(
  known: Pick<Combined, "id" | "series" | "rule" | "createdMs" | "hasBegun" | "isDeclared">,
): Combined {
  return {
    ...{ ...known, labels: known.series.labels },
    ...{ isBeginning: false, sum: 0, histogram: undefined, members: new Map(), isChanged: false },
  };
}

/** The estimated memory, in bytes. */
export const bytesOf = { sender: 300, last: 230, combined: 900, label: 150 };

/** Returns the estimated memory of a series, in bytes. */
export function combinedBytes({ series: { labels, outputs: [output] }, histogram }: Combined): number {
  const { help = "", unit = "" } = output?.metadata ?? {};
  return bytesOf.combined + bytesOf.label * labels.length +
    2 * ((output?.labelsV1.length ?? 0) + help.length + unit.length) + (histogram?.bytes ?? 0);
}

/** Returns the entry of a stored state that says what the sum is. */
export function sumOf({ id, sum, histogram }: Combined): Entry {
  return ["sum", id, sum, histogram?.toValue()];
}

/** Returns the entry of a stored state that says what the last value of a sender is. */
export function lastOf({ sender, combined, time, value, start, isEnded, histogram }: Last): Entry {
  return ["last", sender.id, combined.id, time, value, start, isEnded, sender.seenMs, histogram];
}

/**
 * Reports whether a counter started again after its last sample. Some senders compute the start anew for each sample, so a start
 * that is only a little later means nothing.
 */
export function isRestart(last: Last, start: number): boolean {
  return start > last.start && start >= last.time;
}

/** Reports whether the values of a series are those of a gauge. */
export function isGauge(rule: Combined["rule"]): rule is Exclude<SeriesRule, "counter" | "none"> {
  return rule !== "counter" && rule !== "none" && rule !== "histogram";
}

/** Returns the value of a gauge; undefined if no sender has one. */
export function gaugeOf(
  members: ReadonlyMap<Sender, Last>,
  { rule, sinceMs }: { readonly rule: Exclude<SeriesRule, "counter" | "none">; readonly sinceMs: number },
): number | undefined {
  let result: number | undefined;
  let newest = -Infinity;
  for (const [{ seenMs }, { time, value, isEnded }] of members) {
    if (isEnded || seenMs < sinceMs) continue;
    if (rule === "last") {
      if (time > newest) result = value;
      newest = Math.max(newest, time);
    } else if (result === undefined) result = value;
    else if (rule === "sum") result += value;
    else result = rule === "min" ? Math.min(result, value) : Math.max(result, value);
  }
  return result;
}

/** Returns the metadata of a series for which no sender declared any. */
export function guessed(name: string, rule: Combined["rule"]): Metadata | undefined {
  if (rule === "histogram") return { type: "histogram" };
  return rule === "counter" && name.endsWith("_total") ? { type: "counter" } : undefined;
}

/** Returns the estimated memory of a histogram, in bytes. */
export function histogramBytes(histogram: Histogram | undefined): number {
  if (histogram === undefined) return 0;
  const { positiveCounts, negativeCounts, positiveSpans, negativeSpans, customValues = [] } = histogram;
  return 400 + 8 * (positiveCounts.length + negativeCounts.length + customValues.length) +
    48 * (positiveSpans.length + negativeSpans.length);
}
