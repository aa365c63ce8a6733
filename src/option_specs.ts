/**
 * Every option that has a name in the environment or on the command line: one table, which both read and which `--help` shows.
 *
 * @module
 */
import { parseDurationMs } from "./duration.ts";
import { ConfigurationError } from "./errors.ts";
import { defaultOptions, type RemoteWriteOutputOptions } from "./options.ts";

/** The options that can be given as text. */
export type TextOption = Exclude<keyof RemoteWriteOutputOptions, "fetch" | "now" | "random" | "sleep" | "onWarning">;

/** One option as text. */
export interface OptionSpec {
  /** Its name in the library. */
  readonly option: TextOption;
  /** Its variables; the first that is set counts. */
  readonly env: readonly string[];
  /** Its flag without the dashes. */
  readonly flag: string;
  /** What stands for the value in `--help`; none for a switch. */
  readonly placeholder?: string;
  /** One sentence. */
  readonly help: string;
  /** The default as the user would write it. */
  readonly default?: string;
  /** Never shown in a message. */
  readonly secret?: boolean;
  /** May be given several times; the values are objects that are merged. Variables are then `<env>_<name>`. */
  readonly named?: boolean;
  /**
   * Reads a value.
   *
   * @param source what to call it in an error: the variable or the flag
   * @throws ConfigurationError
   */
  parse(text: string, source: string): RemoteWriteOutputOptions[TextOption];
}

/** The table, in the order of `--help`. */
export const optionSpecs: readonly OptionSpec[] = [
  {
    option: "url",
    env: ["K6_PROMETHEUS_RW_SERVER_URL", "K6_PROMETHEUS_REMOTE_URL"],
    flag: "url",
    placeholder: "URL",
    help: "The remote-write endpoint.",
    default: defaultOptions.url,
    parse: parseUrl,
  },
  {
    option: "user",
    env: ["K6_PROMETHEUS_RW_USERNAME", "K6_PROMETHEUS_USER"],
    flag: "user",
    placeholder: "NAME",
    help: "User of basic authentication.",
    parse: (text) => text,
  },
  {
    option: "password",
    env: ["K6_PROMETHEUS_RW_PASSWORD", "K6_PROMETHEUS_PASSWORD"],
    flag: "password",
    placeholder: "TEXT",
    help: "Password of basic authentication; safer in the environment.",
    secret: true,
    parse: (text) => text,
  },
  {
    option: "headers",
    env: ["K6_PROMETHEUS_RW_HEADERS", "K6_PROMETHEUS_HEADERS"],
    flag: "header",
    placeholder: "NAME:VALUE",
    help: "A further request header; may be repeated.",
    secret: true,
    named: true,
    parse: parseHeader,
  },
  {
    option: "flushPeriodMs",
    env: ["K6_PROMETHEUS_RW_PUSH_INTERVAL", "K6_PROMETHEUS_FLUSH_PERIOD"],
    flag: "flush-period",
    placeholder: "DURATION",
    help: "How often to send; for recorded files, the length of a window.",
    default: "1s",
    parse: parsePeriod,
  },
  {
    option: "protocol",
    env: ["K6_PROMETHEUS_RW_PROTOCOL"],
    flag: "protocol",
    placeholder: "VERSION",
    help: "Version of the protocol: 1.0, 2.0, or auto, which begins with 2.0 and falls back to 1.0.",
    default: "auto",
    parse: (text, source) => parseChoice(["auto", "1.0", "2.0"], text, source),
  },
  {
    option: "mapping",
    env: ["K6_PROMETHEUS_MAPPING"],
    flag: "mapping",
    placeholder: "NAME",
    help: "How metrics become series: prometheus or raw.",
    default: "prometheus",
    parse: (text, source) => parseChoice(["prometheus", "raw"], text, source),
  },
  {
    option: "insecureSkipTlsVerify",
    env: ["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY", "K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY"],
    flag: "insecure-skip-tls-verify",
    help: "Take any certificate; without a word about it, only a CA file makes the command verify.",
    default: "true",
    parse: parseBoolean,
  },
  {
    option: "caCertFile",
    env: ["K6_CA_CERT_FILE"],
    flag: "ca-cert-file",
    placeholder: "FILE",
    help: "CA certificates (PEM) to trust; certificates are verified then.",
    parse: (text) => text,
  },
  {
    option: "keepTags",
    env: ["K6_KEEP_TAGS"],
    flag: "keep-tags",
    help: "Whether tags become labels.",
    default: "true",
    parse: parseBoolean,
  },
  {
    option: "keepNameTag",
    env: ["K6_KEEP_NAME_TAG"],
    flag: "keep-name-tag",
    help: "Whether the tag name becomes a label.",
    default: "false",
    parse: parseBoolean,
  },
  {
    option: "keepUrlTag",
    env: ["K6_KEEP_URL_TAG"],
    flag: "keep-url-tag",
    help: "Whether the tag url becomes a label.",
    default: "true",
    parse: parseBoolean,
  },
  {
    option: "trendStats",
    env: ["K6_PROMETHEUS_RW_TREND_STATS"],
    flag: "trend-stats",
    placeholder: "LIST",
    help: "What is sent of a trend: avg, min, max, med, count, sum, p(x).",
    default: defaultOptions.trendStats.join(","),
    parse: (text) => text.split(",").map((stat) => stat.trim()),
  },
  {
    option: "staleMarkers",
    env: ["K6_PROMETHEUS_RW_STALE_MARKERS"],
    flag: "stale-markers",
    help: "At the end, say of every series that it ended.",
    default: "false",
    parse: parseBoolean,
  },
];

/** An error that names where a text stood, the text unless it is secret, and what was expected. */
export function unreadable(source: string, text: string | undefined, expected: string): ConfigurationError {
  const shown = text === undefined ? "it is not" : `it is "${text}", expected`;
  return new ConfigurationError(`Cannot read ${source}: ${shown} ${expected}`);
}

/** The forms that k6 (Go's ParseBool) takes. */
function parseBoolean(text: string, source: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw unreadable(source, text, "true or false");
}

function parsePeriod(text: string, source: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 1) {
    throw unreadable(source, text, "a duration of at least 1ms, such as 1s, 500ms or 1m30s");
  }
  return ms;
}

function parseChoice<const Choice extends string>(choices: readonly Choice[], text: string, source: string): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw unreadable(source, text, choices.join(" or "));
  return choice;
}

function parseUrl(text: string, source: string): string {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) {
    // What does not parse may hold a password at a place that nobody can tell.
    throw unreadable(source, undefined, "a URL that begins with http:// or https://");
  }
  return text;
}

/** The first colon ends the name: values may hold further ones. */
function parseHeader(text: string, source: string): Readonly<Record<string, string>> {
  const colon = text.indexOf(":");
  const name = text.slice(0, colon).trim();
  if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw unreadable(source, undefined, "of the form NAME:VALUE");
  }
  return { [name]: text.slice(colon + 1).trim() };
}
