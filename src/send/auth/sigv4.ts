/**
 * AWS Signature Version 4, as Amazon Managed Service for Prometheus requires it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @module
 */
import { AwsV4Signer } from "aws4fetch";
import { ConfigurationError } from "../../model/errors.ts";
import { type AuthMethod, type AuthorizableRequest, checkAuthOptions } from "./authorizer.ts";
import { CredentialCache, type Obtained, retriable } from "./credential_cache.ts";

/** The credentials that sign a request. */
export interface AwsCredentials {
  /** The access key, such as `AKIA...`. Temporary ones begin with `ASIA`. */
  readonly accessKeyId: string;
  /** The secret key. It is never sent. */
  readonly secretAccessKey: string;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** The credentials that a function returns. */
export interface ExpiringAwsCredentials extends AwsCredentials {
  /** When the credentials expire. They are renewed five minutes before. @default the function is called before each attempt */
  readonly expiration?: Date | undefined;
}

/** How to sign: with fixed credentials, or with those that a function returns. */
export interface SigV4Options {
  /** The AWS region, such as `eu-central-1`. Required. */
  readonly region?: string | undefined;
  /** The access key of fixed credentials. */
  readonly accessKeyId?: string | undefined;
  /** The secret key of fixed credentials. */
  readonly secretAccessKey?: string | undefined;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** Returns credentials that change, instead of fixed ones. */
  readonly credentials?: (() => Promise<ExpiringAwsCredentials>) | undefined;
  /** The name of the service in the signature. @default "aps" */
  readonly service?: string | undefined;
}

const knownOptions: readonly (keyof SigV4Options)[] = [
  "region",
  "accessKeyId",
  "secretAccessKey",
  "sessionToken",
  "credentials",
  "service",
];

/** AWS's own clients renew credentials five minutes before they expire, too. */
const marginMs = 5 * 60_000;

/** Proxies change these headers, so a signature that covers them would become invalid. */
const unsignedHeaders: readonly string[] = ["authorization", "connection", "user-agent", "x-amzn-trace-id"];

/** The headers of a signature. */
const signatureHeaders: readonly string[] = [
  "authorization",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-security-token",
];

/**
 * Signs each attempt at its own time: the URL, the headers and the body.
 *
 * @throws {ConfigurationError} if a part is missing, or if there are fixed credentials together with a function
 * @example
 * ```ts
 * import { RemoteWriteClient } from "k6-remote-write";
 * import { sigV4 } from "k6-remote-write/auth";
 *
 * const client = new RemoteWriteClient({
 *   url: "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
 *   auth: sigV4({ region: "eu-central-1", accessKeyId: "AKIAEXAMPLE", secretAccessKey: "..." }),
 * });
 * console.log(client.stats.requestsTotal); // 0
 * ```
 */
export function sigV4(options: SigV4Options): AuthMethod {
  checkAuthOptions(options, knownOptions, "sigV4");
  const { region = "", service = "aps", credentials: callback } = options;
  if (region === "") throw missing("sigv4.region");
  if (callback === undefined) {
    const fixed = checkCredentials(options, "sigv4.");
    return ({ now }) => ({ authorize: (request) => sign(request, fixed, { region, service, time: now() }) });
  }
  for (const name of ["accessKeyId", "secretAccessKey", "sessionToken"] as const) {
    if (options[name] !== undefined) {
      throw new ConfigurationError(
        `Cannot authenticate: sigv4.${name} is given together with sigv4.credentials, expected only one of them`,
      );
    }
  }
  return ({ now }) => {
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
  };
}

async function call(
  callback: () => Promise<ExpiringAwsCredentials>,
  now: () => number,
): Promise<Obtained<AwsCredentials>> {
  const given = await callback();
  const credentials = checkCredentials(given, "the result of sigv4.credentials: ");
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
    // aws4fetch leaves out Content-Type by default.
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
