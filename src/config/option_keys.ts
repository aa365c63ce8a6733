/**
 * Finds options by the names that configuration files and arguments give them.
 *
 * @module
 */
import { nearestName } from "../model/nearest_name.ts";
import { ConfigurationError } from "../model/errors.ts";
import type { TextOption } from "./text_option.ts";
import { textOptions } from "./text_options.ts";

const byKey: ReadonlyMap<string, TextOption> = new Map(
  textOptions.flatMap((option) => option.keys.map((key) => [key, option])),
);

/** What a message expects if no known name is near: a list of all names would hide the message. */
export const documentedName = "a name from docs/options.md";

/** Where a key comes from. */
interface KeySource {
  /** What a message says is being read, such as the file's name. */
  readonly where: string;
  /** Whether the key may be the rest of a secret, which messages must not show. @default false */
  readonly mayBeSecret?: boolean;
}

/**
 * Returns the option of a key.
 *
 * @throws ConfigurationError that names the nearest key
 */
export function optionOfKey(key: string, { where, mayBeSecret = false }: KeySource): TextOption {
  const option = byKey.get(key);
  if (option !== undefined) return option;
  const nearest = mayBeSecret ? undefined : nearestName(key, byKey.keys());
  const expected = nearest === undefined ? documentedName : `perhaps "${nearest}"`;
  const shown = mayBeSecret ? "such option" : `option "${key}"`;
  throw new ConfigurationError(`Cannot read ${where}: there is no ${shown}, expected ${expected}`);
}
