/**
 * Requests through an HTTP proxy: tunnels for https, absolute URLs for http.
 *
 * This is no library, because none fits: undici hides why a proxy refuses, and its newest release needs Node 22; https-proxy-agent has
 * dependencies; hpagent fails with IPv6 addresses, and never gives up a tunnel that does not answer.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 * @module
 */
import { type DescribedError, describedError, describeNetworkError } from "../send/network_error.ts";
import { formsOf, redactSecrets } from "../send/redact.ts";
import { withBrackets, withoutBrackets } from "./host_name.ts";
import { builtin } from "./runtime.ts";

type Https = ReturnType<typeof builtin<"node:https">>;
type Agent = InstanceType<Https["Agent"]>;
/** A connection as node:net makes it. */
export type Socket = NonNullable<ReturnType<Agent["createConnection"]>>;
type OnResponse = NonNullable<Parameters<Https["request"]>[2]>;

/** The options of an agent of node:https. */
export type AgentOptions = NonNullable<ConstructorParameters<Https["Agent"]>[0]>;

/** The options of a request of node:http and node:https. */
type RequestOptions = Parameters<Agent["createConnection"]>[0];

/** A response of node:http and node:https. */
export type Message = Parameters<OnResponse>[0];

/** The way to the endpoints of one protocol, directly or through a proxy, on shared connections. */
export interface Route {
  /** Begins a request to a URL on this route. The caller sends the body. */
  open(url: URL, options: RequestOptions, onResponse: (message: Message) => void): ReturnType<Https["request"]>;
  /** Returns an error of a request in the words that name the proxy, if the proxy cannot be reached. */
  explain(error: unknown): unknown;
}

/** For agents: with NODE_USE_ENV_PROXY, Deno's would use the proxies of the variables otherwise. */
export const noProxy: AgentOptions = { proxyEnv: {} };

/** As long as one attempt of the sender. */
const connectTimeoutMs = 30_000;

const maxErrorLength = 64 * 1024;

/** Returns the way through a proxy: tunnels to https endpoints, absolute URLs for http. */
export function createProxyRoute(protocol: string, proxy: URL, options: AgentOptions): Route {
  if (protocol === "https:") {
    const { request } = builtin("node:https");
    const agent = createTunnelAgent(proxy, options);
    return { open: (url, init, onResponse) => request(url, { ...init, agent }, onResponse), explain: (error) => error };
  }
  const { request, Agent } = moduleFor(proxy);
  // Some proxies (tinyproxy) close each connection after the answer without saying so: a request on it would fail.
  const route = { ...routeTo(proxy, options), agent: new Agent(noProxy) };
  return {
    open: (url, init, onResponse) => {
      const headers = { ...init.headers, host: url.host, ...credentialsFor(proxy) };
      const path = `${url.origin}${url.pathname}${url.search}`;
      return request({ ...init, ...route, path, headers }, onResponse);
    },
    explain: (error) => describeNetworkError(error).unreached ? unreachableProxy(proxy, error) : error,
  };
}

/** Returns an agent of node:https whose connections are tunnels through a proxy. */
function createTunnelAgent(proxy: URL, options: AgentOptions): Agent {
  const { Agent } = builtin("node:https");
  const { connect } = builtin("node:tls");
  return new class extends Agent {
    override createConnection(
      { host, port, servername }: RequestOptions,
      callback: (error: Error | null, socket?: Socket) => void,
    ): undefined {
      const address = `${withBrackets(host ?? "")}:${port}`;
      openTunnel(proxy, { address, options })
        .then((socket) => connect({ ...options, host: host ?? "", servername, socket }))
        .then((socket) => callback(null, socket), callback);
    }
  }(options);
}

/** Resolves with a connection to an address through a proxy; rejects with a `DescribedError`. */
export function openTunnel(
  proxy: URL,
  { address, options }: { readonly address: string; readonly options: AgentOptions },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const refuse = ({ statusCode = 0 }: Pick<Message, "statusCode">): void => {
      request.destroy();
      reject(refusalOf(proxy, { status: statusCode, address }));
    };
    const { request: open, Agent } = moduleFor(proxy);
    const request = open({
      ...routeTo(proxy, options),
      agent: new Agent(noProxy),
      method: "CONNECT",
      path: address,
      headers: { host: address, ...credentialsFor(proxy) },
      timeout: connectTimeoutMs,
    });
    request.on("connect", (response, socket) => {
      if (!isSuccess(response)) return refuse(response);
      socket.setTimeout(0);
      resolve(socket);
    });
    request.on("response", refuse);
    request.on("timeout", () => request.destroy(new Error("ETIMEDOUT")));
    request.on("error", (error) => reject(unreachableProxy(proxy, error)));
    request.end();
  });
}

function isSuccess({ statusCode = 0 }: Pick<Message, "statusCode">): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** Returns the module that speaks to a proxy. */
function moduleFor({ protocol }: URL): Https | ReturnType<typeof builtin<"node:http">> {
  return builtin(protocol === "https:" ? "node:https" : "node:http");
}

/** Returns the options of a request to a proxy. The certificate of an https proxy is verified as that of an endpoint. */
function routeTo(
  { hostname, port, protocol }: URL,
  { ca, rejectUnauthorized, minVersion }: AgentOptions,
): RequestOptions {
  const host = withoutBrackets(hostname);
  // By default, the name of the proxy would be that in the header Host.
  const servername = builtin("node:net").isIP(host) === 0 ? host : "";
  return { host, port: port || (protocol === "https:" ? 443 : 80), servername, ca, rejectUnauthorized, minVersion };
}

/** Returns the header with the user info of a proxy's URL. */
function credentialsFor({ username, password }: URL): { readonly "proxy-authorization"?: string } {
  if (username === "" && password === "") return {};
  const bytes = new TextEncoder().encode(`${decode(username)}:${decode(password)}`);
  return { "proxy-authorization": `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

/**
 * Yields the body of an error without the proxy's credentials: a proxy may repeat what it was sent. The body ends after 64 KiB, of
 * which messages show the beginning.
 */
export async function* withoutCredentials(body: AsyncIterable<Uint8Array>, proxy: URL): AsyncGenerator<Uint8Array> {
  const { "proxy-authorization": authorization = "" } = credentialsFor(proxy);
  const secrets = formsOf([decode(proxy.password), authorization.slice("Basic ".length)]);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxErrorLength) break;
  }
  yield new TextEncoder().encode(redactSecrets(text, secrets));
}

/** Decodes a part of a URL. A percent sign that encodes nothing stands for itself. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Describes the status with which a proxy refuses a request to an address. */
export function refusalOf(
  { host, username, password }: URL,
  { status, address }: { readonly status: number; readonly address: string },
): DescribedError {
  // tinyproxy answers 401 to wrong credentials.
  if (status === 407 || status === 401) {
    const reason = username === "" && password === "" ? "requires a" : "rejects the";
    return describedError(`the proxy ${host} ${reason} user name and password (status ${status})`, {
      isPermanent: true,
    });
  }
  // 408 and 429 ask to try again. Most proxies answer 5xx if they cannot reach the endpoint.
  const isPermanent = status < 500 && status !== 408 && status !== 429;
  const reason = isPermanent ? "refuses to connect" : "cannot connect";
  return describedError(`the proxy ${host} ${reason} to ${address} (status ${status})`, { isPermanent });
}

/** Describes why there is no connection to a proxy. */
function unreachableProxy({ host }: URL, error: unknown): DescribedError {
  const { reason, isPermanent } = describeNetworkError(error);
  const words = reason.replace("fetch cannot send to this endpoint: ", "");
  return describedError(`no connection to the proxy ${host}: ${words}`, { isPermanent });
}
