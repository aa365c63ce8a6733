/**
 * The flags of `send`, and what they mean together.
 *
 * @module
 */
import { parseBoolean, parsePeriod } from "../config/option_parsers.ts";
import type { Metric } from "../k6/metric.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { requireEndpointFlag } from "./check/preflight.ts";
import { commonFlags, isOn } from "./command.ts";
import { retentionFlags } from "./live/live_flags.ts";
import { reportFlag } from "./report/report.ts";
import { summaryJsonFlag } from "./summary_json.ts";
import { metricTypeFlag } from "./metric_type.ts";
import { builtin, isRegularFile, isThere, stdinIsTerminal } from "./runtime.ts";

/** The flags of `send` that are not options of the output. */
export const sendFlags: readonly Flag[] = [
  {
    flag: "replay",
    help: "Make windows by the samples' own times. This is the default for files.",
    parse: parseBoolean,
  },
  { flag: "live", help: "Make windows by the clock. This is the default for standard input.", parse: parseBoolean },
  {
    flag: "shift-to-now",
    help: "Move all samples in time, so that the newest is at the present time.",
    parse: parseBoolean,
  },
  { flag: "follow", help: "Wait for FILE to appear, and send what is appended to it.", parse: parseBoolean },
  {
    flag: "idle-timeout",
    placeholder: "DURATION",
    help: "With --follow: end if the file does not grow for this time.",
    default: "never",
    parse: parsePeriod,
  },
  {
    flag: "checkpoint",
    placeholder: "STATE",
    help: "Record the progress in this file. After a crash, the same command continues from there.",
    parse: parsePath,
  },
  metricTypeFlag,
  requireEndpointFlag,
  {
    flag: "dry-run",
    help: "Send nothing. Show what would be sent: series, samples, sizes, times and labels.",
    parse: parseBoolean,
  },
  {
    flag: "openmetrics",
    placeholder: "FILE",
    help:
      "Send nothing. Write OpenMetrics, for promtool tsdb create-blocks-from openmetrics FILE DIR. Takes some 25 bytes of memory for " +
      "each value.",
    parse: parsePath,
  },
  summaryJsonFlag,
  reportFlag,
  ...retentionFlags,
  ...commonFlags,
];

/** What `send` reads, and how. */
export interface SendArguments {
  /** The inputs, in order; `-` is standard input. */
  readonly paths: readonly string[];
  /** Windows are made by the clock instead of the samples' own times. */
  readonly live: boolean;
  /** The only input is a file that grows. */
  readonly follow: boolean;
  /** When to stop following a file that does not grow; Infinity for never. */
  readonly idleTimeoutMs: number;
  /** Move all samples so that the newest is at the present time. */
  readonly shiftToNow: boolean;
  /** The path of the checkpoint, if there is one. */
  readonly checkpoint: string | undefined;
  /** Send nothing, and show what would be sent. */
  readonly dryRun: boolean;
  /** The path of the OpenMetrics text to write instead of sending, if any. */
  readonly openMetrics: string | undefined;
  /** The metrics that `--metric-type` defines. */
  readonly metrics: readonly Metric[];
}

/** @throws ConfigurationError if flags and files contradict each other, or if a file does not exist */
export function readSendArguments(given: Arguments): SendArguments {
  const { values, operands } = given;
  if (operands.length === 0 && stdinIsTerminal()) {
    throw new ConfigurationError(
      "Cannot read k6's results: there is no FILE, and standard input is a terminal, expected a FILE, - for standard input, or a pipe: " +
        "k6 run --quiet -o json=- script.js | k6-remote-write. --help shows more.",
    );
  }
  const paths = operands.length === 0 ? ["-"] : operands;
  const readsStandardInput = paths.includes("-");
  const [replay, follow, shiftToNow] = [isOn(given, "replay"), isOn(given, "follow"), isOn(given, "shift-to-now")];
  const dryRun = isOn(given, "dry-run");
  const openMetrics = values.get("openmetrics")?.toString();
  const sendsNothing = dryRun || openMetrics !== undefined;
  const live = isOn(given, "live") || (!replay && !sendsNothing && (follow || readsStandardInput));
  const checkpoint = values.get("checkpoint")?.toString();
  const unrepeatable = paths.find((path) => isThere(path) && !isRegularFile(path));
  if (isOn(given, "live") && replay) {
    throw new ConfigurationError("Cannot use --live with --replay: they exclude each other, expected one of them");
  }
  for (const flag of ["shift-to-now", "checkpoint"]) {
    if (values.has(flag) && readsStandardInput) {
      throw new ConfigurationError(`Cannot use --${flag}: standard input can be read only once, expected FILE`);
    }
  }
  if (shiftToNow && unrepeatable !== undefined) {
    throw new ConfigurationError(
      `Cannot use --shift-to-now with "${unrepeatable}": it can be read only once, expected a regular file`,
    );
  }
  if (follow && (replay || checkpoint !== undefined || shiftToNow)) {
    throw new ConfigurationError(
      "Cannot use --follow: --replay, --checkpoint and --shift-to-now need files that are complete",
    );
  }
  if (checkpoint !== undefined && live) {
    throw new ConfigurationError(
      "Cannot use --checkpoint with --live: a checkpoint needs windows by the samples' times",
    );
  }
  if (follow && (operands.length !== 1 || readsStandardInput)) {
    throw new ConfigurationError(`Cannot use --follow: it reads exactly one FILE, expected its path`);
  }
  if (follow && unrepeatable !== undefined) {
    throw new ConfigurationError(
      `Cannot use --follow with "${unrepeatable}": it is not a regular file, so it cannot grow`,
    );
  }
  if (sendsNothing && (follow || isOn(given, "live") || checkpoint !== undefined)) {
    throw new ConfigurationError(
      `Cannot use ${dryRun ? "--dry-run" : "--openmetrics"}: --follow, --live and --checkpoint need an endpoint`,
    );
  }
  if (!follow && values.has("idle-timeout")) {
    throw new ConfigurationError("Cannot use --idle-timeout without --follow: other inputs end by themselves");
  }
  const idleTimeoutMs = Number(values.get("idle-timeout") ?? Infinity);
  // With --follow, the file may appear later.
  const existing = follow ? [] : paths.filter((path) => path !== "-");
  for (const path of existing) checkFile(path);
  for (const flag of ["openmetrics", "summary-json"]) {
    const written = values.get(flag)?.toString();
    if (written === undefined || !existing.some((path) => isSameFile(path, written))) continue;
    throw new ConfigurationError(`Cannot use --${flag}: "${written}" is read, expected another file`);
  }
  const metrics = Object.values<Metric>(Object(values.get(metricTypeFlag.flag)));
  return { paths, live, follow, idleTimeoutMs, shiftToNow, checkpoint, dryRun, openMetrics, metrics };
}

/** Reports whether two paths lead to the same file, which exists. */
function isSameFile(path: string, other: string): boolean {
  const { realpathSync } = builtin("node:fs");
  return isThere(other) && realpathSync(path) === realpathSync(other);
}

/** Finds a wrong path before anything is sent. */
function checkFile(path: string): void {
  const { statSync } = builtin("node:fs");
  let problem: string | undefined;
  try {
    if (statSync(path).isDirectory()) problem = "it is a folder";
  } catch (error) {
    problem = isThere(path) ? reasonOf(error) : "there is no such file";
  }
  if (problem !== undefined) {
    throw new ConfigurationError(`Cannot read "${path}": ${problem}, expected a file with k6's results`);
  }
}

function parsePath(text: string, source: string): string {
  if (text === "") throw new ConfigurationError(`Cannot read ${source}: it is "", expected the path of a file`);
  return text;
}
