/**
 * The end of a live run: the last samples are delivered.
 *
 * @module
 */
import { formatDurationMs } from "../config/duration.ts";
import type { OutputCloseOptions, RemoteWriteOutput } from "../k6/output/remote_write_output.ts";
import { type Sleep, sleep as sleepByTimer } from "../send/sleep.ts";
import { countOf } from "./format.ts";
import type { Log } from "./log.ts";

/** An endpoint that works has taken the last samples by then, in milliseconds. */
const usualMs = 1000;

/** Closes an output. If that takes longer than usual, it says for how long the command waits. */
export async function closeOutput<Report>(
  output: {
    readonly stats: Pick<RemoteWriteOutput["stats"], "samplesPending">;
    close(options: OutputCloseOptions): Promise<Report>;
  },
  { log, sleep = sleepByTimer, timeoutMs, ...options }: OutputCloseOptions & {
    readonly timeoutMs: number;
    readonly log: Pick<Log, "say">;
    readonly sleep?: Sleep;
  },
): Promise<Report> {
  const closed = new AbortController();
  void sleep(usualMs, closed.signal).then(() => {
    const waiting = output.stats.samplesPending;
    if (closed.signal.aborted || waiting === 0 || timeoutMs === Infinity) return;
    log.say(
      "info",
      `Waiting up to ${formatDurationMs(timeoutMs)} for the endpoint (--close-timeout): ${
        countOf(waiting, "sample")
      } not delivered yet.`,
    );
  });
  return await output.close({ timeoutMs, ...options }).finally(() => closed.abort());
}
