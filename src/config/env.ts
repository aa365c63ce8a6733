/**
 * Options from environment variables: those of the original extension, and those of k6's present output, which win.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { nearestName } from "../client/nearest_name.ts";
import type { OptionDefinition } from "./option_definition.ts";
import { optionDefinitions } from "./option_definitions.ts";
import { type DescribedOptions, importFeatures } from "./import_features.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What an environment says. */
export interface EnvironmentValues {
  /** What is set, and nothing more. */
  readonly values: readonly GivenValue[];
  /** Whether names of k6's present output are among the variables. */
  readonly hasPresentNames: boolean;
}

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
export function optionsFromEnv(env: Environment): RemoteWriteOutputOptions {
  const { values, hasPresentNames } = readEnvironment(env);
  const options = optionsOf(values);
  return importFeatures(
    withAwsVariables(hasPresentNames ? { insecureSkipTlsVerify: false, ...options } : options, env),
  );
}

/** What the variables of an environment say, without what follows from it. */
export function readEnvironment(env: Environment): EnvironmentValues {
  const set = Object.keys(env).filter((name) => (env[name] ?? "") !== "");
  const known = new Set<string>();
  const values: GivenValue[] = [];
  for (const spec of optionDefinitions) {
    for (const name of spec.env) known.add(name);
    const name = spec.env.find((candidate) => set.includes(candidate));
    if (name !== undefined) values.push({ spec, value: spec.parse(env[name] ?? "", name), source: name });
    for (const member of membersOf(spec, set)) {
      known.add(member.name);
      const value = spec.parse(`${member.key}:${env[member.name] ?? ""}`, member.name);
      values.push({ spec, value, source: member.name });
    }
  }
  for (const name of set) if (families.test(name) && !known.has(name)) throw unknownVariable(name, known);
  return { values, hasPresentNames: set.some((name) => name.startsWith(presentFamily)) };
}

/** The standard variables of AWS, where signatures are asked for and nothing says for which region, or with which credentials. */
export function withAwsVariables(options: DescribedOptions, env: Environment): DescribedOptions {
  if (options.sigv4 === undefined) return options;
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION } = env;
  const { accessKeyId, secretAccessKey, sessionToken, credentials } = options.sigv4;
  const region = options.sigv4.region ?? (AWS_REGION || AWS_DEFAULT_REGION || undefined);
  const sigv4 = region === undefined ? options.sigv4 : { ...options.sigv4, region };
  const isGiven = (accessKeyId ?? secretAccessKey ?? sessionToken ?? credentials) !== undefined;
  if (isGiven || region === undefined || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return { ...options, sigv4 };
  const fromAws = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  };
  return { ...options, sigv4: { ...sigv4, ...fromAws } };
}

/** `K6_PROMETHEUS_HEADERS_X-Scope` and its like; of two families, that which comes first is read last and wins. */
function membersOf({ envPrefixes }: OptionDefinition, set: readonly string[]): { name: string; key: string }[] {
  return envPrefixes.toReversed().flatMap((prefix) =>
    set.filter((name) => name.startsWith(prefix)).map((name) => ({ name, key: name.slice(prefix.length) }))
  );
}

function unknownVariable(name: string, known: ReadonlySet<string>): ConfigurationError {
  const nearest = nearestName(name, [...known].filter((candidate) => families.test(candidate)));
  const expected = nearest === undefined ? "one of those that the table of options names" : `perhaps ${nearest}`;
  return new ConfigurationError(`Cannot read the environment: there is no variable ${name}, expected ${expected}`);
}
