/**
 * What `send` says at its end.
 *
 * @module
 */
import { formatDurationMs } from "../config/duration.ts";
import type { OutputStats } from "../k6/output/remote_write_output.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import type { K6JsonStats } from "../k6/read/k6_json.ts";
import { countOf, formatBytes, formatCount } from "./format.ts";

/** What was done. */
export interface RunTotals {
  readonly report: DeliveryReport;
  readonly stats: OutputStats;
  /** One for each input. */
  readonly read: readonly K6JsonStats[];
}

/** Why lines were skipped, in words. */
const skipWords: readonly (readonly [keyof K6JsonStats["skipped"], string])[] = [
  ["foreign", "not k6's"],
  ["torn", "cut off"],
  ["malformed", "damaged"],
  ["unknownMetric", "of an unknown metric"],
  ["invalidTime", "with an unreadable time"],
  ["invalidValue", "with an unreadable value"],
  ["invalidTags", "with unreadable tags"],
];

/**
 * What was lost, and what could not be read, in words; empty if nothing was. What is unknown is no loss: the receiver most
 * likely has it.
 */
export function lossesOf({ report, stats, read }: RunTotals): string[] {
  const { samples, rejected, failed, dropped, deferred } = report;
  const undelivered = rejected + failed + dropped + deferred;
  const refused = sum(Object.values(stats.samplesRefused));
  const damaged = sum(read.flatMap(({ skipped: { foreign: _, ...damaged } }) => Object.values(damaged)));
  return [
    ...(undelivered === 0 ? [] : [`${formatCount(undelivered)} of ${countOf(samples, "sample")} not delivered`]),
    ...(refused === 0 ? [] : [`${countOf(refused, "k6 sample")} refused`]),
    ...(damaged === 0 ? [] : [`${countOf(damaged, "line")} not readable`]),
  ];
}

/** Whether something was lost, or could not be read. */
export function isLoss(account: RunTotals): boolean {
  return lossesOf(account).length > 0;
}

/** A few lines for people. */
export function formatSummary(
  { report, stats, read, endpoint, interrupted, ms }: RunTotals & {
    /** Where it was sent; without secrets. */
    readonly endpoint: string;
    readonly interrupted?: string;
    readonly ms: number;
  },
): string {
  const lines = sum(read.map(({ lines }) => lines));
  const skipped = skipWords.flatMap(([reason, words]) => {
    const count = sum(read.map(({ skipped }) => skipped[reason]));
    return count === 0 ? [] : [`${formatCount(count)} ${words}`];
  });
  const refused = sum(Object.values(stats.samplesRefused));
  const rows = [
    [
      "read",
      `${countOf(stats.samplesIn, "k6 sample")} in ${countOf(lines, "line")}`,
      ...(interrupted === undefined ? [] : [`not to the end (${interrupted})`]),
    ],
    ...(skipped.length === 0 ? [] : [["skipped", ...skipped]]),
    ...(refused === 0 ? [] : [["refused", countOf(refused, "k6 sample")]]),
    ["made", `${formatCount(stats.series)} k6 series`],
    ["to", endpoint],
    ...deliveryRows(report),
    ["time", formatDurationMs(ms)],
  ];
  return formatRows(rows);
}

/** What became of what was sent. */
export function formatDelivered(report: DeliveryReport): string {
  return formatRows(deliveryRows(report));
}

function deliveryRows(report: DeliveryReport): string[][] {
  const outcomes = (["rejected", "failed", "unknown", "dropped", "deferred"] as const)
    .flatMap((outcome) => report[outcome] === 0 ? [] : [`${formatCount(report[outcome])} ${outcome}`]);
  return [
    [
      "sent",
      countOf(report.requests, "request"),
      formatBytes(report.bytes),
      ...(report.retries === 0 ? [] : [`${formatCount(report.retries)} of them again`]),
    ],
    ["delivered", `${formatCount(report.delivered)} of ${countOf(report.samples, "sample")}`, ...outcomes],
    ...report.reasons.map((
      { samples, outcome, reason },
    ) => ["", `${formatCount(samples)} ${outcome}: ${shortened(reason)}`]),
  ];
}

/** The warning before had all of it. */
function shortened(reason: string): string {
  return reason.length <= 300 ? reason : `${reason.slice(0, 300)} ...`;
}

function formatRows(rows: readonly (readonly string[])[]): string {
  return rows.map(([title = "", ...facts]) => `${title.padStart(10)}  ${facts.join(", ")}`).join("\n");
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
