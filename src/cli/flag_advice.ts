/**
 * Adds to the library's messages what the user of the command can do. The library reports causes: a status, a code, the words of the
 * receiver or of the runtime. This file knows which flag helps against a cause.
 *
 * Nothing but advice depends on such words: a sender must not interpret them.
 *
 * @module
 */

/** The problems that have advice. */
export type AdviceKind =
  | "proxyCredentials"
  | "proxy"
  | "clientCertificate"
  | "otherHost"
  | "expired"
  | "untrusted"
  | "tlsVersion"
  | "noTls"
  | "port"
  | "timeout"
  | "https"
  | "tooOld"
  | "outOfOrder"
  | "nativeHistograms"
  | "labelLimit"
  | "credentials"
  | "path"
  | "host"
  | "slow";

/** The library's words before the message of fetch, if no retry can help. */
const cannotConnect = "cannot send to this endpoint: .*?";
/** The library's words before the words of a receiver that refuses samples. */
const notDelivered = "^Not delivered: .*?";
const refusesAll = "^The endpoint refuses all requests \\(";
const trust = "To trust it, use --ca-cert-file FILE or --insecure-skip-tls-verify.";

/** Messages with the advice on each. The first that fits counts. */
const table: readonly (readonly [kind: AdviceKind, beginning: string, words: RegExp, advice: string])[] = [
  [
    "proxyCredentials",
    "\\bthe proxy \\S+ ",
    /(?:requires a|rejects the) user name and password/,
    "They belong into the proxy's URL, in --proxy or the variables: http://user:password@host:3128.",
  ],
  [
    "proxy",
    "\\bthe proxy \\S+",
    / (?:refuses to connect|cannot connect)|: /,
    "To use another proxy or none, use --proxy.",
  ],
  // Codes of Node and Bun, and messages of Deno and Node.
  [
    "clientCertificate",
    cannotConnect,
    /ALERT_(?:UNKNOWN_CA|BAD_CERT|CERT)|alert certificate|fatal alert: (?:UnknownCA|BadCert|Cert)/,
    "The endpoint requires another client certificate. To present one, use --client-cert-file and --client-key-file.",
  ],
  [
    "otherHost",
    cannotConnect,
    /ALTNAME_INVALID|not valid for name/,
    `The endpoint's certificate is for another host. ${trust}`,
  ],
  [
    "expired",
    cannotConnect,
    /CERT_HAS_EXPIRED|certificate: Expired/,
    `The endpoint's certificate has expired. ${trust}`,
  ],
  [
    "untrusted",
    cannotConnect,
    /SELF_SIGNED|UNABLE_TO_|\bCERT_|invalid peer certificate/,
    `No trusted CA signed the endpoint's certificate. ${trust}`,
  ],
  [
    "tlsVersion",
    cannotConnect,
    /alert.protocol.version|fatal alert: ProtocolVersion/i,
    "The endpoint does not support this TLS version. To allow another one, use --tls-min-version.",
  ],
  [
    "noTls",
    cannotConnect,
    /wrong.version.number|InvalidContentType|EPROTO: The TLS handshake failed/i,
    "The endpoint does not use TLS on this port. Use its port for https, or a URL that begins with http://.",
  ],
  ["port", cannotConnect, /\bbad port|port \d+ are blocked/, "The runtime does not allow this port. Use another port."],
  ["timeout", "^Gave up .*?", /did not answer within/, "To wait longer, use --timeout."],
  // Words of Prometheus, Mimir, Cortex and Thanos, and of TLS servers in Go and nginx.
  ["tooOld", notDelivered, /out of bounds|too[ -]old|too far in the past/i, "For recorded files, use --shift-to-now."],
  [
    "outOfOrder",
    notDelivered,
    /out[ -]of[ -]order|duplicate sample|duplicate timestamp|new-value-for-timestamp/i,
    "A recording was perhaps sent before. If another run or machine sends the same series, use --instance auto.",
  ],
  [
    "nativeHistograms",
    "^(?:Sending fails|Not delivered)\\b.*?",
    /native histograms are disabled/,
    "Use --trend-as histogram, or switch the feature on there (Prometheus: enable-feature=native-histograms).",
  ],
  ["https", refusesAll, /status 400: .*HTTP request.* HTTPS (?:server|port)/i, "The URL must begin with https://."],
  [
    "labelLimit",
    notDelivered,
    /label.*(?:limit|exceed|too (?:long|many))|(?:limit|exceed|too (?:long|many)).*label/i,
    "To drop or shorten labels, use --relabel-config-file.",
  ],
  [
    "credentials",
    refusesAll,
    /status 40[13]\b/,
    "The credentials are probably wrong: check --user and --password, --bearer-token or the method of authentication.",
  ],
  [
    "path",
    refusesAll,
    /status 40[45]\b/,
    "The path of the URL is probably wrong, or remote write is not switched on there (Prometheus: web.enable-remote-write-receiver).",
  ],
  [
    "host",
    refusesAll,
    /status (?:[23]\d\d\b|4\d\d: the endpoint answers with a page)/,
    "The URL probably names a wrong host or scheme, or leads to a login page.",
  ],
  [
    "slow",
    "^The sender is .*?",
    /behind/,
    "A longer --flush-period, more --shards or a larger --max-samples-per-send help.",
  ],
];

const patterns = table.map(([kind, beginning, { source, flags }, advice]) =>
  [kind, new RegExp(`${beginning}(?:${source})`, flags), advice] as const
);

/** A label set in the words of a receiver. Its values say nothing about the cause. */
const labelSet = /\{[^{}]*\}/g;

/** The advice that does not help a command that forwards: it changes no series. */
export const adviceOnSeries: readonly AdviceKind[] = ["tooOld", "outOfOrder", "nativeHistograms", "labelLimit"];

/** What the library's messages say about options, and how the command calls these options. */
const renamed: readonly (readonly [words: RegExp, inFlags: string])[] = [
  [/^(Rejected a sample of .* from the samples around it) \(maxTimeJumpMs\)/s, "$1 (--max-time-jump)"],
  [/^(Rejected a sample of .* series already) \(maxSeries\)/s, "$1 (--max-series)"],
  [
    /^(The \d+ series so far take .* with) relabel or keepUrlTag, or limit the series with maxSeries\.$/s,
    "$1 --relabel-config-file or --no-keep-url-tag, or limit the series with --max-series.",
  ],
];

/** Returns a message of the library together with the flag that helps, if one does. */
export function withFlagAdvice(libraryMessage: string, useless: readonly AdviceKind[] = []): string {
  // The user of the command knows only its flags.
  const message = renamed.reduce((text, [words, inFlags]) => text.replace(words, inFlags), libraryMessage);
  const words = message.replace(labelSet, "");
  const fit = patterns.find(([, pattern]) => pattern.test(words));
  return fit === undefined || useless.includes(fit[0]) ? message : `${message} ${fit[2]}`;
}
