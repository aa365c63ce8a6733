/**
 * The way to the endpoint: name resolution, connection and proxy.
 *
 * @module
 */
import { describeNetworkError } from "../../send/network_error.ts";
import { abortAfter, untilAborted } from "../../send/sleep.ts";
import { withoutBrackets } from "../host_name.ts";
import { variableOf } from "../proxy.ts";
import { noProxy, openTunnel } from "../proxy_route.ts";
import { builtin } from "../runtime.ts";
import type { CheckContext } from "./check_context.ts";
import { fault, type Finding, ok, type Step } from "./step.ts";

/** If a connection takes longer than this, in milliseconds, the host counts as not reached. */
const connectTimeoutMs = 10_000;

/** Resolves the host to which connections go. */
export const nameResolution: Step = {
  name: "name resolution",
  async run(context) {
    const { host } = firstHop(context);
    const { proxy } = context;
    const role = proxy === undefined ? "" : "the proxy ";
    if (builtin("node:net").isIP(host) !== 0) return ok(`${role}${host} is an address`);
    try {
      const addresses = await within(context, lookUp(host));
      const others = proxy === undefined ? "" : `; the proxy resolves ${context.url.hostname}`;
      return ok(`${role}${host} is ${addresses.join(", ")}${others}`);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
      return fault(
        `${role === "" ? "the host" : "the proxy's host"} ${host} has no address${code}`,
        proxy === undefined ? `Check the host in the URL.${proxyAdvice(context)}` : "Check the host of the proxy.",
      );
    }
  },
};

/** Opens a connection, without a request. */
export const connection: Step = {
  name: "connection",
  async run(context) {
    const { host, port } = firstHop(context);
    const { proxy } = context;
    const shown = `${proxy === undefined ? "" : "the proxy "}${host}:${port}`;
    try {
      await connectTo({ host, port }, context);
      return ok(`${shown} accepts connections`);
    } catch (error) {
      return fault(
        `no connection to ${shown}: ${describeNetworkError(error).reason}`,
        proxy === undefined
          ? `Check the port, whether the server runs, and whether a firewall lets it through.${proxyAdvice(context)}`
          : "Check the proxy's address. --proxy names another one, or none.",
      );
    }
  },
};

/** Says which proxy is used, and asks it for a tunnel to an https endpoint. */
export const proxyStep: Step = {
  name: "proxy",
  async run(context) {
    const { proxy, url, network: { tls } } = context;
    const source = sourceOfProxy(context);
    if (proxy === undefined) return ok(source === undefined ? "none" : `none is used for this URL (${source})`);
    const options = { ...noProxy, ca: tls.ca, minVersion: tls.minVersion, rejectUnauthorized: tls.verify ?? true };
    try {
      if (url.protocol === "https:") {
        const address = `${url.hostname}:${url.port || 443}`;
        (await within(context, openTunnel(proxy, { address, options }))).destroy();
      } else {
        const answer = await context.first();
        // The client's words name the proxy if the fault is the proxy's.
        if (answer.status === undefined && /\bthe proxy\b/.test(answer.reason)) return refusedBy(answer.reason);
      }
    } catch (error) {
      return refusedBy(describeNetworkError(error).reason);
    }
    return ok(`${proxy.host} (${source}) leads to ${url.host}`);
  },
};

function refusedBy(reason: string): Finding {
  return fault(
    reason,
    /user name and password/.test(reason)
      ? "They belong into the proxy's URL, in --proxy or the variable: http://user:password@host:3128."
      : "Use another proxy with --proxy, or none with --proxy none.",
  );
}

/** Returns what decided about the proxy; undefined if nothing did. */
function sourceOfProxy({ values, url, env }: CheckContext): string | undefined {
  const given = values.findLast(({ option }) => option.option === "proxy");
  if (given !== undefined) return given.source;
  const scheme = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  return variableOf(env, scheme, "ALL_PROXY");
}

/** Says how a proxy could be used, if none is. */
function proxyAdvice(context: CheckContext): string {
  const { url, env } = context;
  const source = sourceOfProxy(context);
  if (source !== undefined) return ` ${source} does not apply to this host, because of NO_PROXY or loopback.`;
  const other = variableOf(env, "HTTPS_PROXY", "HTTP_PROXY");
  const scheme = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  return other === undefined
    ? ` If only a proxy can reach it: --proxy URL or ${scheme}.`
    : ` A proxy is probably needed: ${other} is set, but is not for ${
      url.protocol.slice(0, -1)
    }. Set ${scheme} or --proxy.`;
}

/** Returns where the first connection goes to. */
export function firstHop({ proxy, url }: Pick<CheckContext, "proxy" | "url">): { host: string; port: number } {
  const { hostname, port, protocol } = proxy ?? url;
  return { host: withoutBrackets(hostname), port: Number(port || (protocol === "https:" ? 443 : 80)) };
}

/** Resolves with the addresses of a host. */
function lookUp(host: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    builtin("node:dns").lookup(host, { all: true }, (error, found) => {
      if (error === null) resolve(found.map(({ address }) => address));
      else reject(error);
    });
  });
}

/** Resolves when a connection was made, and closes it. */
export function connectTo(
  { host, port }: { readonly host: string; readonly port: number },
  context: Pick<CheckContext, "options">,
  limitMs: number = connectTimeoutMs,
): Promise<void> {
  const socket = builtin("node:net").connect({ host, port });
  const connected = new Promise<void>((resolve, reject) => {
    socket.on("connect", () => resolve());
    socket.on("error", reject);
  });
  return within(context, connected, limitMs).finally(() => socket.destroy());
}

/** Rejects if a promise does not settle in time. */
export async function within<T>(
  { options }: Pick<CheckContext, "options">,
  promise: Promise<T>,
  limitMs: number = connectTimeoutMs,
): Promise<T> {
  const controller = new AbortController();
  const ms = Math.min(options.timeoutMs, limitMs);
  const clear = abortAfter(ms, controller, { sleep: options.sleep });
  try {
    return await untilAborted(promise, controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    promise.catch(() => {});
    throw Object.assign(new Error("ETIMEDOUT"), { code: "ETIMEDOUT" });
  } finally {
    clear();
  }
}
