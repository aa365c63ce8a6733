/**
 * The flag `--report FILE`, which several commands have: it writes a file at the end. The extension of the file decides what is
 * written.
 *
 * @module
 */
import { listOf } from "../../model/check_keys.ts";
import { ConfigurationError, reasonOf } from "../../model/errors.ts";
import type { Arguments, Flag } from "../arguments.ts";
import { builtin } from "../runtime.ts";
import { htmlReport } from "./html_report.ts";
import { resultsWriters } from "./results_writers.ts";
import type { ReportWriter, RunReport } from "./run_report.ts";

export type { ReportWriter, RunReport } from "./run_report.ts";

/** The writers by the extension of the file. */
const writers: Readonly<Record<string, ReportWriter>> = {
  html: htmlReport,
  ...resultsWriters,
};

const extensions = listOf(Object.keys(writers).map((extension) => `FILE.${extension}`));

/** The flag. */
export const reportFlag: Flag = {
  flag: "report",
  placeholder: "FILE",
  help: `Write a report at the end: ${extensions}. The flag can be repeated.`,
  named: true,
  parse: (path, source) => {
    if (writerOf(path) !== undefined) return { [path]: true };
    throw new ConfigurationError(`Cannot read ${source}: it is "${path}", expected ${extensions}`);
  },
};

function writerOf(path: string): ReportWriter | undefined {
  const extension = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(writers, extension) ? writers[extension] : undefined;
}

/** Reports whether one of the reports is better with the samples of the run. */
export function useSamples(paths: readonly string[]): boolean {
  return paths.some((path) => writerOf(path)?.usesSamples === true);
}

/** Returns the paths of the reports that the arguments ask for. @throws ConfigurationError if there is no folder for a file */
export function reportPaths({ values }: Arguments): readonly string[] {
  const paths = Object.keys(Object(values.get(reportFlag.flag)));
  const { dirname } = builtin("node:path");
  const { statSync } = builtin("node:fs");
  for (const path of paths) {
    if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() === true) continue;
    throw new ConfigurationError(`Cannot write the report "${path}": there is no folder "${dirname(path)}"`);
  }
  return paths;
}

/**
 * Writes the reports.
 *
 * @returns a message for each one that could not be written
 */
export async function writeReports(paths: readonly string[], run: RunReport): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const path of paths) {
    try {
      const content = await writerOf(path)?.write(run) ?? "";
      await builtin("node:fs").promises.writeFile(path, content);
    } catch (error) {
      problems.push(`Cannot write the report "${path}": ${reasonOf(error)}`);
    }
  }
  return problems;
}
