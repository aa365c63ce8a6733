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
  | "labelLimit";

/** The advice of the library. A sentence may follow the words of a receiver or of the runtime. */
export const advice: Readonly<Record<AdviceKind, string>> = {
  certificate: "To trust it, use the option fetch.",
  clientCertificate: "To present one, use the option fetch.",
  tlsVersion: "To allow another one, use the option fetch.",
  port: "Use another port, or the option fetch.",
  timeout: "To wait longer, use the option timeoutMs.",
  https: "The URL must begin with https://.",
  tooOld: "To send old samples, move their times to now.",
  outOfOrder: 'If another run or machine sends the same series, use instance: "auto" or a label of your own.',
  labelLimit: "To drop or shorten labels, use the option relabel.",
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
