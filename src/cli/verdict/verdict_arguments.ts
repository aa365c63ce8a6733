/**
 * The flags of `verdict`, and what they mean together.
 *
 * @module
 */
import { queueOptionDefinitions } from "../../client/queue_options.ts";
import {
  parseBoolean,
  parsePeriod,
  parseString,
  parseThresholdOption,
  parseUrl,
  unreadable,
} from "../../config/option_parsers.ts";
import { sendingTextOptions } from "../../config/text_options.ts";
import type { Metric, Threshold } from "../../k6/metric.ts";
import { parseThresholdGroups, type ThresholdGroup } from "../../k6/run_metrics/thresholds.ts";
import { ConfigurationError } from "../../model/errors.ts";
import { parseShallowJson } from "../../model/shallow_json.ts";
import { validLabelName } from "../../model/labels.ts";
import type { Arguments, Flag } from "../arguments.ts";
import { commonFlags, isOn } from "../command.ts";
import { fileProblem } from "../file_problem.ts";
import { metricTypeFlag } from "../metric_type.ts";
import { outputFlags } from "../output_options.ts";
import { readText } from "../runtime.ts";
import { type Gate, parseGate } from "./judgement.ts";
import { reportFormatOf } from "../report/results_report.ts";

const defaults = { lookback: "7d", timeout: "5m", instanceLabel: "instance" } as const;

/** The flags of `verdict` that are not options of the endpoint. */
export const verdictFlags: readonly Flag[] = [
  { flag: "testid", placeholder: "ID", help: "The run: the value of its label testid.", parse: parseString },
  {
    flag: "query-url",
    placeholder: "URL",
    help: "The query API. By default, it is derived from the write URL of Prometheus, Mimir or VictoriaMetrics.",
    parse: parseUrl,
  },
  {
    flag: "thresholds",
    placeholder: "FILE|JSON",
    help: "Thresholds in k6's form. By default, those that the run itself sent (k6_threshold).",
    parse: parseThresholds,
  },
  {
    flag: "expect",
    placeholder: "N",
    help: "Wait until N instances of the run have ended.",
    parse: parseCount,
  },
  {
    flag: "timeout",
    placeholder: "DURATION",
    help: "With --expect: how long to wait.",
    default: defaults.timeout,
    parse: parsePeriod,
  },
  {
    flag: "against",
    placeholder: "ID",
    help: "Compare with the run of this testid.",
    parse: parseString,
  },
  {
    flag: "fail-if",
    placeholder: "CHANGE",
    help: "With --against: fail at this change, such as 'http_req_duration p(95) > +10%'. Repeatable.",
    named: true,
    parse: (text, source) => ({ [text]: parseGate(text, source) }),
  },
  {
    flag: "report",
    placeholder: "FILE",
    help: "Write a report: .md for job summaries, .json, or .xml (JUnit). Repeatable.",
    named: true,
    parse: (path) => ({ [path]: reportFormatOf(path) }),
  },
  { flag: "json", help: "Print the verdict as JSON.", parse: parseBoolean },
  {
    flag: "start",
    placeholder: "TIME",
    help: "The start of the run, such as 2026-11-22T11:19:49Z. By default, the time of its first sample.",
    parse: parseTime,
  },
  { flag: "end", placeholder: "TIME", help: "The end of the run.", parse: parseTime },
  {
    flag: "lookback",
    placeholder: "DURATION",
    help: "How far back to look for the runs.",
    default: defaults.lookback,
    parse: parsePeriod,
  },
  {
    flag: "instance-label",
    placeholder: "NAME",
    help: "The label that distinguishes the senders of a run.",
    default: defaults.instanceLabel,
    parse: parseLabelName,
  },
  { ...metricTypeFlag, help: "The type of a metric whose series do not show its unit, time or data. Repeatable." },
  ...commonFlags,
];

/** Options of the endpoint that only concern sending. */
const onlyForSending: readonly string[] = [
  ...Object.keys(queueOptionDefinitions),
  ...["retryDeadlineMs", "retryOn429", "maxSamplesPerSend", "maxDecodedBytes", "maxBodyBytes", "protocol"],
  ...["nameEscaping", "bisect"],
  ...["onLoss", "spoolFolder", "spoolBytes"],
];

/** The options of the endpoint that count for queries, too, and the beginning of the metrics' names. */
const sharedOptions: ReadonlySet<string> = new Set(
  sendingTextOptions.filter(({ option }) => !onlyForSending.includes(option)).map(({ flag }) => flag),
);

/** The flags of the endpoint. */
export const endpointFlags: readonly Flag[] = outputFlags.filter(({ flag }) =>
  (flag === "config" || flag === "prefix" || sharedOptions.has(flag)) && verdictFlags.every((own) => own.flag !== flag)
);

/** Which run `verdict` judges, by which rules, and which reports it writes. */
export interface VerdictArguments {
  /** Undefined if only a variable or a file may give it. */
  readonly testid: string | undefined;
  readonly queryUrl: string | undefined;
  readonly thresholds: readonly ThresholdGroup[] | undefined;
  readonly expect: number | undefined;
  readonly timeoutMs: number;
  readonly against: string | undefined;
  readonly gates: readonly Gate[];
  /** The reports to write, by path. */
  readonly reports: Readonly<Record<string, ReturnType<typeof reportFormatOf>>>;
  readonly json: boolean;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly lookbackMs: number;
  readonly instanceLabel: string;
  readonly metricTypes: Readonly<Record<string, Metric>>;
}

/** Reads the command's own flags. @throws ConfigurationError for flags that contradict each other */
export function readVerdictArguments(given: Arguments): VerdictArguments {
  const textOf = (flag: string): string | undefined => {
    const value = given.values.get(flag);
    return typeof value === "string" ? value : undefined;
  };
  const numberOf = (flag: string): number | undefined => {
    const value = given.values.get(flag);
    return typeof value === "number" ? value : undefined;
  };
  const { startMs, endMs } = { startMs: numberOf("start"), endMs: numberOf("end") };
  if (startMs !== undefined && endMs !== undefined && endMs <= startMs) {
    throw new ConfigurationError("Cannot use --end: it is not after --start, expected a later time");
  }
  for (const [flag, needed] of [["fail-if", "against"], ["timeout", "expect"]] as const) {
    if (!given.values.has(flag) || given.values.has(needed)) continue;
    throw new ConfigurationError(`Cannot use --${flag}: there is no --${needed}, expected both`);
  }
  return {
    testid: textOf("testid"),
    queryUrl: textOf("query-url"),
    thresholds: readGroups(given.values.get("thresholds")),
    expect: numberOf("expect"),
    timeoutMs: numberOf("timeout") ?? parsePeriod(defaults.timeout, "--timeout"),
    against: textOf("against"),
    gates: Object.values(Object(given.values.get("fail-if"))),
    reports: Object(given.values.get("report")),
    json: isOn(given, "json"),
    startMs,
    endMs,
    lookbackMs: numberOf("lookback") ?? parsePeriod(defaults.lookback, "--lookback"),
    instanceLabel: textOf("instance-label") ?? defaults.instanceLabel,
    metricTypes: Object(given.values.get(metricTypeFlag.flag)),
  };
}

/** Returns the flags of the endpoint, without those that mean something else for an output. */
export function endpointArguments({ values, operands }: Arguments): Arguments {
  const own = new Set(verdictFlags.map(({ flag }) => flag));
  const queryUrl = values.get("query-url");
  return {
    operands,
    values: new Map([
      ...[...values].filter(([flag]) => !own.has(flag)),
      // TLS and proxies are those of the URL that is used.
      ...queryUrl === undefined ? [] : [["url", queryUrl] as const],
    ]),
  };
}

function readGroups(value: unknown): readonly ThresholdGroup[] | undefined {
  if (value === undefined) return undefined;
  const groups: Record<string, readonly Threshold[]> = Object(value);
  return parseThresholdGroups(groups);
}

/** Reads thresholds from JSON, or from a file of JSON. A k6 configuration file has them in `thresholds`. */
function parseThresholds(text: string, source: string): Readonly<Record<string, readonly string[]>> {
  const isJson = text.trimStart().startsWith("{");
  const json = isJson ? text : readThresholdFile(text, source);
  let content = parseJson(json);
  if (typeof content === "object" && content !== null && "thresholds" in content) content = content.thresholds;
  const groups = typeof content === "object" && content !== null ? JSON.stringify(content) : "";
  const expected = `a JSON object such as {"http_req_duration":["p(95)<500"]}, or a file that contains one`;
  if (!groups.startsWith("{")) throw unreadable(source, isJson ? json : text, expected);
  const parsed = parseThresholdOption(groups, source);
  if (typeof parsed === "boolean") throw unreadable(source, text, expected);
  return parsed;
}

function readThresholdFile(path: string, source: string): string {
  try {
    return readText(path);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read ${source}: the file "${path}" cannot be used (${
        fileProblem(error)
      }), expected JSON or a file of JSON`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return parseShallowJson(text);
  } catch {
    return undefined;
  }
}

function parseCount(text: string, source: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1) throw unreadable(source, text, "a whole number from 1");
  return count;
}

function parseTime(text: string, source: string): number {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const ms = isTime ? Date.parse(text) : /^\d{9,11}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : NaN;
  if (Number.isNaN(ms)) throw unreadable(source, text, "a time such as 2026-11-22T11:19:49Z, or Unix seconds");
  return ms;
}

function parseLabelName(text: string, source: string): string {
  if (validLabelName(text) !== text) throw unreadable(source, text, "a label's name, such as instance");
  return text;
}
