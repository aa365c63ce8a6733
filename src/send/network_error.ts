/**
 * Describes what fetch throws. Each runtime reports the same problem in another way.
 *
 * @module
 */
import { advice, type AdviceKind } from "./advice.ts";
import { cleanText } from "./redact.ts";

/** What an error of fetch means. */
export interface NetworkError {
  /** What happened, in one clause, and perhaps advice. It is not redacted yet. */
  readonly reason: string;
  /** Whether the receiver cannot have got the request. */
  readonly unreached: boolean;
  /** Whether a retry is useless, because nothing changes by itself. */
  readonly isPermanent: boolean;
}

/** Codes of Node and Bun, and messages of Deno, for connections that were never made. */
const unreachedPatterns: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|Connection refused/, "the connection was refused"],
  [/ENOTFOUND|EAI_AGAIN|dns error/, "the host name was not found"],
  [/EHOSTUNREACH|ENETUNREACH|host unreachable|network is unreachable/i, "the host cannot be reached"],
  [/UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|\(Connect\).*timed out/, "the connection was not made in time"],
];

/** Codes of Node and Bun, and messages of Deno and Node, for what does not change by itself. The first that fits is the reason. */
const permanentPatterns: readonly (readonly [RegExp, string, AdviceKind?])[] = [
  [/NotCapable|PermissionDenied/, "the runtime does not permit it: $"],
  [/CERTIFICATE_REQUIRED|CertificateRequired/, "the endpoint requires a client certificate", "clientCertificate"],
  [
    /ALERT_(?:UNKNOWN_CA|BAD_CERT|CERT)|fatal alert: (?:UnknownCA|BadCert|Cert)/,
    "the endpoint does not accept the client's certificate",
    "clientCertificate",
  ],
  [/ALTNAME_INVALID|not valid for name/, "the endpoint's certificate is for another host", "certificate"],
  [/CERT_HAS_EXPIRED|certificate: Expired/, "the endpoint's certificate has expired", "certificate"],
  [/SELF_SIGNED|UNABLE_TO_|UnknownIssuer/, "no trusted CA signed the endpoint's certificate", "certificate"],
  [/\bCERT_|invalid peer certificate/, "the endpoint's certificate cannot be verified: $", "certificate"],
  [
    /alert.protocol.version|fatal alert: ProtocolVersion/i,
    "the endpoint does not support this TLS version",
    "tlsVersion",
  ],
  [
    /wrong.version.number|InvalidContentType|EPROTO: The TLS handshake failed/i,
    "the endpoint does not use TLS on this port",
  ],
  [/\bbad port|Requests to port \d+ are blocked/, "fetch does not allow this port", "port"],
  [
    /unknown scheme|scheme '.*' not supported|protocol must be http|Invalid URL|URL is invalid/i,
    "fetch cannot use this URL",
  ],
];

/** A TLS handshake comes before the request, too. */
const tlsError = /CERT|EPROTO|ERR_SSL|ERR_TLS|certificate|corrupt message|handshake/;

/** The connection ended without an answer. The runtimes' own words add nothing. */
const disconnected = /ECONNRESET|EPIPE|UND_ERR_SOCKET|Connection reset|connection closed/;

/** Describes what fetch threw. */
export function describeNetworkError(error: unknown): NetworkError {
  let [text, innermost] = ["", ""];
  // The error and its causes. The innermost message says most; the outer one is "fetch failed".
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const { name, message, cause } = current instanceof Error ? current : new Error(String(current));
    text += `${name} ${current instanceof Error && "code" in current ? current.code : ""} ${message}; `;
    innermost = cleanText(message);
    current = cause;
  }
  // Deno's messages contain the URL, whose host may have any name.
  text = text.replace(/https?:\/\/[^\s)]+/g, "");
  // "read ETIMEDOUT" ends a connection that was made: the request may have arrived.
  const wasConnected = /\bread E/.test(text);
  for (const [pattern, reason] of unreachedPatterns) {
    if (!wasConnected && pattern.test(text)) return { reason, unreached: true, isPermanent: false };
  }
  for (const [pattern, what, kind] of permanentPatterns) {
    if (!pattern.test(text)) continue;
    const reason = what.replace("$", () => innermost.replace(/^error sending request .*\(Connect\): /, ""));
    return { reason: kind === undefined ? reason : `${reason}. ${advice[kind]}`, unreached: true, isPermanent: true };
  }
  if (tlsError.test(text)) {
    return { reason: `no secure connection was made: ${innermost}`, unreached: true, isPermanent: false };
  }
  const detail = innermost === "" || disconnected.test(text) ? "" : `: ${innermost}`;
  const reason = `the connection broke before the answer came${detail}`;
  return { reason, unreached: text.includes("(Connect)"), isPermanent: false };
}
