/**
 * Finds options that have no effect together with other options. A caller that gives both expects something else.
 *
 * @module
 */
import { unexpected } from "../../model/check_keys.ts";
import type { TrendForm } from "../mapping/trends.ts";
import type { CheckedOutputOptions, RemoteWriteOutputOptions } from "./output_options.ts";

/** When an option has an effect. */
interface Effect {
  /** The forms of trends with which it has an effect. @default all */
  readonly forms?: readonly TrendForm[];
  /** The value that describes what happens if the option has no effect, so that it is allowed. */
  readonly neutral?: unknown;
}

/** The options that have an effect only in the mapping `prometheus`. */
const effects: Readonly<Record<string, Effect>> = {
  trendAs: { neutral: "stats" },
  // k6 accepts its stats together with native histograms, and ignores them.
  trendStats: { forms: ["stats", "native"] },
  trendWindow: { forms: ["stats"], neutral: "run" },
  maxExactValues: { forms: ["stats"] },
  bucketFactor: { forms: ["native"] },
  maxBuckets: { forms: ["native"] },
  buckets: { forms: ["histogram"] },
  rateCounters: { neutral: false },
} satisfies Partial<Record<keyof RemoteWriteOutputOptions, Effect>>;

/**
 * Checks the options that a caller gave.
 *
 * @param checked the same options with the defaults
 * @throws ConfigurationError that names both options
 */
export function checkContradictions(given: RemoteWriteOutputOptions, checked: CheckedOutputOptions): void {
  const { trendAs, windows, heartbeatMs, maxRequestsPerFlush, spool } = checked;
  const mapping = typeof checked.mapping === "object" ? checked.mapping.name : checked.mapping;
  for (const [option, value] of Object.entries(given)) {
    const effect = effects[option];
    if (effect === undefined || value === undefined || value === effect.neutral) continue;
    if (mapping !== "prometheus") throw unexpected(option, value, `none with the mapping "${mapping}"`);
    if (effect.forms?.includes(trendAs) === false) throw unexpected(option, value, `none if trendAs is "${trendAs}"`);
  }
  if (mapping === "raw" && checked.zeroSample) {
    throw unexpected("zeroSample", true, 'none with the mapping "raw"');
  }
  if (checked.metadataLabels.length > 0 && !checked.keepTags) {
    throw unexpected("metadataLabels", checked.metadataLabels, "none if keepTags is false");
  }
  if (checked.endpoints !== undefined && maxRequestsPerFlush !== Infinity) {
    throw unexpected("maxRequestsPerFlush", maxRequestsPerFlush, "none together with endpoints");
  }
  // The samples that wait in a spool belong to no flush.
  if (spool !== undefined && maxRequestsPerFlush !== Infinity) {
    throw unexpected("maxRequestsPerFlush", maxRequestsPerFlush, "none together with a spool");
  }
  if (windows !== "event") {
    if (checked.checkpoint !== undefined) throw unexpected("windows", windows, '"event" together with a checkpoint');
    return;
  }
  const none = `none if windows is "event", as for recorded files`;
  // Recorded samples have no clock that tells when a series is idle.
  if (heartbeatMs > 0) throw unexpected("heartbeatMs", heartbeatMs, none);
  // A file can be read again.
  if (spool !== undefined) throw unexpected("spool", spool, none);
  // Each window is a separate flush, and flushes follow each other without a pause.
  if (maxRequestsPerFlush !== Infinity) throw unexpected("maxRequestsPerFlush", maxRequestsPerFlush, none);
}
