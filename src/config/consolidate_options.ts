/**
 * Merges the options of all sources, in the order of precedence.
 *
 * @module
 */
import { readArgument } from "./argument.ts";
import { readConfig } from "./config_file.ts";
import { type Environment, presentDefaults, readEnvironment, withAwsVariables } from "./env.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { mergeOptions } from "./merge_options.ts";
import type { RawOptions } from "./raw_options.ts";

/** The sources of options. A source that is missing sets no option. */
export interface OptionSources {
  /** The flags of the command line. */
  readonly flags?: RawOptions;
  /** The part of k6's `-o output=...` after the equals sign. */
  readonly argument?: string;
  /** Whether the argument is that of k6's present output, `experimental-prometheus-rw`. @default false */
  readonly isPresentOutput?: boolean;
  /** The environment variables by name. Unknown ones that begin like this module's are an error. */
  readonly env?: Environment;
  /** The content of a configuration file, and the file's name for errors. */
  readonly config?: { readonly text: string; readonly name: string };
  /** Reports whether to use a value, or throws. @default uses every value */
  readonly accepts?: (value: GivenValue, from: "env" | "config") => boolean;
}

/**
 * Merges sources: flags win over the argument, the argument over variables, variables over the file. As in k6, certificates are
 * verified by default if k6's present names are used: an argument, a file or variables `K6_PROMETHEUS_RW_*`. With these variables or
 * k6's present output, the tag `name` becomes a label by default.
 *
 * @throws ConfigurationError
 */
export function consolidateOptions(
  { flags = {}, argument, isPresentOutput = false, env = {}, config, accepts = () => true }: OptionSources,
): RawOptions {
  const { values, hasPresentNames } = readEnvironment(env);
  const isPresent = hasPresentNames || isPresentOutput;
  const verifies = isPresent || argument !== undefined || config !== undefined;
  const fromConfig = config === undefined ? [] : readConfig(config.text, config.name);
  const layers: readonly RawOptions[] = [
    isPresent ? presentDefaults : verifies ? { insecureSkipTlsVerify: false } : {},
    optionsOf(fromConfig.filter((value) => accepts(value, "config"))),
    optionsOf(values.filter((value) => accepts(value, "env"))),
    argument === undefined ? {} : readArgument(argument),
    flags,
  ];
  return withAwsVariables(layers.reduce((below, above) => mergeOptions(below, above)), env);
}
