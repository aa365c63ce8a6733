/**
 * Host names and addresses, in URLs and on their own.
 *
 * @module
 */

/** Returns a host as a URL writes it: an IPv6 address has brackets. */
export function withBrackets(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Returns a host without the brackets of an IPv6 address. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
