/**
 * k6's switches (`k6 run --features a,b`, `K6_FEATURES`), as far as they change what k6's own output sends.
 *
 * @module
 */
import type { GivenValue } from "./given_options.ts";
import { textOptions } from "./text_options.ts";

/** Environment variables by name; undefined for a variable that is not set. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The switch that makes the trends of k6's own output native histograms. */
const nativeHistograms = "native-histograms";

/** k6's older variable for that switch. */
const olderName = "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM";

/**
 * Adds the values that k6's switches mean to those of an environment. As in k6, the older variable only turns native histograms on: its
 * `false` does not turn off the switch.
 */
export function featureValues(values: readonly GivenValue[], env: Environment): readonly GivenValue[] {
  const option = textOptions.find(({ env }) => env.includes(olderName));
  if (option === undefined || !namesOf(env.K6_FEATURES).includes(nativeHistograms)) return values;
  const source = `k6's feature ${nativeHistograms}`;
  return [...values.filter((value) => value.option !== option), { option, value: "native", source }];
}

/**
 * Returns the environment as k6 sees it, for the switches: `--env` wins over the process's variables, and `--features` over all
 * variables, also over the older one.
 *
 * @param args k6's arguments
 */
export function withFeatureArguments(env: Environment, args: readonly string[]): Environment {
  const scripts = valuesOf(args, ["-e", "--env"]).map((pair): [string, string] => {
    const equals = pair.indexOf("=");
    // As in k6, a name alone takes the value of the process's variable.
    return equals < 0 ? [pair, env[pair] ?? ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  const seen = {
    ...env,
    ...Object.fromEntries(scripts.filter(([name]) => name === "K6_FEATURES" || name === olderName)),
  };
  const features = valuesOf(args, ["--features"]);
  if (features.length === 0) return seen;
  return { ...seen, [olderName]: undefined, K6_FEATURES: features.join(",") };
}

function namesOf(features = ""): string[] {
  return features.split(",").map((name) => name.trim());
}

/** Returns the values of a flag of k6, which may be repeated. */
function valuesOf(args: readonly string[], flags: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).flatMap((argument, at) => {
    const flag = flags.find((name) => argument === name || argument.startsWith(`${name}=`));
    if (flag === undefined) return [];
    return argument === flag ? args.slice(at + 1, at + 2) : [argument.slice(flag.length + 1)];
  });
}
