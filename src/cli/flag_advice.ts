/**
 * The advice in the library's messages, in the terms of the command.
 *
 * @module
 */
import { advice, type AdviceKind } from "../send/advice.ts";

const flagAdvice: Readonly<Record<AdviceKind, string>> = {
  certificate: "To trust it, use --ca-cert-file FILE or --insecure-skip-tls-verify",
  clientCertificate: "To present one, use --client-cert-file and --client-key-file",
  tlsVersion: "To allow another one, use --tls-min-version",
  port: "Use another port",
  timeout: "To wait longer, use --timeout",
  https: advice.https,
  credentials:
    "The credentials are probably wrong: check --user and --password, --bearer-token or the method of authentication",
  path: advice.path,
  host: advice.host,
  slow: "A longer --flush-period, more --shards or a larger --max-samples-per-send help",
  tooOld: "For recorded files, use --shift-to-now",
  outOfOrder: "If another run or machine sends the same series, use --instance auto",
  labelLimit: "To drop or shorten labels, use --relabel-config-file",
};

const kinds: readonly AdviceKind[] = [
  "certificate",
  "clientCertificate",
  "tlsVersion",
  "port",
  "timeout",
  "https",
  "tooOld",
  "outOfOrder",
  "labelLimit",
  "credentials",
  "path",
  "host",
  "slow",
];

/** The advice that does not help a command that forwards: it changes no series. */
export const adviceOnSeries: readonly AdviceKind[] = ["tooOld", "outOfOrder", "labelLimit"];

/** Replaces advice that names options of the library. Advice that does not help is removed. */
export function withFlagAdvice(message: string, useless: readonly AdviceKind[] = []): string {
  return kinds.reduce((text, kind) => {
    const sentence = useless.includes(kind) ? "" : ` ${flagAdvice[kind]}`;
    return text.replace(` ${advice[kind]}.`, () => sentence === "" ? "" : `${sentence}.`)
      .replace(` ${advice[kind]}`, () => sentence);
  }, message);
}

/** Removes all advice: the warning gave it. */
export function withoutAdvice(message: string): string {
  return withFlagAdvice(message, kinds);
}
