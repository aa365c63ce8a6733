/**
 * The writers of reports that are not a page: Markdown for job summaries, JSON for machines, JUnit for test reports.
 *
 * @module
 */
import { k6OptionDefinitions } from "../../k6/output/output_options.ts";
import type { Metadata } from "../../model/time_series.ts";
import { describeEnd, saysFailed, thresholdsFailed } from "../k6_exit_codes.ts";
import type { K6End } from "../k6_process.ts";
import type { RunResults } from "../verdict/run_verdict.ts";
import { type Format, formatJson, formatJUnit, formatMarkdown } from "./results_report.ts";
import type { ReportWriter, RunReport } from "./run_report.ts";
import { type SeriesPoints, seriesResults } from "./series_results.ts";

/** What these writers use of a run. */
type ReportedRun = Omit<RunReport, "store" | "createdMs" | "fromStart"> & {
  readonly store: Pick<RunReport["store"], "metadataOf"> & { readonly series: ReadonlyMap<number, SeriesPoints> };
};

/** Writes text. */
interface ResultsWriter extends ReportWriter {
  write(run: ReportedRun): Promise<string>;
}

/** The writers by the extension of the file. */
export const resultsWriters: Readonly<Record<"md" | "json" | "xml", ResultsWriter>> = {
  md: writerOf(formatMarkdown),
  json: writerOf(formatJson),
  xml: writerOf(formatJUnit),
};

function writerOf(format: Format): ResultsWriter {
  return { usesSamples: true, write: async (run) => format(await resultsOf(run)) };
}

async function resultsOf(run: ReportedRun): Promise<RunResults> {
  const { title, testid, store, samples, startMs, delivery, prefix = k6OptionDefinitions.prefix.default } = run;
  const metadataOf = (name: string): Metadata | undefined => run.isLight === true ? undefined : store.metadataOf(name);
  const results = samples === undefined
    ? await seriesResults(store.series.values(), { title, delivery, prefix, startMs, metadataOf })
    : await samples.results({ title, testid, delivery });
  const { end = { code: 0 }, isPart = false } = run;
  return {
    ...results,
    isFailed: saysFailed(end),
    problems: [
      ...end.code === 0 ? [] : problemsOf(end, results),
      ...isPart ? ["Only a part of the results was read. The values are those of this part."] : [],
      ...results.problems,
    ],
  };
}

function problemsOf(end: K6End, { thresholds }: RunResults): string[] {
  const said = describeEnd(end);
  if (end.code !== thresholdsFailed) return [`${said}.`];
  if (thresholds.some(({ state }) => state === "crossed")) return [];
  return [
    `${said}, but no threshold that is known here was crossed. k6 does not tell its outputs those on tags: --thresholds adds ` +
    "them (not with --light).",
  ];
}
