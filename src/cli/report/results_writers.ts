/**
 * The writers of reports that are not a page: Markdown for job summaries, JSON for machines, JUnit for test reports.
 *
 * @module
 */
import { k6OptionDefinitions } from "../../k6/output/output_options.ts";
import type { DeliveryReport } from "../../model/delivery_report.ts";
import type { Metadata } from "../../model/time_series.ts";
import type { RunResults } from "../verdict/run_verdict.ts";
import { type Format, formatJson, formatJUnit, formatMarkdown } from "./results_report.ts";
import type { SampleResults } from "./sample_results.ts";
import { type SeriesPoints, seriesResults } from "./series_results.ts";

/** What a command knows about a run at its end. */
export interface ReportedRun {
  readonly title: string;
  /** The series of the run, as they were sent or received. */
  readonly store: {
    readonly series: ReadonlyMap<number, SeriesPoints>;
    metadataOf(name: string): Metadata | undefined;
  };
  /** All samples of the run, if the command had them. They tell more than series. */
  readonly samples?: SampleResults | undefined;
  /** The beginning of the names of k6's series. @default "k6_" */
  readonly prefix?: string | undefined;
  /** The testid of samples that have none: the one that the output adds. */
  readonly testid?: string | undefined;
  /** When the run began, in milliseconds since the Unix epoch, if the command began it. */
  readonly startMs?: number | undefined;
  readonly delivery?: DeliveryReport | undefined;
}

/** Writes reports of one kind. */
export interface ResultsWriter {
  /** Whether the samples make the report better. To keep them costs time and memory. */
  readonly usesSamples: true;
  /** Returns the content of the file. */
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

function resultsOf(run: ReportedRun): Promise<RunResults> {
  const { title, testid, store, samples, startMs, delivery, prefix = k6OptionDefinitions.prefix.default } = run;
  if (samples !== undefined) return samples.results({ title, testid, delivery });
  const metadataOf = (name: string): Metadata | undefined => store.metadataOf(name);
  return seriesResults(store.series.values(), { title, delivery, prefix, startMs, metadataOf });
}
