/**
 * The report as a page: the live page with the data inside, in one file.
 *
 * @module
 */
import { livePage } from "../../../gen/page/live_page.ts";
import { describeEnd } from "../k6_exit_codes.ts";
import type { ReportWriter, RunReport } from "./run_report.ts";

/** With more points, the report has a coarser time resolution: a file should be small enough to be attached to a message. */
const maxPoints = 600_000;

/** What a report contains besides its series. */
export interface ReportHeader {
  readonly title: string;
  readonly createdMs: number;
  readonly fromStart: boolean;
  /** When the run began, in milliseconds since the Unix epoch; undefined if only its series tell it. */
  readonly startMs?: number | undefined;
  /** The distance of the points, in milliseconds; 0 if the report has all of them. */
  readonly stepMs: number;
  /** How k6 ended, such as "k6 ended with 99 (thresholds failed)", if it did not end with 0. */
  readonly end?: string | undefined;
}

/** Writes the page. */
export const htmlReport: ReportWriter = {
  async write(run: RunReport): Promise<string> {
    const { title, createdMs, fromStart, startMs, store, end } = run;
    let stepMs = store.resolutionMs;
    let points = store.points;
    for (; points > maxPoints; points /= 2) stepMs = Math.max(1000, stepMs * 2);
    const failure = end === undefined || end.code === 0 ? undefined : describeEnd(end);
    const header: ReportHeader = { title, createdMs, fromStart, startMs, stepMs, end: failure };
    const lines = [JSON.stringify(header), ...store.snapshot({ stepMs })];
    const data = await deflate(lines.join("\n"));
    // A function, because a string may contain patterns such as $&.
    return livePage.replace('id="report"></script>', () => `id="report">${data}</script>`);
  },
};

/** Returns a string compressed, in base64. */
async function deflate(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}
