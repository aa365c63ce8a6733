/**
 * The summary of a run as a JSON file, for programs.
 *
 * @module
 */
import { parseString } from "../config/option_parsers.ts";
import { reasonOf } from "../model/errors.ts";
import type { Arguments, Flag } from "./arguments.ts";
import type { Log } from "./log.ts";
import { builtin } from "./runtime.ts";
import type { RunResult } from "./summary.ts";

export const summaryJsonFlag: Flag = {
  flag: "summary-json",
  placeholder: "FILE",
  help: "At the end, write the summary as JSON: what was read, sent and delivered, and the exit code.",
  parse: parseString,
};

/** What the file holds apart from the numbers of the run. */
interface SummaryJson {
  /** The URL of the endpoint, without secrets. */
  readonly endpoint: string;
  /** The run, if it has a name. */
  readonly testid?: string | undefined;
  /** How long the command took, in milliseconds. */
  readonly ms: number;
  readonly exitCode: number;
}

/**
 * Writes the file that `--summary-json` names, if there is one.
 *
 * @returns whether the file is written, or not wanted; an error was logged if not
 */
export function writeSummaryJson(
  given: Arguments,
  { report, stats, read, log, ...summary }: RunResult & SummaryJson & { readonly log: Log },
): boolean {
  const path = given.values.get(summaryJsonFlag.flag)?.toString();
  if (path === undefined) return true;
  const { samplesIn, samplesRefused, series, timeSeries } = stats;
  const content = {
    ...summary,
    read: { samples: samplesIn, refused: samplesRefused, series, timeSeries, inputs: read },
    report,
  };
  try {
    builtin("node:fs").writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`);
    return true;
  } catch (error) {
    log.say("error", `Cannot write the summary to "${path}": ${reasonOf(error)}`);
    return false;
  }
}
