/**
 * Credentials that a program prints: `aws`, `az`, `gcloud`, or any other. The clouds' own programs know every source of credentials
 * (profiles, roles, web identity tokens, containers, instances), so this command needs none of their libraries.
 *
 * @module
 */
import { formatDurationMs } from "../config/duration.ts";
import { ConfigurationError } from "../model/errors.ts";
import { CredentialCache } from "../send/auth/credential_cache.ts";
import type { ExpiringAwsCredentials } from "../send/auth/sigv4.ts";
import { bearerCredentials } from "../send/auth/bearer.ts";
import { builtin } from "./runtime.ts";

/** Credentials as a program printed them. */
type PrintedCredentials =
  | { readonly aws: ExpiringAwsCredentials; readonly token?: undefined }
  | { readonly aws?: undefined; readonly token: string; readonly expiresAt: number | undefined };

/** A program must print its credentials within this time by default, in milliseconds. */
const defaultTimeoutMs = 30_000;
/** Credentials are not larger than this, in bytes. */
const maxBytes = 65_536;
/** New credentials are requested this long before the old ones expire, in milliseconds. */
const marginMs = 60_000;
/** How long a token is used whose lifetime is not known, in milliseconds. */
const unknownLifetimeMs = 300_000;

/** Gets credentials from a program, and again before they expire. */
export class CredentialsCommand {
  readonly #command: string;
  readonly #timeoutMs: number;
  /** What the program printed when the command began; it is used once. */
  #first: PrintedCredentials | undefined;
  readonly #tokens: CredentialCache<string>;

  /** Runs the program. @throws ConfigurationError if it fails, or prints no credentials */
  constructor(command: string, { timeoutMs = defaultTimeoutMs }: { readonly timeoutMs?: number } = {}) {
    this.#command = command;
    this.#timeoutMs = timeoutMs;
    const { status, stdout, error } = builtin("node:child_process").spawnSync(command, {
      shell: true,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: timeoutMs,
      maxBuffer: maxBytes,
    });
    if (error !== undefined || status !== 0) {
      throw this.#failure(status, error !== undefined && "code" in error && error.code === "ETIMEDOUT");
    }
    this.#first = parseCredentials(stdout);
    const obtain = async (): Promise<{ credentials: string; expiresAt: number }> => {
      const { token, expiresAt = Date.now() + unknownLifetimeMs } = await this.#tokenOf();
      return { credentials: token, expiresAt };
    };
    this.#tokens = new CredentialCache({ obtain, marginMs, now: Date.now });
  }

  /** Whether the credentials sign requests to AWS. */
  get isAws(): boolean {
    return this.#first?.aws !== undefined;
  }

  /** Returns credentials that sign requests. Rejects if the program fails, or prints others. */
  readonly awsCredentials = async (): Promise<ExpiringAwsCredentials> => {
    const { aws } = await this.#obtain();
    if (aws === undefined) throw new Error("the credentials command printed a token, expected AWS credentials");
    return aws;
  };

  /** Returns a bearer token. Rejects if the program fails, or prints other credentials. */
  readonly token = (): Promise<string> => this.#tokens.get(new AbortController().signal);

  async #tokenOf(): Promise<PrintedCredentials & { readonly token: string }> {
    const credentials = await this.#obtain();
    if (credentials.token === undefined) {
      throw new Error("the credentials command printed AWS credentials, expected a token");
    }
    return credentials;
  }

  #obtain(): Promise<PrintedCredentials> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return Promise.resolve(first);
    const { exec } = builtin("node:child_process");
    return new Promise((resolve, reject) => {
      const options = { timeout: this.#timeoutMs, maxBuffer: maxBytes, windowsHide: true };
      const child = exec(this.#command, options, (error, stdout) => {
        // The error's own message holds what the program printed.
        if (error !== null) return reject(this.#failure(error.code, error.killed === true));
        try {
          resolve(parseCredentials(stdout));
        } catch (problem) {
          reject(problem);
        }
      });
      child.stdin?.end();
    });
  }

  #failure(status: number | null | undefined, isLate: boolean): ConfigurationError {
    const problem = isLate
      ? `did not end within ${formatDurationMs(this.#timeoutMs)}`
      : status === null || status === undefined
      ? "did not end properly, expected exit code 0"
      : `ended with ${status}, expected 0`;
    return new ConfigurationError(
      `Cannot get credentials: the credentials command ${problem}. Run it by hand to see why.`,
    );
  }
}

/**
 * Reads what a program printed: a token alone, or a JSON object of AWS (`credential_process`), Azure (`az account
 * get-access-token`), Google (`gcloud config config-helper`), Kubernetes (`ExecCredential`) or OAuth 2.0.
 *
 * @throws ConfigurationError that shows no part of the string
 */
export function parseCredentials(text: string): PrintedCredentials {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) {
    bearerCredentials(trimmed);
    return { token: trimmed, expiresAt: undefined };
  }
  const fields = fieldsOf(trimmed);
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = fields;
  if (typeof AccessKeyId === "string" && typeof SecretAccessKey === "string") {
    const expiresAt = timeOf(Expiration);
    return {
      aws: {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        ...typeof SessionToken === "string" && SessionToken !== "" && { sessionToken: SessionToken },
        ...expiresAt !== undefined && { expiration: new Date(expiresAt) },
      },
    };
  }
  const token = [fields.accessToken, fields.access_token, fields.token].find((each) => typeof each === "string");
  if (typeof token !== "string") {
    throw new ConfigurationError(
      "Cannot get credentials: the JSON of the credentials command has no known member, expected AccessKeyId and SecretAccessKey, " +
        "accessToken, access_token or token",
    );
  }
  bearerCredentials(token);
  const times = [fields.expirationTimestamp, fields.expires_on, fields.token_expiry];
  const lifetime = typeof fields.expires_in === "number" ? Date.now() + fields.expires_in * 1000 : undefined;
  return { token, expiresAt: times.map(timeOf).find((time) => time !== undefined) ?? lifetime };
}

/** Returns the members of the object, and those of Kubernetes's `status` and Google's `credential`. */
function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const object = Object(JSON.parse(text));
    return { ...object, ...Object(object.credential), ...Object(object.status) };
  } catch {
    throw new ConfigurationError(
      "Cannot get credentials: the credentials command printed no valid JSON, expected an object or a token alone",
    );
  }
}

/** Reads a time: a string of ISO 8601, or seconds since the Unix epoch. */
function timeOf(value: unknown): number | undefined {
  const ms = typeof value === "number" ? value * 1000 : typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isFinite(ms) ? ms : undefined;
}
