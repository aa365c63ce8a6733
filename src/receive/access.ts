/**
 * Checks who may send: the credentials and the host that a request names.
 *
 * @module
 */
import { quote } from "../model/printable.ts";
import { refuse } from "./responses.ts";

/** The options about who may send. */
export interface AccessOptions {
  /** A bearer token that every request must have. With `user`, a request may have either. @default none */
  readonly token?: string | undefined;
  /** A user name that every request must have, as basic authentication. It needs `password`. @default none */
  readonly user?: string | undefined;
  /** The password that belongs to `user`. @default none */
  readonly password?: string | undefined;
  /**
   * The host names that a request may be for, without ports, such as `localhost` or `[::1]`. A page on the web can make a browser send
   * requests to a private address (DNS rebinding), but such a request has the page's own host.
   *
   * @default any host
   */
  readonly allowHosts?: readonly string[] | undefined;
}

const encoder = new TextEncoder();

/** Returns a check of a request's host and credentials, which resolves with the response to a request that is refused. */
export function accessCheck(
  { token, user, password = "", allowHosts }: AccessOptions,
): (request: Request) => Promise<Response | undefined> {
  const hosts = allowHosts?.map((host) => host.toLowerCase());
  const accepted: string[] = [];
  const schemes: string[] = [];
  if (token !== undefined) {
    accepted.push(`bearer ${token}`);
    schemes.push("Bearer");
  }
  if (user !== undefined) {
    accepted.push(`basic ${btoa(String.fromCharCode(...encoder.encode(`${user}:${password}`)))}`);
    schemes.push('Basic realm="remote write", charset="UTF-8"');
  }
  return async ({ url, method, headers }) => {
    const { hostname } = new URL(url);
    if (hosts?.includes(hostname) === false) {
      return refuse(403, `Cannot accept the request: the host is ${quote(hostname)}, expected ${hosts.join(" or ")}`);
    }
    // A browser sends no credentials before it has got the permission.
    if (accepted.length === 0 || method === "OPTIONS") return undefined;
    const given = (headers.get("Authorization") ?? "").replace(/^\w+(?= )/, (scheme) => scheme.toLowerCase());
    const matches = await Promise.all(accepted.map((each) => areEqual(given, each)));
    if (matches.includes(true)) return undefined;
    return refuse(401, "Cannot accept the request: the credentials are missing or wrong", {
      "WWW-Authenticate": schemes.join(", "),
    });
  };
}

/** Compares strings in a time that does not depend on where they differ: it compares their hashes, and always as a whole. */
async function areEqual(a: string, b: string): Promise<boolean> {
  const [x = new Uint8Array(), y = new Uint8Array()] = await Promise.all(
    [a, b].map(async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)))),
  );
  return x.reduce((difference, byte, index) => difference | (byte ^ (y[index] ?? 0)), 0) === 0;
}
