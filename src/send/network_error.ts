/**
 * What fetch throws, told apart: each runtime has its own way to say it.
 *
 * @module
 */
import { cleanText } from "./redact.ts";

/** What is known of an error of fetch. */
export interface NetworkError {
  /** One clear sentence; still to be redacted. */
  readonly reason: string;
  /** The request cannot have been received. */
  readonly unreached: boolean;
  /** It will not change by itself: the runtime forbids the request. */
  readonly forbidden: boolean;
}

/** Codes of Node and Bun for connections that never were; Deno has texts instead. */
const unreachedCodes: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|Connection refused/, "the connection was refused"],
  [/ENOTFOUND|EAI_AGAIN|dns error/, "the host name was not found"],
  [/EHOSTUNREACH|ENETUNREACH|host unreachable|network is unreachable/i, "the host cannot be reached"],
  [/UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|\(Connect\).*timed out/, "the connection was not made in time"],
];

/** A TLS handshake comes before the request, too. */
const tlsError = /CERT|SELF_SIGNED|UNABLE_TO_|EPROTO|ERR_SSL|ERR_TLS|certificate|corrupt message|handshake/;

/** An end without an answer; the runtimes' own words for it add nothing. */
const disconnected = /ECONNRESET|EPIPE|UND_ERR_SOCKET|Connection reset|connection closed/;

/** Describes what fetch threw. */
export function describeNetworkError(error: unknown): NetworkError {
  const causes = causesOf(error);
  // Deno's messages hold the URL, whose host could be called anything.
  const text = causes.map(({ name, code, message }) => `${name} ${code} ${message}`).join("; ")
    .replace(/https?:\/\/[^\s)]+/g, "");
  // The innermost message says most; what is around it is "fetch failed".
  const innermost = cleanText(causes.at(-1)?.message ?? "");
  if (causes.some(({ name }) => name === "NotCapable" || name === "PermissionDenied")) {
    return { reason: `the runtime does not permit it: ${innermost}`, unreached: true, forbidden: true };
  }
  for (const [pattern, reason] of unreachedCodes) {
    if (pattern.test(text)) return { reason, unreached: true, forbidden: false };
  }
  if (tlsError.test(text)) {
    return { reason: `no secure connection was made: ${innermost}`, unreached: true, forbidden: false };
  }
  const detail = innermost === "" || disconnected.test(text) ? "" : `: ${innermost}`;
  const unreached = text.includes("(Connect)");
  return { reason: `the connection broke before the answer came${detail}`, unreached, forbidden: false };
}

interface Cause {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** The error and what caused it, outermost first. */
function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  for (let current = error; current !== undefined && current !== null && causes.length < 8;) {
    if (!(current instanceof Error)) {
      causes.push({ name: "", code: "", message: String(current) });
      break;
    }
    const code = "code" in current ? String(current.code) : "";
    causes.push({ name: current.name, code, message: current.message });
    current = current.cause;
  }
  return causes;
}
