/**
 * Prints the results of a run, or the verdict on it, in the manner of k6's summary.
 *
 * @module
 */
import { formatDurationMs } from "../../config/duration.ts";
import { cleanText } from "../../send/redact.ts";
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { countOf, formatCount } from "../format.ts";
import { formatChange, formatValue } from "./format_value.ts";
import { type Judgement, kindOf, nameOf } from "./judgement.ts";
import type { MetricReading } from "./metric_reading.ts";
import type { CheckResult } from "./run_reader.ts";
import {
  aggregationsOf,
  type Comparison,
  isVerdict,
  type RunResults,
  type RunVerdict,
  trendAggregations,
} from "./run_verdict.ts";
import { windowGateDefaults } from "./window_gate.ts";

const nameWidth = 31;

/** The signs of states, as in k6. */
export const signs: Readonly<Record<Judgement["state"], string>> = { passed: "✓", crossed: "✗", unanswered: "?" };

/** Formats the results of a run, or the verdict on it. */
export function formatResults(results: RunResults): string {
  const { checks, thresholds, readings } = results;
  const comparison = isVerdict(results) ? results.comparison : undefined;
  const parts = [
    formatHead(results),
    section("THRESHOLDS", [...formatJudgements(thresholds), ...isVerdict(results) ? formatSource(results) : []]),
    section("TOTAL RESULTS", [
      ...formatChecks(checks),
      ...readings.filter(({ name }) => name !== "checks" || checks.length === 0).map(formatReading),
      ...formatNotes(readings),
    ]),
    ...comparison === undefined ? [] : [
      section(`COMPARED WITH ${cleanText(comparison.testid)}`, formatComparison(comparison)),
      section("GATES", [...formatJudgements(comparison.gates), ...formatWindows(comparison)]),
    ],
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Says where the thresholds come from, because k6 does not tell all of them to its outputs. */
function formatSource({ thresholds, areThresholdsSent }: RunVerdict): string[] {
  if (!areThresholdsSent) return [];
  if (thresholds.length === 0) return ["↳ There are none: the run sent no thresholds. --thresholds FILE adds them."];
  return ["", "↳ The run sent these. k6 does not tell thresholds on tags to its outputs: --thresholds FILE adds them."];
}

function formatHead(results: RunResults): string {
  const { title, testid, extent, durationMs, problems, notes = [], delivery } = results;
  const time = `${timeOf(extent.startMs)} to ${timeOf(extent.endMs)}, about ${formatDurationMs(durationMs)}`;
  const rows = [
    ...isVerdict(results)
      ? [["testid", `${cleanText(results.testid)} at ${results.endpoint}`], ["time", time], [
        "instances",
        formatInstances(results),
      ]]
      : [
        ["run", cleanText(title)],
        ...testid === undefined || testid === title ? [] : [["testid", cleanText(testid)]],
        ["time", time],
      ],
    ...delivery === undefined ? [] : [["delivered", deliveredOf(delivery)]],
    ...notes.map((note) => ["note", cleanText(note)]),
    ...problems.map((problem) => ["problem", cleanText(problem)]),
  ];
  return rows.map(([title = "", text]) => `${title.padStart(11)}  ${text}`).join("\n");
}

function formatInstances({ instances }: RunVerdict): string {
  const ended = instances.filter(({ ended }) => ended).length;
  const names = instances.map(({ name }) => cleanText(name) || "(no label)");
  const shown = names.length > 8 ? `${names.slice(0, 8).join(", ")}, ...` : names.join(", ");
  const end = ended === 0 ? "none shows its end: send with --stale-markers or --run-info" : `${ended} ended`;
  return `${instances.length} (${end}): ${shown}`;
}

function deliveredOf({ delivered, samples }: DeliveryReport): string {
  return `${formatCount(delivered)} of ${countOf(samples, "sample")}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0
    ? ""
    : [`  █ ${title}`, "", ...lines.map((line) => line === "" ? "" : `    ${line}`)].join("\n");
}

/** Formats conditions in groups of their metrics. */
function formatJudgements(judgements: readonly Judgement[]): string[] {
  const lines: string[] = [];
  let group: string | undefined;
  for (const { metric, expression, state, detail } of judgements) {
    if (metric !== group) lines.push(...group === undefined ? [] : [""], cleanText(metric));
    group = metric;
    const answer = state === "unanswered" ? `not answered: ${detail}` : detail;
    lines.push(cleanText(`${signs[state]} '${expression}' ${answer}`));
  }
  return lines;
}

function formatChecks(checks: readonly CheckResult[]): string[] {
  if (checks.length === 0) return [];
  const sum = (of: (check: CheckResult) => number): number => checks.reduce((total, check) => total + of(check), 0);
  const [passes, samples] = [sum(({ passes }) => passes), sum(({ samples }) => samples)];
  const out = (count: number): string =>
    `${formatValue(samples === 0 ? NaN : count / samples, "share")} ${formatCount(count)} out of ${
      formatCount(samples)
    }`;
  const lines = checks.flatMap((check) => {
    const name = cleanText([...check.group.split("::").filter((part) => part !== ""), check.name].join(" / "));
    if (check.passes === check.samples) return [`✓ ${name}`];
    const failed = check.samples - check.passes;
    const share = Math.floor(100 * check.passes / check.samples);
    return [`✗ ${name}`, ` ↳  ${share}% — ✓ ${formatCount(check.passes)} / ✗ ${formatCount(failed)}`];
  });
  return [
    row("checks_total", formatCount(samples)),
    row("checks_succeeded", out(passes)),
    row("checks_failed", out(samples - passes)),
    "",
    ...lines,
    "",
  ];
}

/** Formats the values of a metric. A value that is not known is left out, and a note says why. */
function formatReading(reading: MetricReading): string {
  const { name, values } = reading;
  const kind = kindOf(reading);
  switch (values.type) {
    case "counter": {
      const perSecond = reading.get("rate").value;
      const rate = perSecond === undefined ? "" : ` ${formatValue(perSecond, kind)}/s`;
      return row(name, `${formatValue(values.count, kind)}${rate}`);
    }
    case "gauge": {
      const value = values.value === undefined ? "" : `${formatValue(values.value, kind)} `;
      return row(name, `${value}min=${formatValue(values.min, kind)} max=${formatValue(values.max, kind)}`);
    }
    case "rate": {
      const { value } = reading.get("rate");
      const out = "samples" in values ? ` ${formatCount(values.passes)} out of ${formatCount(values.samples)}` : "";
      return row(name, value === undefined ? "-" : `${formatValue(value, kind)}${out}`);
    }
    case "trend": {
      const shown = trendAggregations.flatMap((aggregation) => {
        const { value, bounds } = reading.get(aggregation);
        if (value === undefined) return [];
        // Only the bucket of the smallest and of the largest value is known.
        const sign = bounds === undefined || typeof aggregation === "object" ? "=" : aggregation === "min" ? "≥" : "≤";
        return [`${nameOf(aggregation)}${sign}${formatValue(value, kind)}`];
      });
      if (reading.count !== undefined) shown.push(`count=${formatCount(reading.count)}`);
      return row(name, [...shown, ...rangeOf(reading)].join(" ") || "-");
    }
  }
}

/** Returns the bounds between which the true 95th percentile lies, if it is an estimate. */
function rangeOf(reading: MetricReading): string[] {
  const { bounds } = reading.get({ quantile: 0.95 });
  if (bounds === undefined || bounds.low === bounds.high) return [];
  const [low, high] = [bounds.low, bounds.high].map((bound) => formatValue(bound, kindOf(reading)));
  return [`(p(95) from ${low} to ${high})`];
}

/** Says what the estimates are, and once for each reason why values are missing. */
function formatNotes(readings: readonly MetricReading[]): string[] {
  const names = new Map<string, string[]>();
  for (const reading of readings) {
    // The gauge of several series has a minimum and a maximum; that says enough.
    if (reading.type === "gauge") continue;
    const problems = aggregationsOf(reading).flatMap((aggregation) => reading.get(aggregation).problem ?? []);
    const [problem] = problems;
    if (problem !== undefined) names.set(problem, [...names.get(problem) ?? [], cleanText(reading.name)]);
  }
  const notes = [...names].map(([problem, names]) => `↳ ${names.join(", ")}: ${cleanText(problem)}`);
  if (readings.some((reading) => rangeOf(reading).length > 0)) {
    notes.push(
      "↳ Trends are histograms: med and p(x) are estimates. The true p(95) lies between the bounds in brackets.",
    );
  }
  return notes.length === 0 ? [] : ["", ...notes];
}

function row(name: string, text: string): string {
  return `${`${cleanText(name)}`.padEnd(nameWidth, ".")}: ${text}`;
}

function formatComparison({ values }: Comparison): string[] {
  const rows = [
    ["", "before", "now", "change", ""],
    ...values.map(({ metric, aggregation, kind, baseline, current, change, relative }) => [
      `${metric} ${aggregation}`,
      formatValue(baseline, kind),
      formatValue(current, kind),
      `${change > 0 ? "+" : ""}${formatValue(change, kind)}`,
      formatChange(relative),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("  ").trimEnd()
  );
}

function formatWindows({ windows }: Comparison): string[] {
  if (windows === undefined) return [];
  const { pairs, baseline, current, low, high, pValue } = windows;
  const spread = ({ median, low, high }: typeof baseline): string => {
    const [m, l, h] = [median, low, high].map((seconds) => formatValue(seconds * 1000, "time"));
    return `${m} (half of them between ${l} and ${h})`;
  };
  const { minChange, significance } = windowGateDefaults;
  return [
    ` ↳  the median of ${pairs} windows was ${spread(baseline)} and is ${spread(current)}`,
    ` ↳  Hodges-Lehmann shift ${formatChange(windows.change)} (95 % confidence: ${formatChange(low)} to ${
      formatChange(high)
    }), Wilcoxon signed-rank test p=${pValue < 0.0001 ? "<0.0001" : pValue.toFixed(4)}`,
    ` ↳  it fails if the shift is above ${minChange * 100} % and p is below ${significance}`,
  ];
}
