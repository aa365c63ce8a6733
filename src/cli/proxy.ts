/**
 * Chooses the proxy of a request, in the same way on all runtimes: their own fetch functions differ in this.
 *
 * @module
 */
import { parseProxyUrl } from "../config/option_parsers.ts";
import { isLoopback, parseNoProxy } from "./no_proxy.ts";
import type { Environment } from "./runtime.ts";

/** Returns the proxy through which to request a URL, or undefined for a direct request. */
export type ChooseProxy = (url: URL) => URL | undefined;

/**
 * Reads which proxies to use. The option is for all requests, and `none` means no proxy. Without it, as in Go and k6, HTTP_PROXY is for
 * http and HTTPS_PROXY for https, except for loopback hosts and the hosts of NO_PROXY; also in lower case. In addition, ALL_PROXY
 * takes the place of both.
 *
 * @param option the value of `--proxy`, if it is given
 * @returns undefined if neither the option nor a variable says anything
 * @throws ConfigurationError if a proxy that a URL needs cannot be used; the function that is returned throws it
 */
export function readProxies(option: string | undefined, env: Environment): ChooseProxy | undefined {
  if (option !== undefined) {
    const proxy = option === "none" ? undefined : parseProxyUrl(option, "--proxy");
    return () => proxy;
  }
  const variables = {
    "http:": variableOf(env, "HTTP_PROXY", "ALL_PROXY"),
    "https:": variableOf(env, "HTTPS_PROXY", "ALL_PROXY"),
  };
  if ((variables["http:"] ?? variables["https:"]) === undefined) return undefined;
  const isExcepted = parseNoProxy(env[variableOf(env, "NO_PROXY") ?? ""] ?? "");
  return (url) => {
    const name = variables[url.protocol === "https:" ? "https:" : "http:"];
    if (name === undefined || isLoopback(url) || isExcepted(url)) return undefined;
    return parseProxyUrl(env[name] ?? "", name);
  };
}

/** Returns the name of the first variable that is set, in upper or lower case. */
export function variableOf(env: Environment, ...names: readonly string[]): string | undefined {
  return names.flatMap((name) => [name, name.toLowerCase()]).find((name) => (env[name] ?? "") !== "");
}
