/**
 * The advice in the library's messages, in the terms of the command.
 *
 * @module
 */
import { advice, type AdviceKind } from "../send/advice.ts";

const flagAdvice: Readonly<Record<AdviceKind, string>> = {
  certificate: "To trust it, use --ca-cert-file FILE or --insecure-skip-tls-verify.",
  clientCertificate: "To present one, use --client-cert-file and --client-key-file.",
  tlsVersion: "To allow another one, use --tls-min-version.",
  port: "Use another port.",
  timeout: "To wait longer, use --timeout.",
  https: advice.https,
  tooOld: "For recorded files, use --shift-to-now.",
  outOfOrder: "If another run or machine sends the same series, use --instance auto.",
  labelLimit: "To drop or shorten labels, use --relabel-config-file.",
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
];

/** The advice that does not help a command that forwards: it changes no series. */
export const adviceOnSeries: readonly AdviceKind[] = ["tooOld", "outOfOrder", "labelLimit"];

/** Replaces advice that names options of the library. Advice that does not help is removed. */
export function withFlagAdvice(message: string, useless: readonly AdviceKind[] = []): string {
  return kinds.reduce(
    (text, kind) => text.replace(` ${advice[kind]}`, () => useless.includes(kind) ? "" : ` ${flagAdvice[kind]}`),
    message,
  );
}

/** Removes all advice: the warning gave it. */
export function withoutAdvice(message: string): string {
  return withFlagAdvice(message, kinds);
}
