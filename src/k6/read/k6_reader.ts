/**
 * What the readers of k6's results have in common.
 *
 * @module
 */
import { checkKeys } from "../../model/check_keys.ts";
import { ConfigurationError } from "../../model/errors.ts";
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";

/** How to read k6's results. */
export interface K6ReadOptions {
  /**
   * Receives each line that is not one of k6's lines, without its line end. (If k6 writes its results and its messages to one pipe,
   * these are the messages.) A line of JSON output of more than 1 MiB is passed in parts; `continues` is true for all parts but the
   * last. If the function returns a promise, the reader waits for it.
   * @default foreign lines are only counted
   */
  readonly onForeignLine?: ((line: string, continues: boolean) => void | Promise<void>) | undefined;
  /** Receives each metric when k6 announces it, which k6 does only in JSON. @default none */
  readonly onMetric?: ((metric: Metric) => void) | undefined;
  /**
   * Metrics that the stream does not announce, in addition to k6's own. CSV announces none. An announcement in the stream wins.
   * @default []
   */
  readonly metrics?: readonly Metric[] | undefined;
  /** Ends the reading. The samples before are still yielded. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** A reader of k6's results. It yields batches of samples, and can be iterated once. */
export interface K6Reader extends AsyncIterable<readonly Sample[]> {
  /** Counts of what was read so far. */
  readonly stats: K6ReadStats;
}

/** Counts of what was read so far. */
export interface K6ReadStats {
  /** The number of bytes that were read from the stream. */
  readonly bytes: number;
  /** Lines, including empty ones. In CSV, rows. */
  readonly lines: number;
  /** The number of samples that the reader yielded. */
  readonly samples: number;
  /** Lines without a sample, by reason. Announcements of metrics and empty lines do not count. */
  readonly skipped: {
    /** Lines that are not from k6. */
    readonly foreign: number;
    /** Last lines that the end of the stream cut off. */
    readonly torn: number;
    /** Lines of k6 that are damaged, so that they cannot be read. */
    readonly malformed: number;
    /** Lines of more than 1 MiB. */
    readonly tooLong: number;
    /** Samples of metrics whose type is not known. */
    readonly unknownMetric: number;
    /** Samples whose time cannot be read. */
    readonly invalidTime: number;
    /** Samples whose value is not a finite number. */
    readonly invalidValue: number;
    /** Samples whose tags cannot be read. */
    readonly invalidTags: number;
  };
  /** The names of the metrics whose type is not known, at most 100. The option `metrics` makes their types known. */
  readonly unknownMetrics: readonly string[];
  /**
   * Samples with bytes that are not UTF-8. Each such byte becomes U+FFFD, so that series that differ only in these bytes are one
   * series.
   */
  readonly invalidUtf8: number;
}

/** Why a line has no sample. */
export type SkipReason = keyof K6ReadStats["skipped"];

/** The reasons that `stats.skipped` counts. */
export const skipReasons: readonly SkipReason[] = [
  "foreign",
  "torn",
  "malformed",
  "tooLong",
  "unknownMetric",
  "invalidTime",
  "invalidValue",
  "invalidTags",
];

/** Returns a count of 0 for each reason. */
export function noSkips(): Record<SkipReason, number> {
  return {
    foreign: 0,
    torn: 0,
    malformed: 0,
    tooLong: 0,
    unknownMetric: 0,
    invalidTime: 0,
    invalidValue: 0,
    invalidTags: 0,
  };
}

/** The readers do not buffer longer lines. */
export const maxLineBytes: number = 1024 * 1024;

/**
 * The largest number of samples that are yielded together. It is small, so that the samples can be freed soon: with 2000, V8
 * enlarges its space for young objects until a long replay takes 70 MB more.
 */
export const maxBatch = 100;

/** Checks the arguments of a reader of `format`. @throws ConfigurationError */
export function checkReading(format: "CSV" | "JSON", stream: unknown, options: K6ReadOptions): void {
  const isStream = typeof stream === "object" && stream !== null && "getReader" in stream;
  if (!isStream) {
    throw new ConfigurationError(`Cannot read k6's ${format}: there is no stream, expected a ReadableStream of bytes`);
  }
  checkKeys(options, ["onForeignLine", "onMetric", "metrics", "signal"], `readK6${format === "CSV" ? "Csv" : "Json"}`);
}

/** Yields the chunks of a stream until its end, its first error, or the signal. Then the stream is cancelled. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    while (signal?.aborted !== true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {});
  }
}
