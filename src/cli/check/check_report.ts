/**
 * The result of a check, for people and as JSON.
 *
 * @module
 */
import { formatDurationMs } from "../../config/duration.ts";
import { printable } from "../../model/printable.ts";
import { countOf } from "../format.ts";
import type { ShownOption } from "./configuration_step.ts";
import { type StepResult, stopsAll } from "./step.ts";
import { staleMarkers } from "./version_steps.ts";

/** The result of a check. */
export interface CheckReport {
  /** The endpoint without secrets; undefined if the configuration names none that can be used. */
  readonly endpoint: string | undefined;
  /** Whether only requests without series were sent. */
  readonly readOnly: boolean;
  readonly options: readonly ShownOption[];
  readonly steps: readonly StepResult[];
  /** How many requests were sent. */
  readonly requests: number;
  /** The series that were written, as a selector with their number; undefined if none was. */
  readonly written: {
    readonly selector: string;
    readonly series: number;
    /** Whether queries found some of them. */
    readonly isStored: boolean;
  } | undefined;
}

/**
 * Exit codes: nothing will be lost; something will be lost, or it is not known whether the endpoint is a receiver; nothing would
 * arrive, or the configuration cannot be used.
 */
export const checkExitCodes = { works: 0, losesData: 1, broken: 2 } as const;

/** Returns the exit code of a result. */
export function checkExitCode({ steps }: Pick<CheckReport, "steps">): number {
  if (steps.some(stopsAll)) return checkExitCodes.broken;
  return steps.some(isReason) ? checkExitCodes.losesData : checkExitCodes.works;
}

/** Reports whether a step is a reason not to end with 0. */
function isReason({ verdict, isUnknown }: StepResult): boolean {
  return verdict === "fault" || isUnknown === true;
}

/** Returns the lines for people: the faults first, each with its fix, then every step. Longer lines than `width` are wrapped. */
export function formatCheck(report: CheckReport, width: number = Infinity): string {
  const { steps } = report;
  const faults = steps.filter(isReason);
  const last = faults.findIndex(stopsAll);
  // A fault before the one that stops all, such as a wrong clock, may be its cause.
  const named = last < 0 ? faults : faults.slice(0, last + 1);
  // Many steps may be skipped for the same reason.
  const skipped = steps.filter(({ verdict }) => verdict === "skipped");
  const together = [...new Set(skipped.map(({ detail }) => detail))]
    .map((reason) => [reason, skipped.filter(({ detail }) => detail === reason)] as const)
    .filter(([, group]) => group.length > 2);
  const alone = steps.filter((step) => together.every(([, group]) => !group.includes(step)));
  const longest = Math.max(...alone.map(({ name }) => name.length));
  const rows: readonly Row[] = [
    ["", `${headlineOf(report)}${named.length === 0 ? "." : ":"}`],
    ...named.flatMap(({ name, detail, fix }) => rowsWith("  ", [`${name}: ${detail}.`, fix])),
    ["", ""],
    ...alone.flatMap((step) =>
      rowsWith(headOf(step, longest), named.includes(step) ? ["see above"] : [step.detail, step.fix])
    ),
    ...together.map(([reason, group]): Row => [
      "  skipped  ",
      `${group.map(({ name }) => name).join(", ")}: ${reason}`,
    ]),
    ["", ""],
    ["", lastLineOf(report)],
  ];
  return `${rows.flatMap((row) => wrap(row, width)).join("\n")}\n`;
}

function headlineOf({ endpoint, readOnly, steps }: CheckReport): string {
  if (endpoint === undefined) return "The options cannot be used";
  switch (checkExitCode({ steps })) {
    case checkExitCodes.broken:
      return `${endpoint} does not work`;
    case checkExitCodes.losesData:
      return steps.some(({ isUnknown }) => isUnknown)
        ? `${endpoint} answers, but it is not known whether it is a receiver`
        : `${endpoint} works, but loses data`;
  }
  const warnings = steps.filter(({ verdict }) => verdict === "warning").length;
  return `${endpoint} works${readOnly ? ", as far as requests without series show" : ""}${
    warnings === 0 ? "" : `, with ${countOf(warnings, "warning")}`
  }`;
}

/** Says what the check sent, and what the endpoint still stores of it. */
function lastLineOf({ readOnly, steps, requests, written }: CheckReport): string {
  if (readOnly) return `Sent ${countOf(requests, "request")} without series.`;
  if (written === undefined) return `Sent ${countOf(requests, "request")}. No series was acknowledged.`;
  const isEnded = steps.some(({ name, verdict }) => name === staleMarkers.name && verdict === "ok");
  return `Wrote ${written.series} series ${written.selector} in ${countOf(requests, "request")}${
    isEnded ? ", and marked them as ended (stale)" : ""
  }. ${written.isStored ? "They" : "If they are stored, they"} stay as long as the endpoint keeps samples.`;
}

/** A line: what comes first, and the string after it, which is wrapped. */
type Row = readonly [head: string, text: string];

function wrap([head, text]: Row, width: number): string[] {
  const room = Math.max(20, width - head.length);
  const lines: string[] = [];
  let rest = printable(text);
  while (rest.length > room) {
    const at = rest.lastIndexOf(" ", room);
    if (at <= 0) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...lines, rest].map((line, index) => `${index === 0 ? head : " ".repeat(head.length)}${line}`);
}

/** Makes a row of each string that is not undefined. Only the first row has the head. */
function rowsWith(head: string, texts: readonly (string | undefined)[]): Row[] {
  return texts.filter((text) => text !== undefined).map((text, index) => [
    index === 0 ? head : " ".repeat(head.length),
    text,
  ]);
}

function headOf({ verdict, name, ms }: StepResult, longest: number): string {
  const time = verdict === "skipped" ? "" : formatDurationMs(Math.max(1, Math.round(ms)));
  return `  ${verdict.padEnd(7)}  ${name.padEnd(longest)}  ${time.padStart(6)}  `;
}

/** Returns the result as JSON, on one line. */
export function formatCheckJson(report: CheckReport): string {
  const { endpoint, options, steps, requests, written } = report;
  const exitCode = checkExitCode(report);
  const cause = steps.find(isReason);
  return `${
    JSON.stringify({
      endpoint,
      works: exitCode !== checkExitCodes.broken && steps.every(({ isUnknown }) => isUnknown !== true),
      losesData: exitCode !== checkExitCodes.works,
      exitCode,
      cause: cause && { step: cause.name, detail: cause.detail, fix: cause.fix },
      steps: steps.map(({ name, verdict, detail, fix, ms, losesData }) => ({
        ...{ name, verdict, detail, fix, losesData },
        ms: Math.round(ms * 10) / 10,
      })),
      options,
      requests,
      written,
    })
  }\n`;
}
