/**
 * Options by the names that k6's configuration files and arguments have for them.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { nearestName } from "../client/nearest_name.ts";
import type { OptionDefinition } from "./option_definition.ts";
import { optionDefinitions } from "./option_definitions.ts";

const byKey: ReadonlyMap<string, OptionDefinition> = new Map(
  optionDefinitions.flatMap((spec) => spec.keys.map((key) => [key, spec])),
);

/** How to speak of a key that does not exist. */
export interface KeySource {
  /** What is read. */
  readonly where: string;
  /** Whether the key may be the rest of a secret. @default false */
  readonly mayBeSecret?: boolean;
}

/**
 * The option of a key.
 *
 * @throws ConfigurationError that names the nearest key
 */
export function definitionOfKey(key: string, { where, mayBeSecret = false }: KeySource): OptionDefinition {
  const spec = byKey.get(key);
  if (spec !== undefined) return spec;
  const nearest = mayBeSecret ? undefined : nearestName(key, byKey.keys());
  const expected = nearest === undefined ? "one of those that the table of options names" : `perhaps "${nearest}"`;
  const shown = mayBeSecret ? "such option" : `option "${key}"`;
  throw new ConfigurationError(`Cannot read ${where}: there is no ${shown}, expected ${expected}`);
}
