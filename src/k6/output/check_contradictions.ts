/**
 * Finds options that have no effect together with others: a caller that gives both expects something else.
 *
 * @module
 */
import { unexpected } from "../../client/option_definition.ts";
import type { TrendForm } from "../mapping/trends.ts";
import type { RemoteWriteOutputOptions } from "./output_options.ts";

/** Where an option has an effect. */
interface Effect {
  readonly option: keyof RemoteWriteOutputOptions;
  /** The forms of trends, in the mapping `prometheus`. @default all */
  readonly forms?: readonly TrendForm[];
  /** The value that says what happens anyway where the option has no effect. */
  readonly neutral?: unknown;
}

const effects: readonly Effect[] = [
  { option: "trendAs", neutral: "stats" },
  // k6 accepts its stats together with native histograms, and ignores them.
  { option: "trendStats", forms: ["stats", "native"] },
  { option: "trendWindow", forms: ["stats"], neutral: "run" },
  { option: "maxExactValues", forms: ["stats"] },
  { option: "bucketFactor", forms: ["native"] },
  { option: "maxBuckets", forms: ["native"] },
  { option: "buckets", forms: ["histogram"] },
  { option: "rateCounters", neutral: false },
];

/** @throws ConfigurationError that names both options */
export function checkContradictions(options: RemoteWriteOutputOptions): void {
  const { trendAs = "stats", windows = "wall", heartbeatMs = 0, maxRequestsPerFlush = Infinity } = options;
  const mapping = typeof options.mapping === "object" ? options.mapping.name : options.mapping ?? "prometheus";
  for (const { option, forms = [trendAs], neutral } of effects) {
    const value = options[option];
    if (value === undefined || value === neutral) continue;
    if (mapping !== "prometheus") throw unexpected(option, value, `none with the mapping "${mapping}"`);
    if (!forms.includes(trendAs)) throw unexpected(option, value, `none if trendAs is "${trendAs}"`);
  }
  if (mapping === "raw" && options.zeroSample === true) {
    throw unexpected("zeroSample", true, 'none with the mapping "raw"');
  }
  if (windows !== "event") {
    if (options.checkpoint !== undefined) throw unexpected("windows", windows, '"event" together with a checkpoint');
    return;
  }
  const none = `none if windows is "event", as for recorded files`;
  // Recorded samples have no clock by which a series could be idle.
  if (heartbeatMs > 0) throw unexpected("heartbeatMs", heartbeatMs, none);
  // Each window is a flush of its own, and one follows the other.
  if (maxRequestsPerFlush !== Infinity) throw unexpected("maxRequestsPerFlush", maxRequestsPerFlush, none);
}
