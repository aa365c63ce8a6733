/**
 * The flags of `receive` that say who may send, and what else bounds its server.
 *
 * @module
 */
import { parseList, parseString, unreadable } from "../config/option_parsers.ts";
import { ConfigurationError } from "../model/errors.ts";
import type { AccessOptions } from "../receive/access.ts";
import type { ReceiverOptions } from "../receive/receiver_options.ts";
import type { Arguments, Flag } from "./arguments.ts";
import { readCertificates, readFile, readPrivateKey } from "./output_options.ts";
import { builtin, environment } from "./runtime.ts";

/** The most connections: enough for all senders of a test, but not too many for the memory of their buffers. */
const defaultMaxConnections = 1000;
const defaultMaxBytesInFlight = 256 * 1024 * 1024;

const parseCount = (text: string, source: string): number => {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1) throw unreadable(source, text, "a whole number from 1");
  return count;
};

/** Begins the variables of the credentials. Other users of the machine can see the arguments of a command. */
const variablePrefix = "K6_REMOTE_WRITE_RECEIVE_";

const orVariable = (name: string, more = ""): string => `Or set ${variablePrefix}${name}${more}.`;

/** The flags about who may send, about TLS, and about the limits of the server. */
export const accessFlags: readonly Flag[] = [
  {
    flag: "token",
    placeholder: "TOKEN",
    help: `The bearer token that senders must have. ${orVariable("TOKEN", ", or use --token-file")}`,
    parse: parseString,
  },
  {
    flag: "token-file",
    placeholder: "FILE",
    help: "A file with the bearer token that senders must have.",
    parse: parseString,
  },
  {
    flag: "user",
    placeholder: "NAME",
    help: `The user name that senders must have. ${orVariable("USER")}`,
    parse: parseString,
  },
  {
    flag: "password",
    placeholder: "PASSWORD",
    help: `The password of --user. ${orVariable("PASSWORD", ", or use --password-file")}`,
    parse: parseString,
  },
  { flag: "password-file", placeholder: "FILE", help: "A file with the password of --user.", parse: parseString },
  {
    flag: "allow-host",
    placeholder: "NAMES",
    help: "Further host names that requests may be for, such as receiver,k6.example.",
    parse: parseList,
  },
  { flag: "tls-cert-file", placeholder: "FILE", help: "Serve HTTPS with this certificate (PEM).", parse: parseString },
  { flag: "tls-key-file", placeholder: "FILE", help: "The private key of --tls-cert-file (PEM).", parse: parseString },
  {
    flag: "max-bytes-in-flight",
    placeholder: "BYTES",
    help: "The largest size of all requests in progress; further ones get status 503.",
    default: String(defaultMaxBytesInFlight),
    parse: parseCount,
  },
  {
    flag: "max-connections",
    placeholder: "NUMBER",
    help: "The largest number of connections; further ones are closed.",
    default: String(defaultMaxConnections),
    parse: parseCount,
  },
];

/** The options of a receiver and its server that the access flags set. */
export interface ReceiverAccess {
  /** The options to pass to `createReceiver`. */
  readonly receiver: AccessOptions & Pick<ReceiverOptions, "maxBytesInFlight">;
  /** The certificate and the key of the server; undefined for HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly maxConnections: number;
  /** What the user should know about an open receiver; undefined if it is not open to other machines. */
  readonly warning: string | undefined;
}

/** A value, and where it comes from: a flag or a variable. */
interface Given {
  readonly value: string;
  readonly source: string;
}

/** Returns a credential from its flag, else from the file that a flag names, else from its variable. */
function credentialOf(
  name: string,
  { values }: Pick<Arguments, "values">,
  env: Readonly<Record<string, string | undefined>>,
): Given | undefined {
  const [flag, fileFlag] = [name, `${name}-file`];
  if (values.has(fileFlag)) {
    if (values.has(flag)) {
      throw new ConfigurationError(`Cannot use --${fileFlag}: there is --${flag} too, expected one of them`);
    }
    const path = String(values.get(fileFlag));
    // Editors end a file with a line break.
    const value = readFile(path, name).replace(/\r?\n$/, "");
    if (value === "") {
      throw new ConfigurationError(`Cannot use the ${name} file "${path}": it is empty, expected the ${name}`);
    }
    return { value, source: `--${fileFlag}` };
  }
  if (values.has(flag)) return { value: String(values.get(flag)), source: `--${flag}` };
  const variable = `${variablePrefix}${name.toUpperCase()}`;
  const value = env[variable] ?? "";
  return value === "" ? undefined : { value, source: variable };
}

/**
 * Reads the flags, and the variables of the credentials.
 *
 * @param host the address on which the command listens
 * @throws ConfigurationError for a flag without the other one that belongs to it, and for files that cannot be used
 */
export function readAccess(
  { values }: Pick<Arguments, "values">,
  host: string,
  env: Readonly<Record<string, string | undefined>> = environment,
): ReceiverAccess {
  const text = (flag: string): string | undefined => values.has(flag) ? String(values.get(flag)) : undefined;
  const count = (flag: string, otherwise: number): number => Number(values.get(flag) ?? otherwise);
  const [token, user, password] = ["token", "user", "password"].map((name) => credentialOf(name, { values }, env));
  if ((user === undefined) !== (password === undefined)) {
    const hint = values.has("forward") ? "; --forward-user and --forward-password are for --forward" : "";
    throw new ConfigurationError(
      `Cannot use ${(user ?? password)?.source}: there is no --${
        user === undefined ? "user" : "password"
      }, expected both${hint}`,
    );
  }
  const [certFile, keyFile] = [text("tls-cert-file"), text("tls-key-file")];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const [there, missing] = certFile === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new ConfigurationError(
      `Cannot use --tls-${there}-file: there is no --tls-${missing}-file, expected both`,
    );
  }
  const tls = certFile === undefined || keyFile === undefined ? undefined : {
    cert: readCertificates(certFile, "server certificate"),
    key: readPrivateKey(keyFile, "server key"),
  };
  const isOpen = !isLoopback(host) && token === undefined && user === undefined && tls === undefined;
  const given = values.get("allow-host");
  const allowed = Array.isArray(given) ? given.map(String) : [];
  return {
    receiver: {
      token: token?.value,
      user: user?.value,
      password: password?.value,
      allowHosts: [...new Set([...hostsOf(host), ...allowed.map(hostname)])],
      maxBytesInFlight: count("max-bytes-in-flight", defaultMaxBytesInFlight),
    },
    tls,
    maxConnections: count("max-connections", defaultMaxConnections),
    warning: isOpen
      ? `Other machines can send to ${host} without credentials. Use --token or --tls-cert-file, or listen on 127.0.0.1.`
      : undefined,
  };
}

/** Returns a host as URLs contain it: an IPv6 address is in brackets. */
function hostname(host: string): string {
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  if (!URL.canParse(`http://${bracketed}`)) {
    throw new ConfigurationError(`Cannot use --allow-host: it is "${host}", expected a host name without a port`);
  }
  return new URL(`http://${bracketed}`).hostname;
}

const isLoopback = (host: string): boolean => /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i.test(host);

/** Returns the hosts by which this machine is known if the command listens on an address. */
function hostsOf(host: string): readonly string[] {
  const loopback = ["localhost", "127.0.0.1", "[::1]"];
  if (isLoopback(host)) return [...new Set([hostname(host), ...loopback])];
  if (!/^(?:0\.0\.0\.0|\[?::\]?)$/.test(host)) return [hostname(host)];
  const os = builtin("node:os");
  const addresses = Object.values(os.networkInterfaces()).flat().map((each) => each?.address.replace(/%.*/, "") ?? "");
  return [...loopback, os.hostname(), ...addresses.filter((address) => address !== "")].map(hostname);
}
