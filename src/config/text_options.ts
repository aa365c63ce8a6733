/**
 * All options that can be given as strings: the defined options, and options that exist only as strings. The latter name a file, or
 * are parts or other forms of a defined option.
 *
 * @module
 */
import { clientOptionDefinitions } from "../client/client_options.ts";
import { queueOptionDefinitions } from "../client/queue_options.ts";
import { k6OptionDefinitions } from "../k6/output/output_options.ts";
import {
  choiceOf,
  parseBoolean,
  parseHeader,
  parseJsonList,
  parseList,
  parseNumber,
  parsePairs,
  parseProxy,
  parseString,
  parseUrl,
} from "./option_parsers.ts";
import { clientOptionTexts, k6OptionTexts, type OptionGroup, queueOptionTexts } from "./option_texts.ts";
import { type TextOption, textOption, type TextOptionEntry, textOptionsOf } from "./text_option.ts";

/** An entry of a list whose entries have the same group. */
type Ungrouped = Omit<TextOptionEntry, "group">;

function inGroup(group: OptionGroup, entries: readonly Ungrouped[]): TextOption[] {
  return entries.map((entry) => textOption({ group, ...entry }));
}

/** The programs of the clouds that print a token for sending to their Prometheus service. (Azure's queries need another resource.) */
const tokenCommands = {
  azure: "az account get-access-token --resource https://monitor.azure.com --output json",
  google: "gcloud config config-helper --format json",
} as const;

const authentication: readonly Ungrouped[] = [
  {
    option: "credentialsCommand",
    flag: "credentials-command",
    placeholder: "COMMAND",
    help:
      "A shell command that prints a token, or credentials as JSON (aws, az, gcloud, kubectl). It is repeated in time.",
    secret: true,
    parse: parseString,
  },
  {
    option: "credentialsCommand",
    flag: "azure",
    help: "Get a token for sending to Azure Monitor from az, as with --credentials-command.",
    default: "false",
    parse: (text, source) => parseBoolean(text, source) ? tokenCommands.azure : undefined,
  },
  {
    option: "credentialsCommand",
    flag: "google",
    help: "Get a token for Google Cloud from gcloud, as with --credentials-command.",
    default: "false",
    parse: (text, source) => parseBoolean(text, source) ? tokenCommands.google : undefined,
  },
  {
    option: "bearerTokenFile",
    flag: "bearer-token-file",
    placeholder: "FILE",
    help: "A file with the bearer token. It is read for each request.",
    parse: parseString,
  },
  {
    option: "oauth2",
    flag: "oauth2-token-url",
    placeholder: "URL",
    help: "The token endpoint of OAuth 2.0 client credentials.",
    secret: true,
    parse: (text, source) => ({ tokenUrl: parseUrl(text, source) }),
  },
  {
    option: "oauth2",
    flag: "oauth2-client-id",
    placeholder: "ID",
    help: "The client ID for the token endpoint.",
    parse: (clientId) => ({ clientId }),
  },
  {
    option: "oauth2",
    flag: "oauth2-client-secret",
    placeholder: "TEXT",
    help: "The client secret. Prefer the environment for secrets.",
    secret: true,
    parse: (clientSecret) => ({ clientSecret }),
  },
  {
    option: "oauth2",
    flag: "oauth2-scopes",
    placeholder: "LIST",
    help: "The scopes of the token.",
    list: true,
    parse: (text, source) => ({ scopes: parseList(text, source) }),
  },
  {
    option: "oauth2",
    flag: "oauth2-endpoint-params",
    placeholder: "NAME=VALUE,...",
    help: "Additional parameters of the token request, such as audience.",
    secret: true,
    list: true,
    record: true,
    parse: (text, source) => ({ endpointParams: parsePairs(text, source) }),
  },
  {
    option: "sigv4",
    keys: ["sigV4Region"],
    flag: "sigv4-region",
    placeholder: "REGION",
    help: "The AWS region. Without keys, the credentials come from AWS_ACCESS_KEY_ID and related variables.",
    parse: (region) => ({ region }),
  },
  {
    option: "sigv4",
    keys: ["sigV4AccessKey"],
    flag: "sigv4-access-key",
    placeholder: "ID",
    help: "The AWS access key.",
    parse: (accessKeyId) => ({ accessKeyId }),
  },
  {
    option: "sigv4",
    keys: ["sigV4SecretKey"],
    flag: "sigv4-secret-key",
    placeholder: "TEXT",
    help: "The AWS secret key. Prefer the environment for secrets.",
    secret: true,
    parse: (secretAccessKey) => ({ secretAccessKey }),
  },
  {
    option: "sigv4",
    keys: ["sigV4SessionToken"],
    flag: "sigv4-session-token",
    placeholder: "TEXT",
    help: "The AWS session token, for temporary credentials.",
    secret: true,
    parse: (sessionToken) => ({ sessionToken }),
  },
  {
    option: "sigv4",
    keys: ["sigV4Service"],
    flag: "sigv4-service",
    placeholder: "NAME",
    help: "The service name in the signature.",
    default: "aps",
    parse: (service) => ({ service }),
  },
];

const header: TextOptionEntry = {
  group: "endpoint",
  option: "headers",
  env: [],
  envPrefixes: ["K6_PROMETHEUS_RW_HEADERS_", "K6_PROMETHEUS_HEADERS_"],
  flag: "header",
  placeholder: "NAME:VALUE",
  help: "An additional request header. Repeatable.",
  secret: true,
  named: true,
  parse: parseHeader,
};

const proxy: TextOptionEntry = {
  group: "endpoint",
  option: "proxy",
  flag: "proxy",
  placeholder: "URL",
  help: "The HTTP proxy for all requests, or none. By default, HTTP_PROXY, HTTPS_PROXY and NO_PROXY choose it.",
  secret: true,
  parse: parseProxy,
};

const tls: readonly Ungrouped[] = [
  {
    option: "insecureSkipTlsVerify",
    env: ["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY", "K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY"],
    keys: ["insecureSkipTLSVerify"],
    flag: "insecure-skip-tls-verify",
    help: "Accept any certificate. A CA file or one of k6's present names changes the default to false.",
    default: "true",
    parse: parseBoolean,
  },
  {
    option: "caCertFile",
    env: ["K6_CA_CERT_FILE"],
    flag: "ca-cert-file",
    placeholder: "FILE",
    help: "The CA certificates to trust (PEM). With this option, certificates are verified.",
    parse: parseString,
  },
  {
    option: "clientCertFile",
    env: ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE"],
    keys: ["clientCertificate"],
    flag: "client-cert-file",
    placeholder: "FILE",
    help: "The client's certificate (PEM).",
    parse: parseString,
  },
  {
    option: "clientKeyFile",
    env: ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY"],
    keys: ["clientCertificateKey"],
    flag: "client-key-file",
    placeholder: "FILE",
    help: "The private key of the client's certificate (PEM).",
    parse: parseString,
  },
  {
    option: "tlsMinVersion",
    env: ["K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION", "K6_PROMETHEUS_RW_TLS_MIN_VERSION"],
    flag: "tls-min-version",
    placeholder: "VERSION",
    help: "The lowest TLS version: 1.2 or 1.3.",
    default: "1.2",
    choices: ["1.2", "1.3"],
    parse: choiceOf("1.2", "1.3"),
  },
];

const series: readonly TextOptionEntry[] = [
  {
    option: "trendAs",
    group: "series",
    flag: "trend-as-native-histogram",
    help: "k6's name for --trend-as native.",
    default: "false",
    parse: (text, source) => parseBoolean(text, source) ? "native" : "stats",
  },
  {
    option: "relabelConfigFile",
    group: "labels",
    flag: "relabel-config-file",
    placeholder: "FILE",
    help: "A JSON file of relabelling rules, as Prometheus's write_relabel_configs.",
    parse: parseString,
  },
  {
    option: "relabelConfigs",
    group: "labels",
    flag: "relabel-configs",
    placeholder: "JSON",
    help: "The relabelling rules as a JSON list.",
    list: true,
    parse: parseJsonList,
  },
];

const onLoss: TextOptionEntry = {
  group: "delivery",
  option: "onLoss",
  flag: "on-loss",
  placeholder: "POLICY",
  help: "If something was lost: fail (exit code 1), or warn (the exit code stays as it is).",
  default: "fail",
  choices: ["fail", "warn"],
  parse: choiceOf("fail", "warn"),
};

const spool: readonly Ungrouped[] = [
  {
    option: "spoolFolder",
    flag: "spool",
    placeholder: "DIR",
    help: "Keep waiting samples of a live run or of forwarding in this folder; the next start sends what was left.",
    parse: parseString,
  },
  {
    option: "spoolBytes",
    flag: "spool-bytes",
    placeholder: "BYTES",
    help: "The most that --spool may hold. When it is full, the oldest values are left out.",
    default: "1073741824",
    parse: parseNumber,
  },
];

const client = textOptionsOf(clientOptionDefinitions, clientOptionTexts);
const isCredential = ({ option }: TextOption): boolean => ["user", "password", "bearerToken"].includes(option);
const isUrl = ({ option }: TextOption): boolean => option === "url";

/** The options about sending, in the order of the help: endpoint, authentication, requests, proxy, TLS, queue. */
export const sendingTextOptions: readonly TextOption[] = [
  ...client.filter(isUrl),
  ...client.filter(isCredential),
  ...inGroup("authentication", authentication),
  textOption(header),
  ...client.filter((option) => !isUrl(option) && !isCredential(option)),
  textOption(proxy),
  ...inGroup("endpoint", tls),
  ...textOptionsOf(queueOptionDefinitions, queueOptionTexts),
  ...inGroup("delivery", spool),
  textOption(onLoss),
];

/** The options about k6's metrics, in the order of the help. */
export const k6TextOptions: readonly TextOption[] = [
  ...textOptionsOf(k6OptionDefinitions, k6OptionTexts),
  ...series.map(textOption),
];

/** All options that can be given as strings, in the order of the help. */
export const textOptions: readonly TextOption[] = [...sendingTextOptions, ...k6TextOptions];
