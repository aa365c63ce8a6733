/**
 * Options from environment variables. The names of k6's present output win over the names of the original extension.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { type GivenValue, optionsOf } from "./given_options.ts";
import { featureValues } from "./k6_features.ts";
import { buildOptions, type OptionsFromText, type RawOptions } from "./raw_options.ts";
import type { TextOption } from "./text_option.ts";
import { textOptions } from "./text_options.ts";
import { ownVariables, unknownVariable } from "./unknown_variable.ts";

/** Environment variables by name. An empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The options of an environment. */
interface EnvironmentValues {
  /** The values that are set. */
  readonly values: readonly GivenValue[];
  /** Whether variables of k6's present output are set. */
  readonly hasPresentNames: boolean;
}

/** Begins the variables of k6's present output. */
const presentPrefix = "K6_PROMETHEUS_RW_";

/** The defaults of k6's present output that differ from those of the original extension. */
export const presentDefaults: RawOptions = { insecureSkipTlsVerify: false, keepNameTag: true };

/**
 * Reads options from an environment, such as `process.env` or `Deno.env.toObject()`. An empty variable counts as not set. If k6's
 * present names (`K6_PROMETHEUS_RW_*`) are used, `files.insecureSkipTlsVerify` is false and `keepNameTag` is true by default. As in k6,
 * `K6_FEATURES=native-histograms` makes trends native.
 *
 * @throws ConfigurationError that names the variable, its value (never a secret) and what was expected; also for an unknown variable
 * that begins like this module's variables
 * @example
 * ```ts
 * import { optionsFromEnv } from "k6-remote-write";
 *
 * const { options } = optionsFromEnv({ K6_PROMETHEUS_REMOTE_URL: "http://localhost:9090/api/v1/write" });
 * console.log(options.url);
 * ```
 */
export function optionsFromEnv(env: Readonly<Record<string, string | undefined>>): OptionsFromText {
  return buildOptions(rawOptionsFromEnv(env));
}

/** Reads the raw options of an environment. */
export function rawOptionsFromEnv(env: Environment): RawOptions {
  if (typeof env !== "object" || env === null) {
    throw new ConfigurationError(
      `Cannot read the environment: it is ${
        env === null ? env : `of type ${typeof env}`
      }, expected an object of strings`,
    );
  }
  const { values, hasPresentNames } = readEnvironment(env);
  const options = optionsOf(values);
  return withAwsVariables(hasPresentNames ? { ...presentDefaults, ...options } : options, env);
}

/** Reads the variables of an environment. */
export function readEnvironment(env: Environment): EnvironmentValues {
  const set = Object.keys(env).filter((name) => (env[name] ?? "") !== "");
  const known = new Set<string>();
  const values: GivenValue[] = [];
  for (const option of textOptions) {
    for (const name of option.env) known.add(name);
    const name = option.env.find((candidate) => set.includes(candidate));
    if (name !== undefined) values.push({ option, value: option.parse(env[name] ?? "", name), source: name });
    for (const member of membersOf(option, set)) {
      known.add(member.name);
      const value = option.parse(`${member.key}:${env[member.name] ?? ""}`, member.name);
      values.push({ option, value, source: member.name });
    }
  }
  for (const name of set) if (ownVariables.test(name) && !known.has(name)) throw unknownVariable(name);
  return { values: featureValues(values, env), hasPresentNames: set.some((name) => name.startsWith(presentPrefix)) };
}

/** Adds the region and the credentials of AWS's standard variables if the options ask for signatures and lack these parts. */
export function withAwsVariables(options: RawOptions, env: Environment): RawOptions {
  if (options.sigv4 === undefined) return options;
  const hasCommand = options.credentialsCommand !== undefined;
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION } = env;
  const { accessKeyId, secretAccessKey, sessionToken, credentials } = options.sigv4;
  const region = options.sigv4.region ?? (AWS_REGION || AWS_DEFAULT_REGION || undefined);
  const sigv4 = region === undefined ? options.sigv4 : { ...options.sigv4, region };
  const isGiven = (accessKeyId ?? secretAccessKey ?? sessionToken ?? credentials) !== undefined;
  if (isGiven || hasCommand || region === undefined || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    return { ...options, sigv4 };
  }
  const fromAws = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  };
  return { ...options, sigv4: { ...sigv4, ...fromAws } };
}

/** Finds variables such as `K6_PROMETHEUS_HEADERS_X-Scope`. The variables of the first prefix are last, so that they win. */
function membersOf({ envPrefixes }: TextOption, set: readonly string[]): { name: string; key: string }[] {
  return envPrefixes.toReversed().flatMap((prefix) =>
    set.filter((name) => name.startsWith(prefix)).map((name) => ({ name, key: name.slice(prefix.length) }))
  );
}
