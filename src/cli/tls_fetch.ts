/**
 * A fetch that can trust a CA, present a client certificate, or skip verification. The runtimes' own fetch functions cannot do
 * this, or each does it in a different way.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import { builtin, toStream } from "./runtime.ts";

/** The certificates that are trusted and presented. */
export interface TlsOptions {
  /** CA certificates in PEM form. @default the system's */
  readonly ca?: string;
  /** The client's certificate, in PEM form. */
  readonly cert?: string;
  /** The private key of `cert`, in PEM form. */
  readonly key?: string;
  /** Accept only certificates that can be verified. @default true */
  readonly verify?: boolean;
  /** The oldest TLS version to accept. @default the runtime's */
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
}

/** A response of node:https. */
interface Message extends AsyncIterable<Uint8Array> {
  readonly statusCode?: number | undefined;
  readonly headersDistinct: Readonly<Record<string, readonly string[] | undefined>>;
  resume(): unknown;
}

/**
 * Returns a fetch for https requests whose body is bytes or a string. It does not follow redirects. It hands requests over plain
 * http to the global fetch.
 */
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
          // The status is out of range, or Headers rejects a header.
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
  // A Response of these has no body.
  if (![204, 205, 304].includes(status)) return new Response(toStream(message), { status, headers });
  message.resume();
  return new Response(null, { status, headers });
}

/**
 * Checks that a string holds certificates: some runtimes accept any string and fail later.
 *
 * @param source names the file in an error
 * @throws ConfigurationError if there is no certificate, or one cannot be read
 */
export function checkCertificates(pem: string, source: string): void {
  const { X509Certificate } = builtin("node:crypto");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    throw new ConfigurationError(
      `Cannot use ${source}: it contains no certificate, expected -----BEGIN CERTIFICATE-----`,
    );
  }
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new ConfigurationError(
        `Cannot use ${source}: its certificate number ${index + 1} cannot be read, expected PEM`,
      );
    }
  }
}

/**
 * Checks that a string holds a private key that is not encrypted, because there is no way to ask for a password.
 *
 * @param source names the file in an error
 * @throws ConfigurationError if there is none
 */
export function checkPrivateKey(pem: string, source: string): void {
  try {
    builtin("node:crypto").createPrivateKey(pem);
  } catch {
    throw new ConfigurationError(
      `Cannot use ${source}: it cannot be read, expected an unencrypted private key in PEM`,
    );
  }
}
