/**
 * Writes a verdict for job summaries (Markdown), machines (JSON) and test reports (JUnit's XML).
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import { version } from "../../model/version.ts";
import { cleanText } from "../../send/redact.ts";
import { formatChange, formatValue } from "./format_value.ts";
import { formatVerdict, signs } from "./format_verdict.ts";
import { type Judgement, nameOf } from "./judgement.ts";
import { aggregationsOf, exitCodeOf, type RunVerdict } from "./run_verdict.ts";

type Format = (verdict: RunVerdict) => string;

const formats: Readonly<Record<string, Format>> = { md: formatMarkdown, json: formatJson, xml: formatJUnit };

/** Returns the format that the end of a file's name asks for. @throws ConfigurationError */
export function reportFormatOf(path: string): Format {
  const format = formats[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (format !== undefined) return format;
  throw new ConfigurationError(`Cannot use --report: it is "${path}", expected a name that ends in .md, .json or .xml`);
}

/** Formats the verdict as JSON. Times of trends are in milliseconds, as in k6. */
export function formatJson(verdict: RunVerdict): string {
  const { testid, extent, durationMs, instances, problems, readings, checks, thresholds, comparison } = verdict;
  const timesOf = ({ startMs, endMs }: typeof extent): object => ({
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
  });
  const metrics = readings.map((reading) => {
    const answers = aggregationsOf(reading).map((aggregation) =>
      [nameOf(aggregation), reading.get(aggregation)] as const
    );
    const { values, count } = reading;
    return [reading.name, {
      type: reading.type,
      contains: reading.contains,
      ...reading.trendForm !== undefined && { form: reading.trendForm },
      ...reading.type !== "counter" && count !== undefined && { count },
      ...values.type === "rate" && "passes" in values && { passes: values.passes },
      ...values.type === "gauge" && { min: values.min, max: values.max },
      values: Object.fromEntries(answers.flatMap(([name, { value }]) => value === undefined ? [] : [[name, value]])),
      ...memberOf(
        "bounds",
        answers.flatMap(([name, { bounds }]) =>
          bounds === undefined ? [] : [[name, [bounds.low, bounds.high]] as const]
        ),
      ),
      ...memberOf(
        "unknown",
        answers.flatMap(([name, { problem }]) => problem === undefined ? [] : [[name, problem] as const]),
      ),
    }];
  });
  const content = {
    generator: `k6-remote-write ${version}`,
    exitCode: exitCodeOf(verdict),
    testid,
    ...timesOf(extent),
    durationMs,
    instances: instances.map(({ name, ended, ...extent }) => ({ name, ended, ...timesOf(extent) })),
    problems,
    thresholds,
    checks,
    metrics: Object.fromEntries(metrics),
    ...comparison && { comparison: { ...comparison, extent: undefined, ...timesOf(comparison.extent) } },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Returns an object with one member, which has these entries; an empty object if there are none. */
function memberOf(name: string, entries: readonly (readonly [string, unknown])[]): object {
  return entries.length === 0 ? {} : { [name]: Object.fromEntries(entries) };
}

/** Formats the verdict for a job summary: the conditions as a table, and the summary of k6's manner below it. */
function formatMarkdown(verdict: RunVerdict): string {
  const { testid, problems, thresholds, comparison } = verdict;
  const conditions = [...thresholds, ...comparison?.gates ?? []];
  const state = { 0: "passed", 2: "not answered", 99: "failed" }[exitCodeOf(verdict)] ?? "";
  const parts = [
    `## k6 verdict: ${markdownOf(testid)} ${state}`,
    ...problems.map((problem) => `> ${markdownOf(problem)}`),
    ...table(["", "metric", "condition", "value"], [
      ...conditions.map((
        { metric, expression, state, detail },
      ) => [signs[state], codeOf(metric), codeOf(expression), markdownOf(detail)]),
    ]),
    ...comparison === undefined ? [] : table(["metric", `before (${comparison.testid})`, "now", "change", "relative"], [
      ...comparison.values.map(({ metric, aggregation, kind, baseline, current, change, relative }) => [
        codeOf(`${metric} ${aggregation}`),
        ...[baseline, current, change].map((value) => formatValue(value, kind)),
        formatChange(relative),
      ]),
    ]),
    "<details><summary>All results</summary>\n\n```text\n" + formatVerdict(verdict).replaceAll("```", "'''") +
    "```\n\n</details>",
  ];
  return `${parts.join("\n\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [[line(head.map(markdownOf)), line(head.map(() => "---")), ...rows.map(line)].join("\n")];
}

/** Returns a string that Markdown and its HTML show as it is. */
function markdownOf(text: string): string {
  return cleanText(text).replace(/[\\`*_{}[\]<>|#~&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function codeOf(text: string): string {
  return `\`${cleanText(text).replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}

/** Formats the verdict as a JUnit report: each threshold, gate and problem is a case. */
function formatJUnit(verdict: RunVerdict): string {
  const { testid, thresholds, comparison, problems, extent, durationMs } = verdict;
  const seconds = durationMs / 1000;
  const suites: readonly (readonly [name: string, cases: readonly Judgement[]])[] = [
    ["thresholds", thresholds],
    ["gates", comparison?.gates ?? []],
    ["instances", problems.map((detail) => ({ metric: "", expression: detail, state: "unanswered", detail }))],
  ];
  const count = (cases: readonly Judgement[], state: Judgement["state"]): number =>
    cases.filter((one) => one.state === state).length;
  const counts = (cases: readonly Judgement[]): string =>
    `tests="${cases.length}" failures="${count(cases, "crossed")}" errors="${count(cases, "unanswered")}"`;
  const caseOf = (suite: string, { metric, expression, state, detail }: Judgement): string => {
    const tag = { passed: undefined, crossed: "failure", unanswered: "error" }[state];
    const open = `    <testcase classname="k6.${suite}" name="${xmlOf(`${metric} ${expression}`.trim())}"`;
    const inner = tag === undefined
      ? `<system-out>${xmlOf(detail)}</system-out>`
      : `<${tag} message="${xmlOf(detail)}"/>`;
    return `${open}>${inner}</testcase>`;
  };
  const all = suites.flatMap(([, cases]) => cases);
  const name = xmlOf(`k6 ${testid}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${name}" ${counts(all)} time="${seconds}">`,
    ...suites.filter(([, cases]) => cases.length > 0).flatMap(([suite, cases]) => [
      `  <testsuite name="${name} ${suite}" ${counts(cases)} timestamp="${new Date(extent.startMs).toISOString()}">`,
      ...cases.map((one) => caseOf(suite, one)),
      "  </testsuite>",
    ]),
    "</testsuites>",
    "",
  ].join("\n");
}

function xmlOf(text: string): string {
  // Control characters, half characters and these two are not allowed in XML.
  const allowed = cleanText(text).toWellFormed().replace(/[\ufffe\uffff]/g, "\ufffd");
  return allowed.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
