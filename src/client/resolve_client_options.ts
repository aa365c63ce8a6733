/**
 * Completes the options of sending and checks whether they make sense: once, at the edge.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { atLeast, checkFunction, checkUrl, flag, oneOf, unexpected, wholeAtLeast } from "./option_checks.ts";
import { type ClientOptions, defaultOptions, type FileOptions } from "../k6/output/output_options.ts";
import type { AuthOptions } from "../send/auth/resolve_authorizer.ts";
import { sleep } from "../send/sleep.ts";

/** Options that are complete and make sense; the ways to authenticate are checked where they are put to use. */
export interface ResolvedClientOptions
  extends AuthOptions, Required<Omit<ClientOptions, keyof AuthOptions | keyof FileOptions>> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Completes and checks options.
 *
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveClientOptions(options: ClientOptions = {}): ResolvedClientOptions {
  checkFileOptions(options);
  for (const name of functions) if (options[name] !== undefined) checkFunction(name, options[name]);
  return {
    url: checkUrl(options.url ?? defaultOptions.url),
    user: options.user,
    password: options.password,
    bearerToken: options.bearerToken,
    auth: options.auth,
    headers: checkHeaders(options.headers ?? {}),
    insecureSkipTlsVerify: flag("insecureSkipTlsVerify", options, false),
    timeoutMs: atLeast(1, "timeoutMs", options),
    retryDeadlineMs: atLeast(0, "retryDeadlineMs", options),
    retryOn429: flag("retryOn429", options, true),
    maxSamplesPerSend: wholeAtLeast(1, "maxSamplesPerSend", options),
    maxDecodedBytes: wholeAtLeast(1024, "maxDecodedBytes", options),
    maxBodyBytes: wholeAtLeast(1024, "maxBodyBytes", options),
    protocol: oneOf(["auto", "1.0", "2.0"], "protocol", options.protocol),
    bisect: flag("bisect", options, true),
    onWarning: guarded(options.onWarning ?? ((message) => console.warn(`k6-remote-write: ${message}`))),
    // Taken now: an instrumented fetch that replaces the global one later must not measure the output's own requests. Bound, as
    // some check their `this`.
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    sleep: options.sleep ?? sleep,
  };
}

const functions = ["onWarning", "fetch", "now", "random", "sleep"] as const;

/** They may be secret. What is iterable, such as `Headers`, has no members. */
function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const isObject = typeof headers === "object" && !(Symbol.iterator in headers);
  if (isObject && Object.values(headers).every((value) => typeof value === "string")) return headers;
  throw new ConfigurationError("Cannot use the option headers: it is no object of texts, expected { name: value }");
}

/** Nothing ends because somebody's log does. */
function guarded(onWarning: (message: string) => void): (message: string) => void {
  return (message) => {
    try {
      onWarning(message);
    } catch {
      // Whom else to tell?
    }
  };
}

/** What a `fetch` can do in a program's stead is let pass beside one. */
const byFetch: readonly (keyof FileOptions)[] = ["caCertFile", "clientCertFile", "clientKeyFile", "tlsMinVersion"];

const instead: readonly (readonly [option: keyof FileOptions, instead: string])[] = [
  ["bearerTokenFile", "bearerToken, which may be a function that reads it"],
  ["relabelConfigFile", "relabelConfigs"],
];

function checkFileOptions(options: ClientOptions): void {
  if (options.fetch === undefined) {
    for (const name of byFetch) {
      if (options[name] !== undefined) throw unexpected(name, options[name], "a `fetch` beside it that sees to it");
    }
    if (options.insecureSkipTlsVerify === true) {
      throw unexpected("insecureSkipTlsVerify", true, "a `fetch` beside it that skips verification");
    }
  }
  if (options.auth === undefined) {
    if (options.oauth2 !== undefined) throw unexpected("oauth2", "{ ... }", "auth: oauth2({ ... })");
    if (options.sigv4 !== undefined) throw unexpected("sigv4", "{ ... }", "auth: sigV4({ ... })");
  }
  for (const [name, expected] of instead) {
    if (options[name] !== undefined) throw unexpected(name, options[name], `${expected}: only the command reads files`);
  }
}
