/**
 * A fetch that can trust a CA, show a client certificate, or verify nothing: what the runtimes' own fetch either cannot or each
 * does in another way.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { builtin, toStream } from "./runtime.ts";

/** What to trust, and who to be. */
export interface TlsOptions {
  /** CA certificates in PEM form. @default those of the system */
  readonly ca?: string;
  /** Certificate of the client, in PEM form. */
  readonly cert?: string;
  /** Its private key. */
  readonly key?: string;
  /** Take only certificates that can be verified. @default true */
  readonly verify?: boolean;
  /** The oldest version to speak. @default the runtime's */
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
}

/** An answer, as node:https gives it. */
interface Message extends AsyncIterable<Uint8Array> {
  readonly statusCode?: number | undefined;
  readonly headersDistinct: Readonly<Record<string, readonly string[] | undefined>>;
  resume(): unknown;
}

/** Answers of these have no body. */
const withoutBody: readonly number[] = [204, 205, 304];

/** Like fetch for https requests with a body of bytes or text; follows no redirect. Requests by plain http go to fetch itself. */
export function createTlsFetch(options: TlsOptions): typeof globalThis.fetch {
  const https = builtin("node:https");
  const { verify = true, ...rest } = options;
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: verify, ...rest });
  return (input, init = {}) => {
    if (!/^https:/i.test(String(input))) return globalThis.fetch(input, init);
    return new Promise((resolve, reject) => {
      const { method = "GET", headers, body, signal } = init;
      const request = https.request(new URL(String(input)), {
        agent,
        method,
        headers: Object.fromEntries(new Headers(headers)),
        ...(signal ? { signal } : {}),
      }, (message) => {
        try {
          resolve(responseOf(message));
        } catch (cause) {
          // A status that is none, or a header that no Headers takes.
          message.destroy();
          reject(new TypeError("fetch failed", { cause }));
        }
      });
      request.on(
        "error",
        (cause) => reject(signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause })),
      );
      request.end(body instanceof Uint8Array || typeof body === "string" ? body : undefined);
    });
  };
}

function responseOf(message: Message): Response {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(message.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  if (!withoutBody.includes(status)) return new Response(toStream(message), { status, headers });
  message.resume();
  return new Response(null, { status, headers });
}

/**
 * Checks that a text holds certificates, as some runtimes take anything and fail later.
 *
 * @param source what to call it in an error
 * @throws ConfigurationError
 */
export function checkCertificates(pem: string, source: string): void {
  const { X509Certificate } = builtin("node:crypto");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    throw new ConfigurationError(`Cannot use ${source}: it holds no certificate, expected -----BEGIN CERTIFICATE-----`);
  }
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new ConfigurationError(`Cannot use ${source}: its certificate ${index + 1} cannot be read, expected PEM`);
    }
  }
}

/** Checks that a text holds a private key that can be used as it is: nobody is there to be asked for its password. */
export function checkPrivateKey(pem: string, source: string): void {
  try {
    builtin("node:crypto").createPrivateKey(pem);
  } catch {
    throw new ConfigurationError(
      `Cannot use ${source}: it cannot be read, expected a private key in PEM, not encrypted`,
    );
  }
}
