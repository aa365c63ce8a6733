/**
 * Sums up a run for its user: what was read, delivered and lost.
 *
 * @module
 */
import { formatDurationMs } from "../config/duration.ts";
import type { OutputReport, OutputStats } from "../k6/output/remote_write_output.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import { cut } from "../model/printable.ts";
import type { K6ReadStats } from "../k6/read/k6_reader.ts";
import { countOf, formatBytes, formatCount } from "./format.ts";
import { type CommandSpool, spoolRows } from "./spool.ts";

/** What was read and delivered in a run. */
export interface RunResult {
  readonly report: OutputReport;
  readonly stats: Pick<OutputStats, "samplesIn" | "series" | "timeSeries"> & {
    readonly samplesRefused: Record<string, number>;
  };
  /** The statistics of each input. */
  readonly read: readonly K6ReadStats[];
}

/** The line of a reason fits a terminal. */
const maxReason = 77;

/** The reasons for which lines are skipped, as the summary names them. */
const skipReasons: readonly (readonly [keyof K6ReadStats["skipped"], string])[] = [
  ["foreign", "not from k6"],
  ["torn", "cut off"],
  ["malformed", "damaged"],
  ["tooLong", "longer than 1 MiB"],
  ["unknownMetric", "of an unknown metric"],
  ["invalidTime", "with an unreadable time"],
  ["invalidValue", "with an unreadable value"],
  ["invalidTags", "with unreadable tags"],
];

/**
 * Returns a phrase for each kind of loss: samples that were not delivered or not used, and lines that could not be read. Samples
 * of unknown outcome are not lost, because the receiver most likely stored them, unless nothing shows that it stores any.
 */
export function lossesOf({ report, ...input }: RunResult): string[] {
  const deliveries = report.endpoints ?? [{ ...report, name: undefined }];
  return [
    ...deliveries.flatMap(({ name, samples, ...outcomes }) => {
      const missing = missingOf({ samples, ...outcomes });
      const where = name === undefined ? "" : ` to ${name}`;
      return missing === 0 ? [] : [`${formatCount(missing)} of ${countOf(samples, "sample")} not delivered${where}`];
    }),
    ...inputLossesOf(input),
  ];
}

/** Which losses make the command fail. */
export interface LossPolicy {
  readonly failsOnLoss: boolean;
  /** The same for each of several endpoints, in their order. */
  readonly failsOnLossAt: readonly boolean[];
}

/** Reports whether there is a loss that makes the command fail. */
export function hasFatalLoss({ report, ...input }: RunResult, { failsOnLoss, failsOnLossAt }: LossPolicy): boolean {
  const isFatal = (each: DeliveryReport, fails: boolean): boolean => fails && missingOf(each) > 0;
  const isLost = report.endpoints?.some((each, index) => isFatal(each, failsOnLossAt[index] ?? true)) ??
    isFatal(report, failsOnLoss);
  return isLost || (failsOnLoss && inputLossesOf(input).length > 0);
}

function missingOf({ delivered, rejected, failed, unknown, dropped, deferred }: DeliveryReport): number {
  return rejected + failed + dropped + deferred + (delivered === 0 ? unknown : 0);
}

function inputLossesOf({ stats, read }: Omit<RunResult, "report">): string[] {
  const refused = sum(Object.values(stats.samplesRefused));
  const damaged = sum(read.flatMap(({ skipped: { foreign: _, ...damaged } }) => Object.values(damaged)));
  return [
    ...(refused === 0 ? [] : [`${countOf(refused, "k6 sample")} refused`]),
    ...(damaged === 0 ? [] : [`${countOf(damaged, "line")} not readable`]),
  ];
}

/** Returns what the progress of each command says: how much was read, made and sent so far. */
export function progressParts({ samplesIn, series, bytesTotal }: OutputStats): string[] {
  return [`${countOf(samplesIn, "sample")} read`, `${formatCount(series)} series`, `${formatBytes(bytesTotal)} sent`];
}

/** Returns the lines of the summary. */
export function formatSummary(
  { report, stats, read, endpoint, interrupted, received, spool, query, grafana, ms }: RunResult & {
    /** The URL of the endpoint, without secrets. */
    readonly endpoint: string;
    /** The signal that interrupted the reading, if any. */
    readonly interrupted?: string;
    /** What was read, if it was not k6's JSON. */
    readonly received?: string | undefined;
    /** The spool, if there is one. */
    readonly spool?: CommandSpool | undefined;
    /** A PromQL query that shows the run. */
    readonly query?: string | undefined;
    /** A link to Grafana that shows the run. */
    readonly grafana?: string | undefined;
    /** The duration of the run. */
    readonly ms: number;
  },
): string[] {
  return formatRows([
    ...readRows({ stats, read, received, interrupted }),
    ...(report.endpoints ?? [{ ...report, name: endpoint }]).flatMap(({ name, ...each }) => [
      ["to", name],
      ...deliveryRows(each),
    ]),
    ...spoolRows(spool),
    ...(query === undefined ? [] : [["query", query]]),
    ...(grafana === undefined ? [] : [["grafana", grafana]]),
    ["time", formatDurationMs(ms)],
  ]);
}

/** Returns rows about what was read, and what it became. */
export function readRows(
  { stats, read, received, interrupted }: Omit<RunResult, "report"> & {
    readonly received?: string | undefined;
    readonly interrupted?: string | undefined;
  },
): string[][] {
  const lines = sum(read.map(({ lines }) => lines));
  const skipped = skipReasons.flatMap(([reason, words]) => {
    const count = sum(read.map(({ skipped }) => skipped[reason]));
    return count === 0 ? [] : [`${formatCount(count)} ${words}`];
  });
  const refused = sum(Object.values(stats.samplesRefused));
  return [
    [
      "read",
      received ?? `${countOf(stats.samplesIn, "k6 sample")} in ${countOf(lines, "line")}`,
      ...(interrupted === undefined ? [] : [`interrupted by ${interrupted}`]),
    ],
    ...(skipped.length === 0 ? [] : [["skipped", ...skipped]]),
    ...(refused === 0 ? [] : [["refused", countOf(refused, "k6 sample")]]),
    [
      "made",
      received === undefined
        ? `${formatCount(stats.timeSeries)} time series of ${formatCount(stats.series)} k6 series`
        : `${formatCount(stats.series)} series`,
    ],
  ];
}

/** Returns lines that say what was sent, and what happened to its samples. */
export function formatDelivered(report: DeliveryReport, spool?: CommandSpool): string[] {
  return formatRows([...deliveryRows(report), ...spoolRows(spool)]);
}

function deliveryRows(report: DeliveryReport): string[][] {
  const outcomes = (["rejected", "failed", "unknown", "dropped", "deferred"] as const)
    .flatMap((outcome) => report[outcome] === 0 ? [] : [`${formatCount(report[outcome])} ${outcome}`]);
  return [
    [
      "sent",
      countOf(report.requests, "request"),
      formatBytes(report.bytes),
      ...(report.retries === 0
        ? []
        : [`${formatCount(report.retries)} of them ${report.retries === 1 ? "a retry" : "retries"}`]),
    ],
    ["delivered", `${formatCount(report.delivered)} of ${countOf(report.samples, "sample")}`, ...outcomes],
    ...(report.merged === 0
      ? []
      : [["merged", `${countOf(report.merged, "sample")} into newer ones while they waited`]]),
    ...report.reasons.map((
      { samples, outcome, reason },
    ) => ["", `${formatCount(samples)} ${outcome}: ${shortened(reason)}`]),
  ];
}

/** Returns the first words of a reason. An earlier warning showed all of it. */
function shortened(reason: string): string {
  return cut(reason.replace(/[\w:.]*\{[^{}]*\}/g, "...").replace(/\.$/, ""), maxReason);
}

/** Formats rows of a title and its facts. */
export function formatRows(rows: readonly (readonly string[])[]): string[] {
  return rows.map(([title = "", ...facts]) => `${title.padStart(10)}  ${facts.join(", ")}`);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
