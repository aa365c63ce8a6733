/**
 * The options of an output as the command gets them: from all sources, with the files that they name read.
 *
 * @module
 */
import { clientOptionDefinitions } from "../client/client_options.ts";
import { consolidateOptions } from "../config/consolidate_options.ts";
import { type GivenValue, optionsOf } from "../config/given_options.ts";
import { parseString } from "../config/option_parsers.ts";
import { withAwsVariables } from "../config/env.ts";
import { buildOptions, type FileOptions, type RawOptions, splitUrls } from "../config/raw_options.ts";
import { k6TextOptions, sendingTextOptions, textOptions } from "../config/text_options.ts";
import { inEndpoint } from "../k6/output/endpoint_options.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { parseRelabelFile } from "../k6/relabel/relabel_file.ts";
import { ConfigurationError } from "../model/errors.ts";
import { bearerCredentials } from "../send/auth/bearer.ts";
import { parseHttpUrl, redactUrl } from "../send/redact.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { CredentialsCommand } from "./credentials_command.ts";
import { fileProblem } from "./file_problem.ts";
import { type AdviceKind, adviceOnSeries, withFlagAdvice } from "./flag_advice.ts";
import { type ChooseProxy, readProxies } from "./proxy.ts";
import { loggedFetch } from "./request_log.ts";
import { type Environment, environment, isRegularFile, readText, senderName } from "./runtime.ts";
import { checkCertificates, checkPrivateKey, createTlsFetch, type TlsOptions } from "./tls_fetch.ts";

/** The variable for the file of `--config`, a flag that `run` leaves to k6. The library reads no files, so it does not know it. */
const configVariable = "K6_PROMETHEUS_RW_CONFIG";

const configFlag: Flag = {
  flag: "config",
  placeholder: "FILE",
  help:
    "A JSON file of options, with k6's names (url, headers, pushInterval, ...) and the flags' names in camel case. " +
    `The variable ${configVariable} names it, too.`,
  parse: parseString,
};

/** The flags of the options. */
export const outputFlags: readonly Flag[] = [configFlag, ...textOptions];

/** The options about sending that only an output has. Forwarding needs none: requests come at any time, and are never dropped. */
const notForwarded: readonly string[] = ["flushPeriodMs", "overflow", "maxRequestsPerFlush"];

/** `receive` has a flag of its own for the URL to which it forwards. */
const forwardOptions = sendingTextOptions.filter(({ option }) => option !== "url");

/** The flags of the options that forwarding has. */
export const forwardFlags: readonly Flag[] = [
  configFlag,
  ...forwardOptions.map((option) => option.flag === "retry-deadline" ? { ...option, default: "no end" } : option),
];

/** Defaults for live input, which may be idle for long: Prometheus forgets a series after five minutes. */
export const liveOptions = { windows: "wall", heartbeatMs: 60_000 } as const;

/** What options are read from, and what they are for. */
interface ReadOutputOptions {
  /** Called with what the user should know. */
  warn(message: string): void;
  /** Called with a line about each request. Requests are decoded for it. */
  readonly debug?: ((message: string) => void) | undefined;
  /** The argument of k6's `-o output=...`. */
  readonly argument?: string;
  /** Whether that output is k6's present one. @default false */
  readonly isPresentOutput?: boolean;
  /** The environment variables to read options from. @default those of the process */
  readonly env?: Environment;
  /** Whether the options are for forwarding, which does not change series. @default false */
  readonly forwards?: boolean;
  /** Whether nothing is sent, so that no credentials are needed. @default false */
  readonly sendsNothing?: boolean;
  /** Advice that the warnings must not give. @default advice on series if the command forwards */
  readonly uselessAdvice?: readonly AdviceKind[];
}

/** The options of the command. */
export interface CommandOptions {
  /** The options as they were given, from all sources; files are read already. */
  readonly raw: RawOptions;
  /** The options for the library. */
  readonly options: RemoteWriteOutputOptions;
  /** Whether a loss is a failure of the command. */
  readonly failsOnLoss: boolean;
  /** Whether a loss at one of several endpoints is a failure of the command, in their order. */
  readonly failsOnLossAt: readonly boolean[];
  /** The values of the configuration file, the variables and the flags, in this order: of two for one option, the later one counts. */
  readonly values: readonly GivenValue[];
  /** How connections to the first endpoint are made. */
  readonly network: Network;
  /** The same for each of several endpoints, in their order. */
  readonly endpointNetworks: readonly Network[];
}

/** How connections to the endpoint are made. */
export interface Network {
  /** The certificates, and whether to verify. It counts for https URLs. */
  readonly tls: TlsOptions;
  /** Undefined if neither the option nor a variable says anything about proxies. */
  readonly chooseProxy: ChooseProxy | undefined;
}

/**
 * Reads the options: flags win over the argument, the argument over the environment, the environment over the configuration file.
 *
 * @throws ConfigurationError
 */
export function readOutputOptions(
  given: Arguments,
  { warn, debug, env = environment, forwards = false, uselessAdvice = forwards ? adviceOnSeries : [], ...output }:
    ReadOutputOptions,
): CommandOptions {
  const ofFlags = textOptions.filter(({ flag }) => given.values.has(flag)).map((option) => ({
    option,
    value: given.values.get(option.flag),
    source: `--${option.flag}`,
  }));
  const { [configVariable]: pathInEnv = "", ...variables } = env;
  const path = given.values.get(configFlag.flag)?.toString() ?? (pathInEnv === "" ? undefined : pathInEnv);
  const config = path === undefined ? undefined : { text: readFile(path, "configuration"), name: path };
  const useless: string[] = [];
  const ofOthers: GivenValue[] = [];
  const accepts = (value: GivenValue, from: "env" | "config"): boolean => {
    const { option, source } = value;
    if (!forwards || !k6TextOptions.includes(option)) {
      ofOthers.push(value);
      return true;
    }
    if (from === "config" && !notForwarded.includes(option.option)) {
      throw new ConfigurationError(
        `Cannot use ${source}: forwarding does not change series, expected only options about sending`,
      );
    }
    // Variables, and options about sending, may be there for another command.
    useless.push(source);
    return false;
  };
  const { argument, isPresentOutput } = output;
  const flags = optionsOf(ofFlags);
  const consolidated = consolidateOptions({ flags, argument, isPresentOutput, env: variables, config, accepts });
  if (forwards && consolidated.endpoints !== undefined) {
    throw new ConfigurationError("Cannot use endpoints: forwarding has one endpoint, expected --forward URL");
  }
  const readFiles = (given: RawOptions): RawOptions =>
    withFiles(output.sendsNothing === true ? withoutCredentials(given) : given);
  // k6's present names imply a default for the series, too.
  const own = readFiles(forwards ? { ...consolidated, keepNameTag: undefined } : consolidated);
  const raw = {
    ...own,
    endpoints: own.endpoints?.map((endpoint, index) =>
      withAwsVariables(inEndpoint(index, () => readFiles(endpoint)), env)
    ),
  };
  if (useless.length > 0) warn(`Forwarding does not use ${useless.join(", ")}.`);
  const { options, files } = buildOptions(raw);
  const several = splitUrls(raw.url ?? "").length > 1 || raw.endpoints !== undefined;
  if (several && raw.spoolFolder !== undefined) {
    throw new ConfigurationError("Cannot use --spool: it keeps samples for one endpoint, and there are several");
  }
  // A name by which the sender can be found says more than a made-up name.
  const instance = options.instance === "auto" ? senderName() : options.instance;
  const networkOf = (each: FileOptions): Network => ({ tls: readTls(each), chooseProxy: readProxies(each.proxy, env) });
  const isChosen = files.insecureSkipTlsVerify !== undefined;
  const fetchFor = (
    network: Network,
    urls: readonly (string | URL | undefined)[],
  ): typeof globalThis.fetch | undefined => {
    const chosen = fetchOf(network, { urls, isChosen, warn });
    return debug === undefined ? chosen : loggedFetch(chosen ?? globalThis.fetch, debug);
  };
  const network = networkOf(files);
  const fetch = fetchFor(network, [...splitUrls(raw.url ?? ""), raw.oauth2?.tokenUrl]);
  const endpointNetworks = (options.endpoints ?? []).map((_, index) =>
    files.endpoints === undefined ? network : networkOf({ ...files, ...files.endpoints[index] })
  );
  const endpoints = options.endpoints?.map((endpoint, index) => {
    const { [index]: own } = endpointNetworks;
    if (files.endpoints === undefined || own === undefined) return endpoint;
    const ownFetch = fetchFor(own, [endpoint.url, raw.endpoints?.[index]?.oauth2?.tokenUrl]);
    return { ...endpoint, ...ownFetch && { fetch: ownFetch } };
  });
  const onWarning = (message: string): void => warn(withFlagAdvice(message, uselessAdvice));
  return {
    raw,
    options: { ...options, ...fetch && { fetch }, ...endpoints && { endpoints }, instance, onWarning },
    failsOnLoss: files.onLoss !== "warn",
    failsOnLossAt: (endpoints ?? []).map((_, index) => (files.endpoints?.[index]?.onLoss ?? files.onLoss) !== "warn"),
    values: [...ofOthers, ...ofFlags],
    network,
    endpointNetworks,
  };
}

/** Returns the options without those that need a program or a file to get credentials. */
function withoutCredentials(given: RawOptions): RawOptions {
  return { ...given, credentialsCommand: undefined, bearerTokenFile: undefined, sigv4: undefined };
}

/** Reads the files that the library cannot read. */
function withFiles({ bearerTokenFile, credentialsCommand, relabelConfigFile, ...raw }: RawOptions): RawOptions {
  const read: { -readonly [Name in keyof RawOptions]: RawOptions[Name] } = { ...raw };
  if (credentialsCommand !== undefined) {
    Object.assign(read, credentialsOf(credentialsCommand, { ...raw, bearerTokenFile }));
  }
  if (bearerTokenFile !== undefined) {
    if (raw.bearerToken !== undefined) throw twice("bearer-token", "bearer-token-file");
    // It is read now, to report a mistake at the start, and then for each request, because the file is replaced with each token.
    const token = readFile(bearerTokenFile, "token");
    bearerCredentials(token);
    // A pipe can be read only once: a request would wait for its writer.
    read.bearerToken = isRegularFile(bearerTokenFile) ? () => readFile(bearerTokenFile, "token") : () => token;
  }
  if (relabelConfigFile !== undefined) {
    if (raw.relabelConfigs !== undefined) throw twice("relabel-configs", "relabel-config-file");
    read.relabelConfigs = parseRelabelFile(readFile(relabelConfigFile, "relabelling"), relabelConfigFile);
  }
  return read;
}

/** Returns the options that hold the credentials of a command. */
function credentialsOf(text: string, raw: RawOptions): Pick<RawOptions, "bearerToken" | "sigv4"> {
  const { accessKeyId, secretAccessKey, sessionToken } = raw.sigv4 ?? {};
  const others = {
    user: raw.user,
    bearerToken: raw.bearerToken,
    bearerTokenFile: raw.bearerTokenFile,
    oauth2: raw.oauth2,
    sigv4AccessKey: accessKeyId ?? secretAccessKey ?? sessionToken,
  };
  const [other] = Object.entries(others).filter(([, value]) => value !== undefined);
  if (other !== undefined) {
    throw new ConfigurationError(`Cannot use a credentials command: there is ${other[0]} too, expected one of them`);
  }
  const command = new CredentialsCommand(text);
  const signs = raw.sigv4 !== undefined;
  if (command.isAws !== signs) {
    const printed = command.isAws ? "AWS credentials" : "a token";
    const expected = signs
      ? "AWS credentials, because there are options of sigv4"
      : "a token, or --sigv4-region as well";
    throw new ConfigurationError(`Cannot use the credentials command: it printed ${printed}, expected ${expected}`);
  }
  return signs ? { sigv4: { ...raw.sigv4, credentials: command.awsCredentials } } : { bearerToken: command.token };
}

/** Reads the files of the TLS options. @throws ConfigurationError if one cannot be used */
function readTls(
  { caCertFile, clientCertFile, clientKeyFile, tlsMinVersion, insecureSkipTlsVerify }: FileOptions,
): TlsOptions {
  const ca = caCertFile === undefined ? undefined : readCertificates(caCertFile, "CA");
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
    throw new ConfigurationError(
      "Cannot authenticate: there is a client certificate without its key, or a key without its certificate, expected both",
    );
  }
  const cert = clientCertFile === undefined ? undefined : readCertificates(clientCertFile, "client certificate");
  const key = clientKeyFile === undefined ? undefined : readPrivateKey(clientKeyFile, "client key");
  const verify = insecureSkipTlsVerify === undefined ? ca !== undefined : !insecureSkipTlsVerify;
  const minVersion = tlsMinVersion === undefined ? undefined : `TLSv${tlsMinVersion}` as const;
  return { ca, cert, key, verify, minVersion };
}

/** Returns a fetch with proxies and the TLS options, for which the runtimes' own fetch is not enough; undefined if it is not needed. */
function fetchOf(
  { tls, chooseProxy }: Network,
  { urls, isChosen, warn }: {
    readonly urls: readonly (string | URL | undefined)[];
    /** Whether the user chose to verify, or not to. */
    readonly isChosen: boolean;
    warn(message: string): void;
  },
): typeof fetch | undefined {
  const { ca, cert, minVersion, verify } = tls;
  const parsed = urls.flatMap((url) => parseHttpUrl(String(url)) ?? []);
  // A proxy that cannot be used is an error at the start.
  const proxies = parsed.map((url) => chooseProxy?.(url));
  if (![...parsed, ...proxies].some((url) => url?.protocol === "https:")) {
    return chooseProxy === undefined ? undefined : createTlsFetch({}, chooseProxy);
  }
  if (!verify && !isChosen) {
    warn(
      "Any certificate is accepted, as by the original extension. Use --ca-cert-file FILE to verify it with a CA of your own, or " +
        "--no-insecure-skip-tls-verify.",
    );
  }
  if (verify && (ca ?? cert ?? minVersion ?? chooseProxy) === undefined) return undefined;
  return createTlsFetch(tls, chooseProxy);
}

/** Returns the certificates in a file, in PEM form. @throws ConfigurationError if there are none */
export function readCertificates(path: string, what: string): string {
  const pem = readFile(path, what);
  checkCertificates(pem, `the ${what} file "${path}"`);
  return pem;
}

/** Returns the private key in a file, in PEM form. @throws ConfigurationError if there is none */
export function readPrivateKey(path: string, what: string): string {
  const pem = readFile(path, what);
  checkPrivateKey(pem, `the ${what} file "${path}"`);
  return pem;
}

/** Returns the content of a file as a string. @throws ConfigurationError that names the file if it cannot be read */
export function readFile(path: string, what: string): string {
  try {
    return readText(path);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot use the ${what} file "${path}": ${fileProblem(error)}, expected a file that can be read`,
    );
  }
}

function twice(first: string, second: string): ConfigurationError {
  return new ConfigurationError(`Cannot use --${second}: there is --${first} too, expected one of them`);
}

/** Returns the endpoint, or the endpoints, without secrets. */
export function shownEndpoint({ url, endpoints }: RemoteWriteOutputOptions): string {
  const urls = endpoints?.map((endpoint) => endpoint.url) ?? splitUrls(String(url ?? ""));
  const { default: defaultUrl } = clientOptionDefinitions.url;
  return (urls.length === 0 ? [defaultUrl] : urls).map((each) => redactUrl(String(each ?? defaultUrl))).join(", ");
}
