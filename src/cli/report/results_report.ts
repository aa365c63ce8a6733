/**
 * Writes the results of a run, or the verdict on it, for job summaries (Markdown), machines (JSON) and test reports (JUnit's XML).
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import { version } from "../../model/version.ts";
import type { DeliveryReport } from "../../model/delivery_report.ts";
import { cleanText } from "../../send/redact.ts";
import { countOf, formatCount } from "../format.ts";
import { formatChange, formatValue } from "../verdict/format_value.ts";
import { formatResults, signs } from "../verdict/format_results.ts";
import { type Judgement, nameOf } from "../verdict/judgement.ts";
import {
  aggregationsOf,
  conditionsOf,
  exitCodeOf,
  isVerdict,
  type RunResults,
  verdictExitCodes,
} from "../verdict/run_verdict.ts";

/** Formats results for one kind of file. */
export type Format = (results: RunResults) => string;

const formats: Readonly<Record<string, Format>> = { md: formatMarkdown, json: formatJson, xml: formatJUnit };

/** Returns the format that the end of a file's name asks for. @throws ConfigurationError */
export function reportFormatOf(path: string): Format {
  const format = formats[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (format !== undefined) return format;
  throw new ConfigurationError(`Cannot use --report: it is "${path}", expected a name that ends in .md, .json or .xml`);
}

/** Formats results as JSON. Times of trends are in milliseconds, as in k6. */
export function formatJson(results: RunResults): string {
  const { title, testid, extent, durationMs, problems, notes, readings, checks, thresholds, delivery } = results;
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
    ...isVerdict(results) ? { exitCode: exitCodeOf(results) } : { title, state: stateOf(results) },
    testid,
    ...timesOf(extent),
    durationMs,
    ...isVerdict(results) && {
      instances: results.instances.map(({ name, ended, ...extent }) => ({ name, ended, ...timesOf(extent) })),
    },
    delivery,
    notes,
    problems,
    thresholds,
    checks,
    metrics: Object.fromEntries(metrics),
    ...isVerdict(results) && results.comparison && {
      comparison: { ...results.comparison, extent: undefined, ...timesOf(results.comparison.extent) },
    },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Returns an object with one member, which has these entries; an empty object if there are none. */
function memberOf(name: string, entries: readonly (readonly [string, unknown])[]): object {
  return entries.length === 0 ? {} : { [name]: Object.fromEntries(entries) };
}

/** Returns one word for the results. */
function stateOf(results: RunResults): "passed" | "failed" | "not answered" {
  const code = exitCodeOf(results);
  return code === verdictExitCodes.crossed ? "failed" : code === verdictExitCodes.passed ? "passed" : "not answered";
}

/** Formats results for a job summary: the conditions as a table, and the summary of k6's manner below it. */
export function formatMarkdown(results: RunResults): string {
  const { title, problems, isFailed = false } = results;
  const comparison = isVerdict(results) ? results.comparison : undefined;
  const conditions = conditionsOf(results);
  // A run without thresholds has neither passed nor failed.
  const state = isVerdict(results) || isFailed || conditions.length > 0 ? ` ${stateOf(results)}` : "";
  const parts = [
    `## k6 ${isVerdict(results) ? "verdict" : "results"}: ${markdownOf(title)}${state}`,
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
    `<details${isVerdict(results) ? "" : " open"}><summary>All results</summary>\n\n` +
    "```text\n" + formatResults(results).replaceAll("```", "'''") +
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

/** Formats results as a JUnit report: each threshold, gate and problem is a case, and so is the delivery. */
export function formatJUnit(results: RunResults): string {
  const { title, thresholds, problems, extent, durationMs, delivery } = results;
  const seconds = durationMs / 1000;
  const suites: readonly (readonly [name: string, cases: readonly Judgement[]])[] = [
    ["thresholds", thresholds],
    ["gates", isVerdict(results) ? results.comparison?.gates ?? [] : []],
    [
      isVerdict(results) ? "instances" : "run",
      [
        ...problems.map((detail) => ({ metric: "", expression: detail, state: "unanswered", detail } as const)),
        ...delivery === undefined ? [] : [judgeDelivery(delivery)],
      ],
    ],
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
  const name = xmlOf(`k6 ${title}`);
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

function judgeDelivery({ samples, delivered, unknown }: DeliveryReport): Judgement {
  const lost = samples - delivered - unknown;
  const all = countOf(samples, "sample");
  return {
    ...{ metric: "", expression: "every sample is delivered", state: lost === 0 ? "passed" : "unanswered" },
    detail: lost === 0 ? `delivered ${all}` : `${formatCount(lost)} of ${all} not delivered`,
  };
}

function xmlOf(text: string): string {
  // Control characters, half characters and these two are not allowed in XML.
  const allowed = cleanText(text).toWellFormed().replace(/[\ufffe\uffff]/g, "\ufffd");
  return allowed.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
