/**
 * k6's error codes for the errors of a fetch.
 *
 * The runtimes report the reason of a failed fetch in different places: Node in the `code` of the error's cause, Bun in the
 * error's own `code`, Deno only in the message of the cause, and a browser nowhere.
 *
 * @see https://grafana.com/docs/k6/latest/javascript-api/error-codes/
 * @module
 */
import { isObject, type UnknownRecord } from "../../model/records.ts";

/** The tags `error` and `error_code` of a failed request. */
export interface HttpError {
  /** The value of k6's tag `error_code`, such as 1212 for a connection that was refused. */
  readonly code: number;
  /** What happened, in a few words. It is never the runtime's message, whose addresses would make many time series. */
  readonly text: string;
}

/** The first matching pattern decides, so special patterns come before general ones. */
const errors: readonly (readonly [pattern: RegExp, code: number, text: string])[] = [
  [/TimeoutError|UND_ERR_(HEADERS|BODY)_TIMEOUT/, 1050, "request timeout"],
  [/UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|ConnectionTimeout|\(Connect\).*timed out/, 1211, "dial: i/o timeout"],
  [/AbortError/, 1000, "request aborted"],
  [/ENOTFOUND|dns error.*(not known|[nN]o such host|No address)/, 1101, "lookup: no such host"],
  [/EAI_|DNS_|dns error/, 1100, "lookup: failed"],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|peer certificate.*(not valid for name|NotValidForName)/,
    1311,
    "x509: certificate doesn't match hostname",
  ],
  [/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|UnknownIssuer/, 1310, "x509: unknown authority"],
  [/EPROTO|ERR_(SSL|TLS)_|CERT_|peer certificate|corrupt message|HandshakeFailure|tls handshake/, 1300, "tls: failed"],
  [/ECONNREFUSED|ConnectionRefused|Connection refused/, 1212, "dial: connection refused"],
  [/ECONNRESET|Connection reset/, 1220, "read: connection reset by peer"],
  [/EPIPE|Broken pipe/, 1201, "write: broken pipe"],
  [/E(NET|HOST)(UNREACH|DOWN)|EADDRNOTAVAIL|\(Connect\)/, 1210, "dial: failed"],
  [/UND_ERR_SOCKET|connection closed|body from connection|[cC]onnection lost/, 1200, "connection lost"],
  [/\bZ_[A-Z]+|(Zlib|Brotli|Zstd)\w*Error|ERR_BROTLI|gzip|deflate|brotli/i, 1701, "decompression failed"],
];

/**
 * Returns the error of a fetch, or of reading its body.
 *
 * @param aborted whether the request's signal is aborted
 */
export function describeHttpError(error: unknown, aborted: boolean): HttpError {
  const chain = causes(error);
  const codes = chain.flatMap(({ code }) => (typeof code === "string" ? [code] : []));
  // Messages are used only if there is no code, and without addresses, which could match a pattern by chance.
  const told = codes.length > 0 ? codes : chain.flatMap(({ name, message }) => [name, withoutAddresses(message)]);
  const facts = told.join(" ");
  // The reason of an abort is the caller's own error, whatever it looks like, except for that of AbortSignal.timeout().
  if (aborted && !facts.includes("TimeoutError")) return { code: 1000, text: "request aborted" };
  for (const [pattern, code, text] of errors) {
    if (pattern.test(facts)) return { code, text };
  }
  return { code: 1000, text: codes[0] ?? String(chain[0]?.name ?? typeof error) };
}

/** Returns the error and its causes. The number is limited, because a cause may lead back to the error. */
function causes(error: unknown): UnknownRecord[] {
  const chain: UnknownRecord[] = [];
  for (let at = error; isObject(at) && chain.length < 5; at = at.cause) chain.push(at);
  return chain;
}

function withoutAddresses(message: unknown): string {
  return String(message).replace(/[a-z][a-z0-9+.-]*:\/\/\S*/gi, "");
}
