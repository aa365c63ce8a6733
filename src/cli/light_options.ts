/**
 * The options of `run --light`: which of them k6 carries out, which ones this process carries out, and which ones need the full
 * mode.
 *
 * @module
 */
import type { RawOptions } from "../config/raw_options.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { ConfigurationError } from "../model/errors.ts";
import type { Environment } from "./runtime.ts";

/** Reports whether the value of an option can be used although no samples arrive, but only the series that k6 made of them. */
type IsUsable = (value: unknown) => boolean;

const never: IsUsable = () => false;
const only = (...usable: readonly unknown[]): IsUsable => (value) => usable.includes(value);

/** The options that need every sample, and the values that need none. */
const needingSamples: ReadonlyMap<string, IsUsable> = new Map([
  ["mapping", only("prometheus")],
  ["relabelConfigs", never],
  ["relabelConfigFile", never],
  ["keepTags", only(true)],
  // k6's own --system-tags drops the tag before k6 aggregates.
  ["keepUrlTag", only(true)],
  ["metadataLabels", never],
  ["thresholds", only(false)],
  ["trendAs", only("stats", "native")],
  ["trendWindow", only("run")],
  ["buckets", never],
  ["bucketFactor", never],
  ["maxBuckets", never],
  ["maxExactValues", never],
  ["rateCounters", only(false)],
  // k6's own output never waits: it gives a request up after 5 s.
  ["overflow", only("drop-oldest")],
]);

/**
 * Checks that no option needs the samples.
 *
 * @param raw the options of all sources
 * @throws ConfigurationError that names the option and its value
 */
export function checkLightOptions(raw: RawOptions): void {
  for (const [option, value] of Object.entries(raw)) {
    const isUsable = needingSamples.get(option);
    if (value === undefined || isUsable === undefined || isUsable(value)) continue;
    const is = typeof value === "object" ? "given" : JSON.stringify(value);
    throw new ConfigurationError(
      `Cannot use --light: the option ${option} is ${is}, which needs the full mode (run without --light), because k6 sends ` +
        "series instead of samples",
    );
  }
}

/** Returns the options for the output. k6 itself carries out the others. */
export function lightOutputOptions(options: RemoteWriteOutputOptions): RemoteWriteOutputOptions {
  const { trendAs: _trendAs, trendStats: _trendStats, flushPeriodMs: _flushPeriodMs, ...own } = options;
  // LightSeries drops the tag `name` where this merges no series. The output would drop it everywhere.
  return { ...own, keepNameTag: true };
}

/** The arguments and the variables with which k6 is started. */
export interface K6Start {
  /** The arguments of k6 after the word `run`. */
  readonly args: readonly string[];
  readonly env: Environment;
}

/**
 * Adds k6's own output and its options.
 *
 * @param start without the user's own variables of this output
 * @param target `url`: the address to which k6 sends; `options`: the options as they were given, because k6 has its own defaults
 */
export function lightStart(
  { args, env }: K6Start,
  { url, options }: { readonly url: string; readonly options: RemoteWriteOutputOptions },
): K6Start {
  const { trendStats, trendAs, flushPeriodMs } = options;
  const { flags, variables } = trendAs === "native" ? nativeHistograms({ args, env }) : { flags: [], variables: {} };
  return {
    args: ["--out", "experimental-prometheus-rw", ...flags, ...args],
    env: {
      ...env,
      K6_PROMETHEUS_RW_SERVER_URL: url,
      // This process sends them: as histograms for histograms, which k6 does not do.
      K6_PROMETHEUS_RW_STALE_MARKERS: "false",
      ...trendStats !== undefined && { K6_PROMETHEUS_RW_TREND_STATS: trendStats.join(",") },
      ...flushPeriodMs !== undefined && { K6_PROMETHEUS_RW_PUSH_INTERVAL: `${flushPeriodMs}ms` },
      ...variables,
    },
  };
}

const nativeFeature = "native-histograms";

/** Returns what makes k6's trends native histograms. */
function nativeHistograms({ args, env }: K6Start): { readonly flags: string[]; readonly variables: Environment } {
  // k6 ignores the variables if an argument names features.
  if (args.some((argument) => /^--features(?:=|$)/.test(argument))) {
    return { flags: ["--features", nativeFeature], variables: {} };
  }
  const features = (env.K6_FEATURES ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (features.includes(nativeFeature)) return { flags: [], variables: {} };
  return {
    flags: [],
    variables: {
      // k6's name for it up to version 1, which version 2 still knows but warns about, and the one since version 2.
      K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true",
      K6_FEATURES: [...features, nativeFeature].join(","),
    },
  };
}
