/**
 * Turns options that were read from strings into the library's options, for which it imports all features.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { oauth2, type OAuth2Options } from "../send/auth/oauth2.ts";
import { sigV4, type SigV4Options } from "../send/auth/sigv4.ts";
import { legacyMapping } from "../k6/mapping/legacy.ts";
import type { Threshold } from "../k6/metric.ts";
import { inEndpoint } from "../k6/output/endpoint_options.ts";
import { k6OptionDefinitions, type RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import type { RelabelConfig } from "../k6/relabel/relabel_config.ts";
import { relabelRules } from "../k6/relabel/relabel_rules.ts";
import { runInfo } from "../k6/run_metrics/run_info.ts";
import { thresholds } from "../k6/run_metrics/thresholds.ts";
import type { Tags } from "../k6/sample.ts";

/** Options for the program: the library reads no files, has no TLS of its own and no exit code. The command implements them. */
export interface FileOptions {
  /** The proxy for all requests, or `none`. A program passes a `fetch` that uses it. */
  readonly proxy?: string | undefined;
  /** A file of CA certificates (PEM). A program passes a `fetch` that trusts them. */
  readonly caCertFile?: string | undefined;
  /** A file with the client's certificate (PEM). A program passes a `fetch` that presents it. */
  readonly clientCertFile?: string | undefined;
  /** A file with the private key of that certificate (PEM). */
  readonly clientKeyFile?: string | undefined;
  /** The lowest TLS version. A program passes a `fetch` that requires it. */
  readonly tlsMinVersion?: "1.2" | "1.3" | undefined;
  /** Whether any certificate is accepted. A program passes a `fetch` that does so. */
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** A file with a bearer token. A program passes a function as `bearerToken`. */
  readonly bearerTokenFile?: string | undefined;
  /** A shell command that prints credentials. A program passes a function as `bearerToken`, or to `sigV4`. */
  readonly credentialsCommand?: string | undefined;
  /** A file of relabelling rules. A program passes `relabel`. */
  readonly relabelConfigFile?: string | undefined;
  /** Whether samples that were not delivered make the program fail, or are only a warning. */
  readonly onLoss?: "fail" | "warn" | undefined;
  /** A folder for the samples that wait. A program passes `spool`. */
  readonly spoolFolder?: string | undefined;
  /** How much the folder may hold, in bytes. */
  readonly spoolBytes?: number | undefined;
  /** The same options of each of several endpoints, in their order. */
  readonly endpoints?: readonly Omit<FileOptions, "endpoints">[] | undefined;
}

/** Options that were read from strings. */
export interface OptionsFromText {
  /** The options that `RemoteWriteOutput` accepts. */
  readonly options: RemoteWriteOutputOptions;
  /** The options that name files or a folder, those of TLS, `proxy`, and `onLoss`. */
  readonly files: FileOptions;
}

/** Options that were read from strings. Features are still descriptions, so that the options of several sources can be merged. */
export interface RawOptions
  extends
    Omit<FileOptions, "endpoints">,
    Omit<RemoteWriteOutputOptions, "auth" | "endpoints" | "mapping" | "relabel" | "thresholds" | "runInfo" | "url"> {
  /** One URL, or several URLs with blanks between them, which have the same credentials. */
  readonly url?: string | undefined;
  /** Several endpoints with options of their own. */
  readonly endpoints?: readonly RawEndpoint[] | undefined;
  readonly mapping?: "prometheus" | "raw" | "legacy" | undefined;
  readonly oauth2?: Partial<OAuth2Options> | undefined;
  readonly sigv4?: Partial<SigV4Options> | undefined;
  readonly relabelConfigs?: readonly RelabelConfig[] | undefined;
  readonly thresholds?: boolean | Readonly<Record<string, readonly Threshold[]>> | undefined;
  readonly runInfo?: boolean | Tags | undefined;
}

/** The options of one of several endpoints. */
export interface RawEndpoint extends Omit<RawOptions, "endpoints"> {
  /** The name in reports and messages. */
  readonly name?: string | undefined;
}

/** Returns the URLs of a string with blanks between them. */
export function splitUrls(urls: string): string[] {
  return urls.split(/\s+/).filter((url) => url !== "");
}

/**
 * Turns raw options into the library's options.
 *
 * @throws ConfigurationError for a description that cannot be used, and for two ways to authenticate
 */
export function buildOptions({ endpoints, ...raw }: RawOptions): OptionsFromText {
  const urls = splitUrls(raw.url ?? "");
  if (endpoints === undefined && urls.length < 2) return buildSingle(raw);
  if (endpoints === undefined) {
    const { options: built, files } = buildSingle({ ...raw, url: undefined });
    const { user, password, bearerToken, auth, headers, ...options } = built;
    const common = defined({ user, password, bearerToken, auth, headers });
    return { options: { ...options, endpoints: urls.map((url) => ({ url, ...common })) }, files };
  }
  if (urls.length > 0) {
    throw new ConfigurationError(
      "Cannot use the option endpoints: there is url too (also as a flag or a variable), expected one of them",
    );
  }
  const { options, files } = buildSingle(raw);
  const built = endpoints.map(({ name, ...endpoint }, index) => ({
    name,
    ...inEndpoint(index, () => buildSingle(endpoint)),
  }));
  return {
    options: { ...options, endpoints: built.map(({ name, options }) => defined({ name, ...options })) },
    files: { ...files, endpoints: built.map(({ files }) => files) },
  };
}

function buildSingle(raw: Omit<RawOptions, "endpoints">): OptionsFromText {
  const { oauth2: tokens, sigv4, relabelConfigs, thresholds: groups, runInfo: labels, mapping, ...plain } = raw;
  const { caCertFile, clientCertFile, clientKeyFile, tlsMinVersion, insecureSkipTlsVerify, ...withoutTls } = plain;
  const { proxy, bearerTokenFile, credentialsCommand, ...withoutSources } = withoutTls;
  const { relabelConfigFile, onLoss, spoolFolder, spoolBytes, ...options } = withoutSources;
  const isSigned = sigv4 !== undefined && Object.values(sigv4).some((part) => part !== undefined);
  const { user, bearerToken } = options;
  const methods = Object.entries({ user, bearerToken, oauth2: tokens, sigv4: isSigned || undefined })
    .flatMap(([name, value]) => value === undefined ? [] : [name]);
  if (methods.length > 1) {
    throw new ConfigurationError(
      `Cannot authenticate: the options contain ${methods.join(" and ")}, expected only one of them`,
    );
  }
  return {
    options: defined({
      ...mapping === "legacy" ? withLegacyMapping(options) : { ...options, mapping },
      auth: tokens === undefined ? isSigned ? sigV4(sigv4) : undefined : oauth2({ ...noTokens, ...tokens }),
      relabel: relabelConfigs === undefined || relabelConfigs.length === 0 ? undefined : relabelRules(relabelConfigs),
      thresholds: ifWanted(groups, thresholds),
      runInfo: ifWanted(labels, runInfo),
    }),
    files: defined({
      ...{ caCertFile, clientCertFile, clientKeyFile, tlsMinVersion, insecureSkipTlsVerify },
      ...{ proxy, bearerTokenFile, credentialsCommand, relabelConfigFile, onLoss, spoolFolder, spoolBytes },
    }),
  };
}

/** Parts that are not given are empty, so that the error names them. */
const noTokens: OAuth2Options = { tokenUrl: "", clientId: "", clientSecret: "" };

/** Passes the options that the legacy mapping reads to the mapping. */
function withLegacyMapping({ maxExactValues, ...options }: RemoteWriteOutputOptions): RemoteWriteOutputOptions {
  const { prefix = k6OptionDefinitions.prefix.default } = options;
  return { ...options, mapping: legacyMapping({ prefix, maxExactValues }) };
}

/** Makes a feature from its description, which may also be true or false. */
function ifWanted<Description, Value>(
  wanted: Description | boolean | undefined,
  make: (description?: Description) => Value,
): Value | undefined {
  if (wanted === undefined || wanted === false) return undefined;
  return wanted === true ? make() : make(wanted);
}

/** Returns the options that are not undefined. */
function defined<Options extends object>(options: Options): Options;
function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
