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
  readonly written: { readonly selector: string; readonly series: number } | undefined;
}

/** Exit codes: nothing will be lost; something will be lost; nothing would arrive, or the configuration cannot be used. */
export const checkExitCodes = { works: 0, losesData: 1, broken: 2 } as const;

/** Returns the exit code of a result. */
export function checkExitCode({ steps }: Pick<CheckReport, "steps">): number {
  if (steps.some(stopsAll)) return checkExitCodes.broken;
  return steps.some(({ verdict }) => verdict === "fault") ? checkExitCodes.losesData : checkExitCodes.works;
}

/** Returns the lines for people: the faults first, each with its fix, then every step. Longer lines than `width` are wrapped. */
export function formatCheck(report: CheckReport, width: number = Infinity): string {
  const { endpoint = "The endpoint", readOnly, steps, requests, written } = report;
  const faults = steps.filter(({ verdict }) => verdict === "fault");
  const stops = faults.find(stopsAll);
  // A fault before the one that stops all, such as a wrong clock, may be its cause.
  const named = stops === undefined ? faults : faults.slice(0, faults.indexOf(stops) + 1);
  const warnings = steps.filter(({ verdict }) => verdict === "warning").length;
  const headline = stops !== undefined
    ? `${endpoint} does not work`
    : faults.length > 0
    ? `${endpoint} works, but loses data`
    : `${endpoint} works${readOnly ? ", as far as requests without series show" : ""}${
      warnings === 0 ? "" : `, with ${countOf(warnings, "warning")}`
    }`;
  const isLeft = ({ verdict, detail }: StepResult): boolean =>
    verdict === "skipped" && steps.filter((other) => other.verdict === "skipped" && other.detail === detail).length > 2;
  const done = steps.filter((step) => !isLeft(step));
  const reasons = [...new Set(steps.filter(isLeft).map(({ detail }) => detail))];
  const longest = Math.max(...done.map(({ name }) => name.length));
  const ended = steps.some(({ name, verdict }) => name === staleMarkers.name && verdict === "ok")
    ? ", and marked them as ended (stale)"
    : "";
  const rows: readonly Row[] = [
    ["", `${headline}${named.length === 0 ? "." : ":"}`],
    ...named.flatMap(({ name, detail, fix }): Row[] => [
      ["  ", `${name}: ${detail}.`],
      ...fix === undefined ? [] : [["  ", fix] as const],
    ]),
    ["", ""],
    ...done.flatMap((step) => rowsOf(step, longest, named.includes(step))),
    ...reasons.map((reason): Row => {
      const names = steps.filter(({ verdict, detail }) => verdict === "skipped" && detail === reason).map(({ name }) =>
        name
      );
      return ["  skipped  ", `${names.join(", ")}: ${reason}`];
    }),
    ["", ""],
    [
      "",
      written === undefined
        ? `Sent ${countOf(requests, "request")} without series.`
        : `Wrote ${written.series} series ${written.selector} in ${requests} requests${ended}. They stay as long as the ` +
          "endpoint keeps samples.",
    ],
  ];
  return `${rows.flatMap((row) => wrap(row, width)).join("\n")}\n`;
}

/** A line: what comes first, and the text after it, which is wrapped. */
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

function rowsOf({ verdict, name, ms, detail, fix }: StepResult, longest: number, isNamed: boolean): Row[] {
  const time = verdict === "skipped" ? "" : formatDurationMs(Math.max(1, Math.round(ms)));
  const head = `  ${verdict.padEnd(7)}  ${name.padEnd(longest)}  ${time.padStart(6)}  `;
  if (isNamed) return [[head, "see above"]];
  return fix === undefined ? [[head, detail]] : [[head, detail], [" ".repeat(head.length), fix]];
}

/** Returns the result as JSON, on one line. */
export function formatCheckJson(report: CheckReport): string {
  const { endpoint, options, steps, requests, written } = report;
  const exitCode = checkExitCode(report);
  const cause = steps.find(({ verdict }) => verdict === "fault");
  return `${
    JSON.stringify({
      endpoint,
      works: exitCode !== checkExitCodes.broken,
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
