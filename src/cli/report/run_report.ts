/**
 * What a report is made of, and what writes it.
 *
 * @module
 */
import type { DeliveryReport } from "../../model/delivery_report.ts";
import type { LiveStore } from "../live/live_store.ts";
import type { K6End } from "../k6_process.ts";
import type { SampleResults } from "./sample_results.ts";

/** What a command knows about a run at its end. */
export interface RunReport {
  /** The series of the run with their points, as they were sent or received. */
  readonly store: LiveStore;
  /** All samples of the run, if the command had them. They tell more than series. */
  readonly samples?: SampleResults | undefined;
  /** The beginning of the names of k6's series. @default "k6_" */
  readonly prefix?: string | undefined;
  /** The testid of samples that have none: the one that the output adds. */
  readonly testid?: string | undefined;
  /** When the run began, in milliseconds since the Unix epoch; undefined if only its series tell it. */
  readonly startMs?: number | undefined;
  /** What the report is about, such as the name of the script or of the recorded file. */
  readonly title: string;
  /** When the report is made, in milliseconds since the Unix epoch. */
  readonly createdMs: number;
  /** Whether the series were seen from the start of the run, so that each counter began with 0. */
  readonly fromStart: boolean;
  /** What was delivered; undefined if nothing was sent. */
  readonly delivery?: DeliveryReport | undefined;
  /** Whether the metadata of the series are those of k6's own output, which does not tell the units of a script's trends. @default false */
  readonly isLight?: boolean | undefined;
  /** How k6 ended, if the command ran it. It knows of thresholds that it does not tell its outputs. */
  readonly end?: K6End | undefined;
  /** Whether only a part of the results was read. @default false */
  readonly isPart?: boolean | undefined;
}

/** Writes reports of one kind. */
export interface ReportWriter {
  /** Whether the samples make the report better. To keep them costs time and memory. */
  readonly usesSamples?: boolean;
  /** Returns the content of the file. */
  write(run: RunReport): Promise<string | Uint8Array>;
}
