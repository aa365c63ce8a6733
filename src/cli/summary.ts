/**
 * What `send` says at its end.
 *
 * @module
 */
import { formatDurationMs } from "../duration.ts";
import type { OutputStats } from "../output.ts";
import type { DeliveryReport } from "../delivery_report.ts";
import type { K6JsonStats } from "../sources/k6_json.ts";
import { countOf, formatBytes, formatCount } from "./format.ts";

/** What was done. */
export interface Account {
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

/** Whether something was lost, or could not be read. What is unknown is no loss: the receiver most likely has it. */
export function isLoss({ report, stats, read }: Account): boolean {
  const { rejected, failed, dropped, unsent } = report;
  const refused = Object.values(stats.samplesRefused).some((count) => count > 0);
  const unreadable = read.some(({ skipped: { foreign: _, ...damaged } }) =>
    Object.values(damaged).some((count) => count > 0)
  );
  return rejected + failed + dropped + unsent > 0 || refused || unreadable;
}

/** A few lines for people. */
export function formatSummary(
  { report, stats, read, interrupted, ms }: Account & { readonly interrupted?: string; readonly ms: number },
): string {
  const lines = read.reduce((sum, { lines }) => sum + lines, 0);
  const skipped = skipWords.flatMap(([reason, words]) => {
    const count = read.reduce((sum, { skipped }) => sum + skipped[reason], 0);
    return count === 0 ? [] : [`${formatCount(count)} ${words}`];
  });
  const refused = Object.values(stats.samplesRefused).reduce((sum, count) => sum + count, 0);
  const rows = [
    [
      "read",
      `${countOf(stats.samplesIn, "k6 sample")} in ${countOf(lines, "line")}`,
      ...(interrupted === undefined ? [] : [`not to the end (${interrupted})`]),
    ],
    ...(skipped.length === 0 ? [] : [["skipped", ...skipped]]),
    ...(refused === 0 ? [] : [["refused", countOf(refused, "k6 sample")]]),
    ["made", `${formatCount(stats.series)} k6 series`],
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
  const fates = (["rejected", "failed", "unknown", "dropped", "unsent"] as const)
    .flatMap((fate) => report[fate] === 0 ? [] : [`${formatCount(report[fate])} ${fate}`]);
  return [
    [
      "sent",
      countOf(report.requests, "request"),
      formatBytes(report.bytes),
      ...(report.retries === 0 ? [] : [`${formatCount(report.retries)} of them again`]),
    ],
    ["delivered", `${formatCount(report.delivered)} of ${countOf(report.samples, "sample")}`, ...fates],
    ...report.reasons.map(({ samples, fate, reason }) => ["", `${formatCount(samples)} ${fate}: ${reason}`]),
  ];
}

function formatRows(rows: readonly (readonly string[])[]): string {
  return rows.map(([title = "", ...facts]) => `${title.padStart(10)}  ${facts.join(", ")}`).join("\n");
}
