/**
 * Every option that can be given as text: one table for the environment, the command line, which shows it as `--help`,
 * configuration files and k6's argument.
 *
 * @module
 */
import type { OptionDefinition } from "./option_definition.ts";
import { sendingDefinitions } from "./sending_definitions.ts";
import { seriesDefinitions } from "./series_definitions.ts";

/** The table, in the order of `--help`. */
export const optionDefinitions: readonly OptionDefinition[] = [...sendingDefinitions, ...seriesDefinitions];
