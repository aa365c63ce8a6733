/**
 * Describes what fetch throws. Each runtime reports the same problem in another way.
 *
 * @module
 */
import { cleanText } from "./redact.ts";

/** What an error of fetch means. */
export interface NetworkError {
  /** What happened, in one clause, with the code of the runtime if it gives one. It is not redacted yet. */
  readonly reason: string;
  /** Whether the receiver cannot have got the request. */
  readonly unreached: boolean;
  /** Whether a retry is useless, because the cause does not go away by itself. */
  readonly isPermanent: boolean;
}

/** An error of a fetch that knows that its request was not received. Its message says why, in one clause. */
export interface DescribedError extends Error {
  /** Whether a retry is useless. */
  readonly isPermanent: boolean;
}

/** Returns an error that `describeNetworkError` recognises. @param reason what happened, in one clause */
export function describedError(reason: string, { isPermanent }: Pick<DescribedError, "isPermanent">): DescribedError {
  return Object.assign(new Error(reason), { isPermanent });
}

/** The reason for an answer 101: the endpoint speaks another protocol from here on. */
export const switchedProtocols = "the endpoint answers 101 Switching Protocols, which no request asked for";

/** Codes of Node and Bun, and messages of Deno, for connections that were never made. */
const unreachedPatterns: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|Connection refused/, "the connection was refused"],
  [/ENOTFOUND|EAI_AGAIN|dns error/, "the host name was not found"],
  [/EHOSTUNREACH|ENETUNREACH|host unreachable|network is unreachable/i, "the host cannot be reached"],
  [/UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|\(Connect\).*timed out/, "the connection was not made in time"],
];

/**
 * Codes of Node and Bun, and messages of Deno and Node, for causes that do not go away by themselves: permissions, certificates, TLS
 * versions, blocked ports and impossible URLs.
 */
const permanentPatterns: readonly RegExp[] = [
  /NotCapable|PermissionDenied/,
  /ALERT_(?:UNKNOWN_CA|BAD_CERT|CERT)|fatal alert: (?:UnknownCA|BadCert|Cert|ProtocolVersion)|alert.protocol.version/i,
  /\bCERT_|ALTNAME_INVALID|SELF_SIGNED|UNABLE_TO_|invalid peer certificate/,
  /wrong.version.number|InvalidContentType|EPROTO: The TLS handshake failed/i,
  /\bbad port|to port \d+ are blocked/,
  /unknown scheme|scheme '.*' not supported|protocol must be http|Invalid URL|URL is invalid/i,
];

/** Codes of Bun, and messages of Node, for an answer 101. (Deno returns it.) */
const switched = /bad upgrade|assert\(upgrade\)|UnrequestedUpgrade/;

/** Node's fetch ends with this error at an answer 100 that no request asked for. The other runtimes read on. */
const continued = /UND_ERR_SOCKET bad response/;

/** A TLS handshake comes before the request, too. */
const tlsError = /CERT|EPROTO|ERR_SSL|ERR_TLS|certificate|corrupt message|handshake/;

/** The connection ended without an answer. The runtimes' own words add nothing. */
const disconnected = /ECONNRESET|EPIPE|UND_ERR_SOCKET|Connection reset|connection closed/;

/** Returns what an error of fetch means, in the same words for every runtime where they are known. */
export function describeNetworkError(error: unknown): NetworkError {
  let [text, innermost, lastCode] = ["", "", ""];
  // The error and its causes. The innermost message says most; the outer one is "fetch failed".
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    if (current instanceof Error && "isPermanent" in current) {
      return { reason: current.message, unreached: true, isPermanent: current.isPermanent === true };
    }
    const { name, message, cause } = current instanceof Error ? current : new Error(String(current));
    const code = current instanceof Error && "code" in current ? String(current.code) : "";
    text += `${name} ${code} ${message}; `;
    lastCode = code;
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
  if (switched.test(text)) return { reason: switchedProtocols, unreached: true, isPermanent: true };
  if (continued.test(text)) {
    const reason =
      "the endpoint answers 100 Continue, which no request asked for, and this runtime's fetch stops there";
    return { reason, unreached: false, isPermanent: true };
  }
  if (permanentPatterns.some((pattern) => pattern.test(text))) {
    const words = innermost.replace(/^error sending request .*\(Connect\): /, "");
    const code = lastCode === "" || words.includes(lastCode) ? "" : ` (${lastCode})`;
    return { reason: `fetch cannot send to this endpoint: ${words}${code}`, unreached: true, isPermanent: true };
  }
  if (tlsError.test(text)) {
    return { reason: `no secure connection was made: ${innermost}`, unreached: true, isPermanent: false };
  }
  const detail = innermost === "" || disconnected.test(text) ? "" : `: ${innermost}`;
  const reason = `the connection broke before the answer came${detail}`;
  return { reason, unreached: text.includes("(Connect)"), isPermanent: false };
}
