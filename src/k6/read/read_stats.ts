/**
 * What a reader of k6's results counts.
 *
 * @module
 */

/**
 * Why a line has no sample: it is not one of k6's lines (`foreign`), the end of the file cut it off (`torn`), it is damaged
 * (`malformed`), it is longer than 1 MiB (`tooLong`), the type of its metric is not known (`unknownMetric`), or its time, value or
 * tags cannot be read.
 */
export type SkipReason =
  | "foreign"
  | "torn"
  | "malformed"
  | "tooLong"
  | "unknownMetric"
  | "invalidTime"
  | "invalidValue"
  | "invalidTags";

/** Counts of what was read so far. */
export interface K6ReadStats {
  /** Bytes of the stream. */
  readonly bytes: number;
  /** Lines, including empty ones. */
  readonly lines: number;
  /** Samples that were yielded. */
  readonly samples: number;
  /** Lines without a sample, by reason. Announcements of metrics and empty lines do not count. */
  readonly skipped: Readonly<Record<SkipReason, number>>;
  /** The names of the metrics whose type is not known, at most 100. The option `metrics` makes their types known. */
  readonly unknownMetrics: readonly string[];
  /**
   * Samples with bytes that are not UTF-8. Each such byte becomes U+FFFD, so that series that differ only in these bytes are one
   * series.
   */
  readonly invalidUtf8: number;
}

/** All reasons. */
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
