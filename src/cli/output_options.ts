/**
 * The options of an output as the command gets them: from all sources, with the files that they name read.
 *
 * @module
 */
import { parseRelabelFile } from "../k6/relabel/relabel_file.ts";
import { withAuth } from "../config/auth_definitions.ts";
import { consolidateOptions } from "../config/consolidate_options.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { type GivenValue, optionsOf } from "../config/given_options.ts";
import { parseText } from "../config/option_parsers.ts";
import { optionDefinitions } from "../config/option_definitions.ts";
import { sendingDefinitions } from "../config/sending_definitions.ts";
import { defaultOptions, type RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { bearerCredentials } from "../send/auth/bearer.ts";
import { redactUrl } from "../send/redact.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { environment, readText, senderName } from "./runtime.ts";
import { checkCertificates, checkPrivateKey, createTlsFetch } from "./tls_fetch.ts";

const configFlag: Flag = {
  flag: "config",
  placeholder: "FILE",
  help:
    "A JSON file of options, with k6's names (url, headers, pushInterval, ...) and those of the flags in camel case.",
  parse: parseText,
};

/** The flags of the options. */
export const outputFlags: readonly Flag[] = [configFlag, ...optionDefinitions];

/** The target of `receive` is a flag of its own; what it takes comes when it comes, and is never dropped. */
const notForwarded: readonly string[] = ["url", "flush-period", "overflow", "max-requests-per-flush"];

const forwardDefinitions = sendingDefinitions.filter(({ flag }) => !notForwarded.includes(flag));

/** The flags of the options that forwarding has. */
export const forwardFlags: readonly Flag[] = [
  configFlag,
  ...forwardDefinitions.map((spec) => spec.flag === "retry-deadline" ? { ...spec, default: "no end" } : spec),
];

/** Defaults for live input, which may be idle for long: Prometheus forgets a series after five minutes. */
export const liveOptions = { windows: "wall", heartbeatMs: 60_000 } as const;

/** How to read options. */
export interface ReadOutputOptions {
  /** Told of what the user should know. */
  warn(message: string): void;
  /** What k6's `-o output=...` says. */
  readonly argument?: string;
  /** Whether it is for forwarding, which leaves series as they are. @default false */
  readonly forwards?: boolean;
}

/**
 * Reads the options: flags before the argument, that before the environment, that before the configuration file.
 *
 * @throws ConfigurationError
 */
export function readOutputOptions(
  given: Arguments,
  { warn, argument, forwards = false }: ReadOutputOptions,
): RemoteWriteOutputOptions {
  const flags = optionsOf(
    optionDefinitions.filter(({ flag }) => given.values.has(flag)).map((spec) => ({
      spec,
      value: given.values.get(spec.flag),
      source: `--${spec.flag}`,
    })),
  );
  const path = given.values.get(configFlag.flag);
  const config = typeof path === "string" ? { text: readFile(path, "configuration"), name: path } : undefined;
  const useless: string[] = [];
  const accepts = ({ spec, source }: GivenValue, from: "env" | "config"): boolean => {
    if (!forwards || spec.option === "url" || forwardDefinitions.includes(spec)) return true;
    if (from === "config" && !sendingDefinitions.includes(spec)) {
      throw new ConfigurationError(
        `Cannot use ${source}: forwarding changes no series, expected options of sending only`,
      );
    }
    // Variables, and how to send, may be there for another command.
    useless.push(source);
    return false;
  };
  const options = withFiles(withAuth(consolidateOptions({ flags, argument, env: environment, config, accepts })));
  if (useless.length > 0) warn(`Forwarding makes no use of ${useless.join(", ")}.`);
  // A name by which the sender is found again says more than a made-up one.
  const instance = options.instance === "auto" ? senderName() : options.instance;
  return { ...withTls(options, warn), instance, onWarning: warn };
}

/** The library reads no files. */
function withFiles(
  { bearerTokenFile, relabelConfigFile, ...options }: RemoteWriteOutputOptions,
): RemoteWriteOutputOptions {
  const read: { -readonly [Name in keyof RemoteWriteOutputOptions]: RemoteWriteOutputOptions[Name] } = { ...options };
  if (bearerTokenFile !== undefined) {
    if (options.bearerToken !== undefined) throw twice("bearer-token", "bearer-token-file");
    // Once now, to say at the start what is wrong; then for each request, as whoever renews a token replaces the file.
    bearerCredentials(readFile(bearerTokenFile, "token"));
    read.bearerToken = () => readFile(bearerTokenFile, "token");
  }
  if (relabelConfigFile !== undefined) {
    if (options.relabelConfigs !== undefined) throw twice("relabel-configs", "relabel-config-file");
    read.relabelConfigs = parseRelabelFile(readFile(relabelConfigFile, "relabelling"), relabelConfigFile);
  }
  return read;
}

/** Nor does its fetch skip verification or show certificates: the command brings one that does. */
function withTls(
  { caCertFile, clientCertFile, clientKeyFile, tlsMinVersion, insecureSkipTlsVerify, ...options }:
    RemoteWriteOutputOptions,
  warn: (message: string) => void,
): RemoteWriteOutputOptions {
  const ca = caCertFile === undefined ? undefined : readCertificates(caCertFile, "CA");
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
    throw new ConfigurationError(
      "Cannot authenticate: there is a client certificate without its key, or a key without its certificate, expected both",
    );
  }
  const cert = clientCertFile === undefined ? undefined : readCertificates(clientCertFile, "client certificate");
  const key = clientKeyFile === undefined ? undefined : readFile(clientKeyFile, "client key");
  if (key !== undefined) checkPrivateKey(key, `the client key file "${clientKeyFile}"`);
  const urls = [options.url, options.oauth2?.tokenUrl];
  if (!urls.some((url) => /^https:/i.test(String(url ?? "")))) return options;
  const verify = insecureSkipTlsVerify === undefined ? ca !== undefined : !insecureSkipTlsVerify;
  if (!verify && insecureSkipTlsVerify === undefined) {
    warn(
      "Any certificate is taken, as by the original extension. To verify it: --ca-cert-file FILE for a CA of your own, or " +
        "--no-insecure-skip-tls-verify.",
    );
  }
  const minVersion = tlsMinVersion === undefined ? undefined : `TLSv${tlsMinVersion}` as const;
  if (verify && (ca ?? cert ?? minVersion) === undefined) return options;
  return { ...options, fetch: createTlsFetch({ ca, cert, key, verify, minVersion }) };
}

function readCertificates(path: string, what: string): string {
  const pem = readFile(path, what);
  checkCertificates(pem, `the ${what} file "${path}"`);
  return pem;
}

function readFile(path: string, what: string): string {
  try {
    return readText(path);
  } catch (error) {
    const reason = reasonOf(error);
    throw new ConfigurationError(`Cannot use the ${what} file "${path}": ${reason}, expected a file that can be read`);
  }
}

function twice(first: string, second: string): ConfigurationError {
  return new ConfigurationError(`Cannot use --${second}: there is --${first} too, expected one of them`);
}

/** Where samples go, without secrets. */
export function shownEndpoint({ url = defaultOptions.url }: RemoteWriteOutputOptions): string {
  return redactUrl(String(url));
}
