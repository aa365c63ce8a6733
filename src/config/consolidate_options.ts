/**
 * Options from all sources, in the order of precedence.
 *
 * @module
 */
import { readArgument } from "./argument.ts";
import { readConfig } from "./config_file.ts";
import { type Environment, readEnvironment, withAwsVariables } from "./env.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { mergeOptions } from "./merge_options.ts";
import type { DescribedOptions } from "./import_features.ts";

/** Where options come from. */
export interface OptionSources {
  /** From the command line; win over all else. */
  readonly flags?: DescribedOptions;
  /** k6's argument. */
  readonly argument?: string;
  /** Variables. */
  readonly env?: Environment;
  /** The text of a configuration file, and its name for errors. */
  readonly config?: { readonly text: string; readonly name: string };
  /** Whether a value counts; may throw instead. @default all do */
  readonly accepts?: (value: GivenValue, from: "env" | "config") => boolean;
}

/**
 * Flags come before the argument, that before variables, those before the file. Where k6's names are used (in the argument, in
 * the file, in variables `K6_PROMETHEUS_RW_*`), their meaning is k6's: certificates are verified unless something says otherwise.
 *
 * @throws ConfigurationError
 */
export function consolidateOptions(
  { flags = {}, argument, env = {}, config, accepts = () => true }: OptionSources,
): DescribedOptions {
  const { values, hasPresentNames } = readEnvironment(env);
  const isPresent = hasPresentNames || argument !== undefined || config !== undefined;
  const fromConfig = config === undefined ? [] : readConfig(config.text, config.name);
  const layers = [
    isPresent ? { insecureSkipTlsVerify: false } : {},
    optionsOf(fromConfig.filter((value) => accepts(value, "config"))),
    optionsOf(values.filter((value) => accepts(value, "env"))),
    argument === undefined ? {} : optionsOf(readArgument(argument)),
    flags,
  ];
  return withAwsVariables(layers.reduce(mergeOptions), env);
}
