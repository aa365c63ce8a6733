/**
 * Options from environment variables: those of the original extension, and those of k6's present output, which win.
 *
 * @module
 */
import { ConfigurationError } from "./errors.ts";
import { type OptionSpec, optionSpecs } from "./option_specs.ts";
import type { RemoteWriteOutputOptions } from "./options.ts";

/** Variables that belong to this module's families; any other name in them is a mistake. */
const families = /^K6_(PROMETHEUS_|KEEP_|CA_CERT_)/;

/** By this, k6's present output is meant. */
const presentFamily = "K6_PROMETHEUS_RW_";

/**
 * Reads options from an environment, such as `process.env` or `Deno.env.toObject()`. An empty variable counts as not set.
 * Where k6's present names (`K6_PROMETHEUS_RW_*`) are used, certificates are verified unless a variable says otherwise.
 *
 * @throws ConfigurationError that names the variable, its value (never a secret) and what was expected; also for a name of
 * these families that does not exist
 * @example
 * ```ts
 * import { optionsFromEnv } from "k6-remote-write";
 *
 * const options = optionsFromEnv({ K6_PROMETHEUS_REMOTE_URL: "http://localhost:9090/api/v1/write" });
 * console.log(options.url);
 * ```
 */
export function optionsFromEnv(env: Readonly<Record<string, string | undefined>>): RemoteWriteOutputOptions {
  const options: Record<string, unknown> = {};
  const known = new Set<string>();
  for (const spec of optionSpecs) {
    const value = spec.named ? namedValue(spec, env, known) : singleValue(spec, env, known);
    if (value !== undefined) options[spec.option] = value;
  }
  const set = Object.keys(env).filter((name) => (env[name] ?? "") !== "");
  for (const name of set) {
    if (families.test(name) && !known.has(name)) throw unknownVariable(name, known);
  }
  if (set.some((name) => name.startsWith(presentFamily))) options.insecureSkipTlsVerify ??= false;
  return options;
}

function singleValue(
  spec: OptionSpec,
  env: Readonly<Record<string, string | undefined>>,
  known: Set<string>,
): unknown {
  for (const name of spec.env) known.add(name);
  const name = spec.env.find((candidate) => (env[candidate] ?? "") !== "");
  return name === undefined ? undefined : spec.parse(env[name] ?? "", name);
}

/** `K6_PROMETHEUS_HEADERS_X-Scope=a` and its like; the family that is named first wins. */
function namedValue(
  spec: OptionSpec,
  env: Readonly<Record<string, string | undefined>>,
  known: Set<string>,
): unknown {
  let merged: object | undefined;
  for (const prefix of spec.env.toReversed()) {
    for (const [name, value] of Object.entries(env)) {
      if (!name.startsWith(`${prefix}_`) || value === undefined || value === "") continue;
      known.add(name);
      merged = { ...merged, ...Object(spec.parse(`${name.slice(prefix.length + 1)}:${value}`, name)) };
    }
  }
  return merged;
}

function unknownVariable(name: string, known: ReadonlySet<string>): ConfigurationError {
  const names = [...known].filter((candidate) => families.test(candidate)).sort().join(", ");
  return new ConfigurationError(`Cannot read the environment: there is no variable ${name}, expected one of ${names}`);
}
