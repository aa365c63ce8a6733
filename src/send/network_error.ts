/**
 * Describes what fetch throws. Each runtime reports the same problem in another way.
 *
 * @module
 */
import { cleanText } from "./redact.ts";

/** What an error of fetch means. */
export interface NetworkError {
  /** What happened, in one clause. It is not redacted yet. */
  readonly reason: string;
  /** Whether the receiver cannot have got the request. */
  readonly unreached: boolean;
  /** Whether the runtime forbids the request, so that a retry is useless. */
  readonly forbidden: boolean;
}

/** Codes of Node and Bun, and messages of Deno, for connections that were never made. */
const unreachedPatterns: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|Connection refused/, "the connection was refused"],
  [/ENOTFOUND|EAI_AGAIN|dns error/, "the host name was not found"],
  [/EHOSTUNREACH|ENETUNREACH|host unreachable|network is unreachable/i, "the host cannot be reached"],
  [/UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|\(Connect\).*timed out/, "the connection was not made in time"],
];

/** A TLS handshake comes before the request, too. */
const tlsError = /CERT|SELF_SIGNED|UNABLE_TO_|EPROTO|ERR_SSL|ERR_TLS|certificate|corrupt message|handshake/;

/** The connection ended without an answer. The runtimes' own words add nothing. */
const disconnected = /ECONNRESET|EPIPE|UND_ERR_SOCKET|Connection reset|connection closed/;

/** Describes what fetch threw. */
export function describeNetworkError(error: unknown): NetworkError {
  let [text, innermost, forbidden] = ["", "", false];
  // The error and its causes. The innermost message says most; the outer one is "fetch failed".
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const { name, message, cause } = current instanceof Error ? current : new Error(String(current));
    text += `${name} ${current instanceof Error && "code" in current ? current.code : ""} ${message}; `;
    innermost = cleanText(message);
    forbidden ||= name === "NotCapable" || name === "PermissionDenied";
    current = cause;
  }
  // Deno's messages contain the URL, whose host may have any name.
  text = text.replace(/https?:\/\/[^\s)]+/g, "");
  const unreachedBecause = (reason: string): NetworkError => ({ reason, unreached: true, forbidden });
  if (forbidden) return unreachedBecause(`the runtime does not permit it: ${innermost}`);
  for (const [pattern, reason] of unreachedPatterns) if (pattern.test(text)) return unreachedBecause(reason);
  if (tlsError.test(text)) return unreachedBecause(`no secure connection was made: ${innermost}`);
  const detail = innermost === "" || disconnected.test(text) ? "" : `: ${innermost}`;
  const reason = `the connection broke before the answer came${detail}`;
  return { reason, unreached: text.includes("(Connect)"), forbidden };
}
