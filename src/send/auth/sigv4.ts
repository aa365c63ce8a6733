/**
 * AWS's Signature Version 4, as Amazon Managed Service for Prometheus wants it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @module
 */
import { AwsV4Signer } from "aws4fetch";
import { ConfigurationError } from "../../model/errors.ts";
import type { AuthorizableRequest, Authorizer } from "../authorizer.ts";
import { CredentialCache, type Obtained } from "./credential_cache.ts";
import { retriable } from "./retriable.ts";

/** What signs. */
export interface AwsCredentials {
  /** Such as `AKIA...`; temporary ones begin with `ASIA`. */
  readonly accessKeyId: string;
  /** Never sent. */
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** Credentials that a callback gives. */
export interface ExpiringAwsCredentials extends AwsCredentials {
  /** When they expire; without it the callback is called on each attempt. */
  readonly expiration?: Date | undefined;
}

/** How to sign: with fixed credentials, or with those of a callback. */
export interface SigV4Options {
  /** Such as `eu-central-1`. */
  readonly region?: string | undefined;
  /** The part of the credentials that is not secret. */
  readonly accessKeyId?: string | undefined;
  /** The secret part. */
  readonly secretAccessKey?: string | undefined;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** Gives credentials that change, instead of fixed ones. */
  readonly credentials?: (() => Promise<ExpiringAwsCredentials>) | undefined;
  /** The service's name in the signature. @default "aps" */
  readonly service?: string | undefined;
}

/** AWS's own clients renew five minutes ahead, too. */
const marginMs = 5 * 60_000;

/** A signature that covers what proxies change on the way would not hold. */
const unsignedHeaders: readonly string[] = ["authorization", "connection", "user-agent", "x-amzn-trace-id"];

/** What a signature consists of. */
const signatureHeaders: readonly string[] = [
  "authorization",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-security-token",
];

/**
 * Signs each attempt anew, at its own time: URL, headers and body as they are sent.
 *
 * @throws {ConfigurationError} if a part is missing, or there are fixed credentials and a callback
 */
export function sigV4Authorizer(options: SigV4Options, { now }: { readonly now: () => number }): Authorizer {
  const { region = "", service = "aps", credentials: callback } = options;
  if (region === "") throw missing("sigv4.region");
  if (callback === undefined) {
    const fixed = checkCredentials(options, "sigv4.");
    return { authorize: (request) => sign(request, fixed, { region, service, time: now() }) };
  }
  for (const name of ["accessKeyId", "secretAccessKey", "sessionToken"] as const) {
    if (options[name] !== undefined) {
      throw new ConfigurationError(
        `Cannot authenticate: sigv4.${name} is given beside sigv4.credentials, expected only one of them`,
      );
    }
  }
  const cache = new CredentialCache({ obtain: () => retriable(() => call(callback, now)), marginMs, now });
  return {
    async authorize(request, signal): Promise<void> {
      await sign(request, await cache.get(signal), { region, service, time: now() });
    },
    refresh(refused): boolean {
      const authorization = refused.get("authorization") ?? "";
      cache.forget(({ accessKeyId }) => authorization.includes(`Credential=${accessKeyId}/`));
      return true;
    },
  };
}

async function call(
  callback: () => Promise<ExpiringAwsCredentials>,
  now: () => number,
): Promise<Obtained<AwsCredentials>> {
  const given = await callback();
  const credentials = checkCredentials(given, "what sigv4.credentials gives: ");
  return { credentials, expiresAt: given.expiration?.getTime() ?? now() };
}

async function sign(
  { method, url, headers, body }: AuthorizableRequest,
  credentials: AwsCredentials,
  { region, service, time }: { readonly region: string; readonly service: string; readonly time: number },
): Promise<void> {
  const signable = new Headers([...headers]);
  for (const name of [...signatureHeaders, ...unsignedHeaders]) signable.delete(name);
  signable.set("x-amz-content-sha256", hex(await crypto.subtle.digest("SHA-256", body)));
  const datetime = new Date(time).toISOString().replace(/[-:]|\.\d+/g, "");
  const signer = new AwsV4Signer({
    method,
    url,
    headers: signable,
    body,
    ...credentials,
    region,
    service,
    datetime,
    // The type of the content too, which aws4fetch leaves out by default.
    allHeaders: true,
  });
  const signed = await signer.sign();
  for (const name of signatureHeaders) {
    const value = signed.headers.get(name);
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
}

function checkCredentials(given: Partial<AwsCredentials>, where: string): AwsCredentials {
  const { accessKeyId, secretAccessKey, sessionToken } = given;
  if (typeof accessKeyId !== "string" || accessKeyId === "") throw missing(`${where}accessKeyId`);
  if (typeof secretAccessKey !== "string" || secretAccessKey === "") throw missing(`${where}secretAccessKey`);
  return { accessKeyId, secretAccessKey, sessionToken };
}

function missing(what: string): ConfigurationError {
  const parts = "region, accessKeyId and secretAccessKey, or region and credentials";
  return new ConfigurationError(`Cannot authenticate: ${what} is missing, expected ${parts}`);
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
