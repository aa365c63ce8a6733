/**
 * The spool of a command: `--spool DIR`.
 *
 * @module
 */
import type { RawOptions } from "../config/raw_options.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { ConfigurationError } from "../model/errors.ts";
import { createSpool, type OpenSpool } from "../send/spool.ts";
import { fileProblem } from "./file_problem.ts";
import { countOf, formatBytes } from "./format.ts";
import type { Log } from "./log.ts";
import { onExit } from "./runtime.ts";
import { openSpoolFolder, type SpoolFolder } from "./spool_folder.ts";

/** An open spool, and where it is. */
export interface CommandSpool {
  readonly path: string;
  readonly spool: OpenSpool;
}

/** About a day of a run with a thousand series, a window each second. */
const defaultMaxBytes = 1024 * 1024 * 1024;

const minBytes = 1024 * 1024;

/**
 * Opens the spool that the options name, and says what is in it; returns undefined if they name none.
 *
 * @throws ConfigurationError if it cannot be used
 */
export function openSpool({ spoolFolder: path, spoolBytes }: RawOptions, log: Log): CommandSpool | undefined {
  if (path === undefined) {
    if (spoolBytes === undefined) return undefined;
    throw new ConfigurationError("Cannot use --spool-bytes: there is no spool, expected also --spool DIR");
  }
  if (path === "") throw new ConfigurationError('Cannot use --spool: it is "", expected the path of a folder');
  const maxBytes = spoolBytes ?? defaultMaxBytes;
  if (!Number.isSafeInteger(maxBytes) || maxBytes < minBytes) {
    throw new ConfigurationError(
      `Cannot use --spool-bytes: it is ${maxBytes}, expected a whole number from ${minBytes}`,
    );
  }
  let folder: SpoolFolder | undefined;
  try {
    folder = openSpoolFolder(path);
    onExit(folder.release);
    const spool = createSpool(folder, { maxBytes });
    describeContents(spool, { path, log });
    return { path, spool };
  } catch (error) {
    folder?.release();
    throw new ConfigurationError(
      `Cannot use the spool "${path}": ${fileProblem(error)}, expected a folder that this process alone can write`,
    );
  }
}

/** Returns the options of an output with a spool. What is stored need not be given up after some time. */
export function spoolOptions(
  opened: CommandSpool | undefined,
): Pick<RemoteWriteOutputOptions, "spool" | "retryDeadlineMs"> {
  return opened === undefined ? {} : { spool: opened.spool, retryDeadlineMs: Infinity };
}

function describeContents(
  { contents: { found, damaged } }: OpenSpool,
  { path, log }: { readonly path: string; readonly log: Log },
): void {
  const bytesOf = (isTail: boolean): number =>
    damaged.filter((part) => part.isTail === isTail).reduce((sum, { from, to }) => sum + to - from, 0);
  const [tails, others] = [bytesOf(true), bytesOf(false)];
  if (tails > 0) {
    log.say(
      "warn",
      `Cut off ${
        formatBytes(tails)
      } at the end of "${path}": the earlier process ended before it had written them completely.`,
    );
  }
  if (others > 0) {
    log.say(
      "warn",
      `Left out ${formatBytes(others)} of "${path}": they are damaged, and the samples in them are lost.`,
    );
  }
  if (found > 0) {
    log.say("info", `Found ${countOf(found, "sample")} of an earlier run in "${path}": they are sent first.`);
  }
}

/** Returns the rows of the summary about a spool. */
export function spoolRows(opened: CommandSpool | undefined): string[][] {
  if (opened === undefined) return [];
  const { path, spool: { contents: { found, earlier, kept } } } = opened;
  const rest = (["rejected", "failed", "unknown", "dropped", "merged"] as const)
    .flatMap((outcome) => earlier[outcome] === 0 ? [] : [`${countOf(earlier[outcome], "sample")} ${outcome}`]);
  return [
    ...(found === 0 ? [] : [[
      "earlier",
      `${countOf(earlier.delivered, "sample")} of an earlier run ${earlier.delivered === 1 ? "was" : "were"} delivered`,
      ...rest,
    ]]),
    ...(kept === 0 ? [] : [["kept", `${countOf(kept, "sample")} in ${path}, for the next start with this --spool`]]),
  ];
}
