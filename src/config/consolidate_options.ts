/**
 * Merges the options of all sources, in the order of precedence.
 *
 * @module
 */
import { readArgument } from "./argument.ts";
import { readConfig } from "./config_file.ts";
import { type Environment, readEnvironment, withAwsVariables } from "./env.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { mergeOptions } from "./merge_options.ts";
import type { RawOptions } from "./raw_options.ts";

/** Where options come from. */
export interface OptionSources {
  /** The command line. It wins over all other sources. */
  readonly flags?: RawOptions;
  /** k6's argument. */
  readonly argument?: string;
  /** The variables. */
  readonly env?: Environment;
  /** The text of a configuration file, and its name for errors. */
  readonly config?: { readonly text: string; readonly name: string };
  /** Reports whether a value counts; may throw instead. @default every value counts */
  readonly accepts?: (value: GivenValue, from: "env" | "config") => boolean;
}

/**
 * Merges sources: flags win over the argument, the argument over variables, variables over the file. If k6's present names are used
 * (in the argument, in the file, in variables `K6_PROMETHEUS_RW_*`), certificates are verified unless a source says otherwise, as
 * in k6.
 *
 * @throws ConfigurationError
 */
export function consolidateOptions(
  { flags = {}, argument, env = {}, config, accepts = () => true }: OptionSources,
): RawOptions {
  const { values, hasPresentNames } = readEnvironment(env);
  const isPresent = hasPresentNames || argument !== undefined || config !== undefined;
  const fromConfig = config === undefined ? [] : readConfig(config.text, config.name);
  const layers: readonly RawOptions[] = [
    isPresent ? { insecureSkipTlsVerify: false } : {},
    optionsOf(fromConfig.filter((value) => accepts(value, "config"))),
    optionsOf(values.filter((value) => accepts(value, "env"))),
    argument === undefined ? {} : readArgument(argument),
    flags,
  ];
  return withAwsVariables(layers.reduce((below, above) => mergeOptions(below, above)), env);
}
