/**
 * What a user can do about a problem. The sentences name options of the library; the command replaces them by others, which name
 * its flags.
 *
 * @module
 */

/** The problems that have advice. */
export type AdviceKind =
  | "certificate"
  | "clientCertificate"
  | "tlsVersion"
  | "port"
  | "timeout"
  | "https"
  | "tooOld"
  | "outOfOrder"
  | "labelLimit"
  | "credentials"
  | "path"
  | "host"
  | "slow";

/** The advice of the library: sentences without the full stop. */
export const advice: Readonly<Record<AdviceKind, string>> = {
  certificate: "To trust it, use the option fetch, or --ca-cert-file of the command",
  clientCertificate: "To present one, use the option fetch",
  tlsVersion: "To allow another one, use the option fetch",
  port: "Use another port, or the option fetch",
  timeout: "To wait longer, use the option timeoutMs",
  https: "The URL must begin with https://",
  tooOld: "To send old samples, move their times to now",
  outOfOrder: 'If another run or machine sends the same series, use instance: "auto" or a label of your own',
  labelLimit: "To drop or shorten labels, use the option relabel",
  credentials: "The credentials are probably wrong: check the options user and password, bearerToken or auth",
  path:
    "The path of the URL is probably wrong, or remote write is not switched on there (Prometheus: web.enable-remote-write-receiver)",
  host: "The URL probably names a wrong host, or leads to a login page",
  slow: "A longer flushPeriodMs, more shards or a larger maxSamplesPerSend help",
};

/** Words of Prometheus, Mimir, Cortex and Thanos, and of TLS servers in Go and nginx. */
const words: readonly (readonly [RegExp, AdviceKind])[] = [
  [/out of bounds|too[ -]old|too far in the past/i, "tooOld"],
  [/out[ -]of[ -]order|duplicate sample|duplicate timestamp|new-value-for-timestamp/i, "outOfOrder"],
  [/HTTP request.* HTTPS (?:server|port)/i, "https"],
  [/label.*(?:limit|exceed|too (?:long|many))|(?:limit|exceed|too (?:long|many)).*label/i, "labelLimit"],
];

/**
 * Returns advice for a refusal, in the words of the receiver; "" if there is none. Nothing but advice may depend on these words: a
 * sender must not interpret them.
 */
export function adviceFor(refusal: string): string {
  const kind = words.find(([pattern]) => pattern.test(refusal))?.[1];
  return kind === undefined ? "" : advice[kind];
}

/** Returns the likely cause of a refusal by the endpoint; "" if it is not known. */
export function adviceOnEndpoint(status: number | undefined): string {
  if (status === 401 || status === 403) return advice.credentials;
  if (status === 404 || status === 405) return advice.path;
  return status !== undefined && status < 400 ? advice.host : "";
}
