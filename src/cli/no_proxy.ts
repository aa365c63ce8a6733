/**
 * NO_PROXY: the hosts that are reached without a proxy.
 *
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 * @module
 */
import { withoutBrackets } from "./host_name.ts";
import { builtin } from "./runtime.ts";

/** Where a request goes to. */
interface Destination {
  /** In lower case; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: string;
  /** 4 or 6 for an IP address, 0 for a host name. */
  readonly ipVersion: number;
}

/**
 * Reads a list such as `.example.com,10.0.0.0/8,host:8080`, as Go and k6 do: `example.com` also means its subdomains,
 * `.example.com` and `*.example.com` mean only these, a port restricts an entry, `*` means all hosts. Entries that mean nothing are
 * ignored.
 *
 * @returns a function that reports whether the list contains the host of a URL
 */
export function parseNoProxy(list: string): (url: URL) => boolean {
  const entries = list.toLowerCase().split(/[\s,]+/).filter((entry) => entry !== "").map(matcherOf);
  return (url) => {
    const destination = destinationOf(url);
    return entries.some((matches) => matches(destination));
  };
}

/** Reports whether a URL's host is this machine itself. */
export function isLoopback(url: URL): boolean {
  const { host, ipVersion } = destinationOf(url);
  return ipVersion === 4 ? host.startsWith("127.") : host === "::1" || /(?:^|\.)localhost$/.test(host);
}

function destinationOf({ hostname, port, protocol }: URL): Destination {
  const name = withoutBrackets(hostname).toLowerCase().replace(/\.$/, "");
  // An IPv4 address within an IPv6 address, as the URL parser writes it.
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(name) ?? [];
  const bytes = [high, low].flatMap((part) => [parseInt(part ?? "", 16) >> 8, parseInt(part ?? "", 16) & 255]);
  const host = high === undefined ? name : bytes.join(".");
  return { host, port: port || (protocol === "https:" ? "443" : "80"), ipVersion: builtin("node:net").isIP(host) };
}

/** Returns the function that compares one entry with a destination. */
function matcherOf(entry: string): (destination: Destination) => boolean {
  if (entry === "*") return () => true;
  const { isIP, BlockList } = builtin("node:net");
  const [, address = "", prefix = ""] = /^([^/]+)\/(\d+)$/.exec(entry) ?? [];
  const addressVersion = isIP(address);
  if (addressVersion !== 0) {
    if (Number(prefix) > (addressVersion === 4 ? 32 : 128)) return () => false;
    const network = new BlockList();
    network.addSubnet(address, Number(prefix), familyOf(addressVersion));
    return ({ host, ipVersion }) => ipVersion === addressVersion && network.check(host, familyOf(ipVersion));
  }
  // An IPv6 address contains colons, too.
  const [, name = "", port] = (isIP(entry) === 6 ? undefined : /^(.*?)(?::(\d+))?$/.exec(entry)) ?? ["", entry];
  const bare = withoutBrackets(name);
  const isPort = (destination: Destination): boolean => port === undefined || port === destination.port;
  if (isIP(bare) === 6) {
    // The URL parser writes an address in its shortest form.
    const shortest = withoutBrackets(new URL(`http://[${bare}]/`).hostname);
    return (destination) => destination.host === shortest && isPort(destination);
  }
  const domain = bare.replace(/^\*?\./, "");
  const isExact = domain === bare;
  return (destination) =>
    (destination.host.endsWith(`.${domain}`) || (isExact && destination.host === domain)) && isPort(destination);
}

function familyOf(version: number): "ipv4" | "ipv6" {
  return version === 6 ? "ipv6" : "ipv4";
}
