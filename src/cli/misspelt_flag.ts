/**
 * Explains a flag that k6 did not know: k6 gets every flag that is not one of this command.
 *
 * @module
 */
import { nearestName } from "../model/nearest_name.ts";
import type { Flag } from "./arguments.ts";

/** The flags of `k6 run`, as `k6 run --help` of k6 2.2 and of earlier versions lists them. */
export const flagsOfK6: readonly string[] = [
  "address",
  "batch",
  "batch-per-host",
  "blacklist-ip",
  "block-hostnames",
  "compatibility-mode",
  "config",
  "console-output",
  "discard-response-bodies",
  "dns",
  "duration",
  "env",
  "execution-segment",
  "execution-segment-sequence",
  "features",
  "help",
  "http-debug",
  "include-system-env-vars",
  "insecure-skip-tls-verify",
  "iterations",
  "linger",
  "local-ips",
  "log-format",
  "log-ns-timestamps",
  "log-output",
  "max-redirects",
  "min-iteration-duration",
  "new-machine-readable-summary",
  "no-color",
  "no-connection-reuse",
  "no-setup",
  "no-summary",
  "no-teardown",
  "no-thresholds",
  "no-usage-report",
  "no-vu-connection-reuse",
  "out",
  "paused",
  "profiling-enabled",
  "quiet",
  "rps",
  "secret-source",
  "stage",
  "summary-export",
  "summary-mode",
  "summary-time-unit",
  "summary-trend-stats",
  "system-tags",
  "tag",
  "throw",
  "traces-output",
  "type",
  "user-agent",
  "verbose",
  "vus",
];

/**
 * Returns a sentence about the first flag that k6 does not know either, with the nearest flag; undefined if there is none.
 *
 * @param args the arguments that k6 got
 * @param flags the flags of this command
 */
export function explainMisspeltFlag(args: readonly string[], flags: readonly Flag[]): string | undefined {
  const own = flags.flatMap(({ flag, placeholder }) => placeholder === undefined ? [flag, `no-${flag}`] : [flag]);
  for (const argument of args) {
    const [, name] = /^--([^=]+)/.exec(argument) ?? [];
    if (name === undefined || flagsOfK6.includes(name)) continue;
    const nearest = nearestName(name, [...own, ...flagsOfK6]);
    const hint = nearest === undefined ? "see --help" : `did you mean --${nearest}?`;
    return `Neither k6 nor this command has the flag --${name}; ${hint}`;
  }
  return undefined;
}
