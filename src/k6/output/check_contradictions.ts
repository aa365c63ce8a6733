/**
 * Options that would do nothing beside others: who gives both expects something else.
 *
 * @module
 */
import type { RemoteWriteOutputOptions } from "./output_options.ts";
import type { TrendForm } from "../mapping/trends.ts";
import { unexpected } from "../../client/option_checks.ts";

/** Who looks at an option. */
interface Reader {
  readonly option: keyof RemoteWriteOutputOptions;
  /** Mappings by name; `own` stands for any object. */
  readonly mappings: readonly string[];
  /** Of the mapping `prometheus`. */
  readonly forms?: readonly TrendForm[];
  /** What those do that do not look at it. */
  readonly neutral?: unknown;
}

const readers: readonly Reader[] = [
  { option: "trendAs", mappings: ["prometheus"], neutral: "stats" },
  // k6 takes its stats beside native histograms, and does not look at them.
  { option: "trendStats", mappings: ["prometheus"], forms: ["stats", "native"] },
  { option: "trendWindow", mappings: ["prometheus"], forms: ["stats"], neutral: "run" },
  { option: "maxExactValues", mappings: ["prometheus"], forms: ["stats"] },
  { option: "bucketFactor", mappings: ["prometheus"], forms: ["native"] },
  { option: "maxBuckets", mappings: ["prometheus"], forms: ["native"] },
  { option: "buckets", mappings: ["prometheus"], forms: ["histogram"] },
  { option: "rateCounters", mappings: ["prometheus"], neutral: false },
  { option: "zeroSample", mappings: ["prometheus", "own"], neutral: false },
];

/** @throws ConfigurationError that names both options */
export function checkContradictions(options: RemoteWriteOutputOptions): void {
  const { trendAs = "stats", windows = "wall", heartbeatMs = 0, maxRequestsPerFlush = Infinity } = options;
  const { mapping = "prometheus" } = options;
  const name = typeof mapping === "object" ? mapping.name : mapping;
  for (const { option, mappings, forms = [trendAs], neutral } of readers) {
    const value = options[option];
    if (value === undefined || value === neutral) continue;
    if (!mappings.includes(typeof mapping === "object" ? "own" : name)) {
      throw unexpected(option, value, `none beside the mapping "${name}"`);
    }
    if (!forms.includes(trendAs)) throw unexpected(option, value, `none where trendAs is "${trendAs}"`);
  }
  if (windows !== "event") {
    if (options.checkpoint !== undefined) throw unexpected("windows", windows, '"event" beside a checkpoint');
    return;
  }
  const none = `none where windows is "event", as for recorded files`;
  // Recorded samples have no clock that could be idle.
  if (heartbeatMs > 0) throw unexpected("heartbeatMs", heartbeatMs, none);
  // Each window is a flush of its own, and one follows upon the other.
  if (maxRequestsPerFlush !== Infinity) throw unexpected("maxRequestsPerFlush", maxRequestsPerFlush, none);
}
