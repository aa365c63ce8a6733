/**
 * A fetch that can use a proxy, trust a CA, present a client certificate, or skip verification. The runtimes' own fetch functions
 * cannot do this, or each does it in a different way.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { describedError, switchedProtocols } from "../send/network_error.ts";
import type { ChooseProxy } from "./proxy.ts";
import {
  type AgentOptions,
  createProxyRoute,
  type Message,
  noProxy,
  refusalOf,
  type Route,
  withoutCredentials,
} from "./proxy_route.ts";
import { builtin, toStream } from "./runtime.ts";

/** The certificates that are trusted and presented. */
export interface TlsOptions {
  /** CA certificates in PEM form. @default the system's */
  readonly ca?: string;
  /** The client's certificate, in PEM form. */
  readonly cert?: string;
  /** The private key of `cert`, in PEM form. */
  readonly key?: string;
  /** Accept only certificates that can be verified. @default true */
  readonly verify?: boolean;
  /** The oldest TLS version to accept. @default the runtime's */
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
}

/**
 * Returns a fetch for requests whose body is bytes or a string. It does not follow redirects. It uses the proxies that `chooseProxy`
 * returns; without `chooseProxy`, it hands requests over plain http to the global fetch.
 */
export function createTlsFetch(options: TlsOptions, chooseProxy?: ChooseProxy): typeof globalThis.fetch {
  const { verify = true, ...rest } = options;
  const agentOptions = { ...noProxy, keepAlive: true, rejectUnauthorized: verify, ...rest };
  const routes = new Map<string, Route>();
  return async (input, init = {}) => {
    const url = new URL(String(input));
    if (chooseProxy === undefined && url.protocol !== "https:") return await globalThis.fetch(input, init);
    const { method = "GET", headers, body, signal } = init;
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const proxy = chooseProxy?.(url);
      const key = `${url.protocol} ${proxy?.href}`;
      const route = routes.get(key) ??
        (proxy === undefined
          ? createDirectRoute(url.protocol, agentOptions)
          : createProxyRoute(url.protocol, proxy, agentOptions));
      routes.set(key, route);
      const fail = (cause: unknown): void => reject(new TypeError("fetch failed", { cause }));
      // A request that waits for a tunnel does not notice the signal.
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      const fields = Object.fromEntries(new Headers(headers));
      const request = route.open(url, { method, headers: fields, ...(signal ? { signal } : {}) }, (message) => {
        try {
          resolve(responseOf(message, { url, proxy }));
        } catch (cause) {
          // The status is out of range, or Headers rejects a header.
          message.destroy();
          fail(cause);
        }
      });
      request.on("upgrade", (_, socket) => {
        socket.destroy();
        fail(describedError(switchedProtocols, { isPermanent: true }));
      });
      request.on("error", (cause) => signal?.aborted ? reject(signal.reason) : fail(route.explain(cause)));
      request.end(body instanceof Uint8Array || typeof body === "string" ? body : undefined);
    });
  };
}

function createDirectRoute(protocol: string, options: AgentOptions): Route {
  const { request, Agent } = builtin(protocol === "https:" ? "node:https" : "node:http");
  const agent = new Agent(options);
  return { open: (url, init, onResponse) => request(url, { ...init, agent }, onResponse), explain: (error) => error };
}

/** @throws if the message is no answer of the endpoint, or if no `Response` can hold it */
function responseOf(
  message: Message,
  { url, proxy }: { readonly url: URL; readonly proxy: URL | undefined },
): Response {
  const { statusCode: status = 0 } = message;
  if (status === 101) throw describedError(switchedProtocols, { isPermanent: true });
  if (status === 407 && proxy !== undefined) throw refusalOf(proxy, { status, address: url.host });
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(message.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  // A Response of these has no body.
  if ([204, 205, 304].includes(status)) {
    message.resume();
    return new Response(null, { status, headers });
  }
  const isOfProxy = proxy !== undefined && status >= 400;
  return new Response(toStream(isOfProxy ? withoutCredentials(message, proxy) : message), { status, headers });
}

/**
 * Checks that a string holds certificates: some runtimes accept any string and fail later.
 *
 * @param source names the file in an error
 * @throws ConfigurationError if there is no certificate, or one cannot be read
 */
export function checkCertificates(pem: string, source: string): void {
  const { X509Certificate } = builtin("node:crypto");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    throw new ConfigurationError(
      `Cannot use ${source}: it contains no certificate, expected -----BEGIN CERTIFICATE-----`,
    );
  }
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new ConfigurationError(
        `Cannot use ${source}: its certificate number ${index + 1} cannot be read, expected PEM`,
      );
    }
  }
}

/**
 * Checks that a string holds a private key that is not encrypted, because there is no way to ask for a password.
 *
 * @param source names the file in an error
 * @throws ConfigurationError if there is none
 */
export function checkPrivateKey(pem: string, source: string): void {
  try {
    builtin("node:crypto").createPrivateKey(pem);
  } catch {
    throw new ConfigurationError(
      `Cannot use ${source}: it cannot be read, expected an unencrypted private key in PEM`,
    );
  }
}
