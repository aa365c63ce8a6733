/**
 * Every option that can be given as text: one table for the environment, the command line, which shows it as `--help`,
 * configuration files and k6's argument.
 *
 * @module
 */
import type { OptionSpec } from "./option_spec.ts";
import { sendingSpecs } from "./sending_specs.ts";
import { seriesSpecs } from "./series_specs.ts";

/** The table, in the order of `--help`. */
export const optionSpecs: readonly OptionSpec[] = [...sendingSpecs, ...seriesSpecs];
