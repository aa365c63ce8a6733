/**
 * OAuth 2.0 client credentials: a token from a token endpoint, sent as a bearer token.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import { readAtMost, readReason } from "../answer.ts";
import { describeNetworkError } from "../network_error.ts";
import { cleanText, formsOf, parseHttpUrl, redactSecrets, redactUrl, secretsOf } from "../redact.ts";
import { abortAfter, untilAborted } from "../sleep.ts";
import { type AuthContext, type AuthMethod, checkAuthOptions } from "./authorizer.ts";
import { basicCredentials } from "./basic.ts";
import { bearerCredentials } from "./bearer.ts";
import { CredentialCache, type Obtained } from "./credential_cache.ts";

/** The options of `oauth2`: where and with which credentials to ask for tokens. */
export interface OAuth2Options {
  /** The token endpoint: an http or https URL without user info. */
  readonly tokenUrl: string | URL;
  /** The client's name at the token endpoint. */
  readonly clientId: string;
  /** The client's secret at the token endpoint. */
  readonly clientSecret: string;
  /** The scopes to request, in the server's own names. @default none: the server uses its own default */
  readonly scopes?: readonly string[] | undefined;
  /** Further parameters of the request, such as `audience`. @default {} */
  readonly endpointParams?: Readonly<Record<string, string>> | undefined;
  /** Where the client sends its secret: in a header (each server must support this) or in the body. @default "basic" */
  readonly clientAuthentication?: "basic" | "body" | undefined;
  /** How long one request for a token may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
}

/** Longer than a request usually takes with its retries: a token must not expire on its way. */
const marginMs = 30_000;

/** Tokens are at most some kilobytes long, even with many claims. */
const maxAnswerBytes = 65_536;

/** As long as one attempt of the sender. */
const defaultTimeoutMs = 30_000;

const knownOptions: readonly (keyof OAuth2Options)[] = [
  "tokenUrl",
  "clientId",
  "clientSecret",
  "scopes",
  "endpointParams",
  "clientAuthentication",
  "timeoutMs",
];

const reservedParams: readonly string[] = ["grant_type", "scope", "client_id", "client_secret"];

/**
 * Authenticates with tokens from a token endpoint. A token is used until shortly before it expires, or until a 401.
 *
 * If the token endpoint refuses the client, samples are rejected. After any other error, they are tried again.
 *
 * @throws {ConfigurationError} if an option cannot be used
 * @example
 * ```ts
 * import { RemoteWriteClient } from "k6-remote-write";
 * import { oauth2 } from "k6-remote-write/auth";
 *
 * const client = new RemoteWriteClient({
 *   url: "https://metrics.example.com/api/v1/write",
 *   auth: oauth2({ tokenUrl: "https://login.example.com/token", clientId: "k6", clientSecret: "..." }),
 * });
 * console.log(client.stats.requestsTotal); // 0
 * ```
 */
export function oauth2(options: OAuth2Options): AuthMethod {
  checkAuthOptions(options, knownOptions, "oauth2");
  const request = tokenRequest(options);
  return (context) => {
    const obtain = (signal: AbortSignal): Promise<Obtained<string>> => requestToken(request, context, signal);
    const cache = new CredentialCache({ obtain, marginMs, now: context.now });
    return {
      async authorize({ headers }, signal): Promise<void> {
        headers.set("authorization", await cache.get(signal));
      },
      refresh(refused): boolean {
        cache.forget((credentials) => credentials === refused.get("authorization"));
        return true;
      },
    };
  };
}

/** The request for a token, the same each time. */
interface TokenRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly secrets: ReadonlySet<string>;
}

function tokenRequest(options: OAuth2Options): TokenRequest {
  const { clientId, clientSecret, scopes = [], endpointParams = {}, clientAuthentication = "basic" } = options;
  const url = parseTokenUrl(options.tokenUrl);
  for (const [name, value] of Object.entries({ clientId, clientSecret })) {
    if (typeof value !== "string" || value === "") throw optionError(name, "empty or missing", "a string");
  }
  const params = new URLSearchParams({ grant_type: "client_credentials" });
  if (scopes.length > 0) params.set("scope", scopes.join(" "));
  for (const [name, value] of Object.entries(endpointParams)) {
    if (reservedParams.includes(name)) {
      throw optionError("endpointParams", `setting ${name}`, `other names than ${reservedParams.join(", ")}`);
    }
    params.set(name, value);
  }
  const basic = basicCredentials({ user: formEncoded(clientId), password: formEncoded(clientSecret) });
  if (clientAuthentication === "body") {
    params.set("client_id", clientId);
    params.set("client_secret", clientSecret);
  } else if (clientAuthentication !== "basic") {
    throw optionError("clientAuthentication", JSON.stringify(clientAuthentication), '"basic" or "body"');
  }
  return {
    url,
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(clientAuthentication === "basic" ? { authorization: basic } : {}),
    },
    body: params.toString(),
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    secrets: new Set([
      ...secretsOf(new Map([["authorization", basic]]), url),
      ...formsOf([clientSecret, ...Object.values(endpointParams)]),
    ]),
  };
}

async function requestToken(
  request: TokenRequest,
  context: AuthContext,
  signal: AbortSignal,
): Promise<Obtained<string>> {
  const askedAt = context.now();
  const { ok, status, text } = await post(request, context, signal);
  if (text === undefined) {
    const problem = `its answer is longer than ${maxAnswerBytes / 1024} KiB, expected a JSON object with a token`;
    throw new ConfigurationError(messageOf(request, problem));
  }
  const answer = parseJson(text);
  if (!ok) {
    // The error and its description, in the form of RFC 6749, 5.2, or else the body as it is.
    const words = [answer["error"], answer["error_description"]].filter((word) => typeof word === "string");
    const message = messageOf(request, `it answered ${status}: ${words.length > 0 ? words.join(": ") : text}`);
    throw status >= 500 || status === 429 || status === 408 ? new Error(message) : new ConfigurationError(message);
  }
  const { access_token: token, token_type: type = "bearer", expires_in: seconds } = answer;
  // The message does not show the answer, which may contain a token in another place.
  if (typeof token !== "string") throw new ConfigurationError(messageOf(request, "its answer has no access_token"));
  if (String(type).toLowerCase() !== "bearer") {
    throw new ConfigurationError(messageOf(request, "the type of its token is not bearer"));
  }
  const lifetimeMs = 1000 * Number(seconds ?? Infinity);
  return { credentials: bearerCredentials(token), expiresAt: lifetimeMs > 0 ? askedAt + lifetimeMs : undefined };
}

/** Sends the request and reads the answer, within the timeout. `text` is undefined if the answer is too long. */
async function post(
  request: TokenRequest,
  { fetch, sleep }: AuthContext,
  signal: AbortSignal,
): Promise<{ ok: boolean; status: number; text: string | undefined }> {
  const { url, headers, body, timeoutMs, secrets } = request;
  const controller = new AbortController();
  const clear = abortAfter(timeoutMs, controller, { sleep, signal });
  try {
    const init = { method: "POST", headers, body, redirect: "manual", signal: controller.signal } as const;
    const response = await untilAborted(fetch(url.href, init), controller.signal);
    const { ok, status } = response;
    const text = ok
      ? await readAtMost(response, { maxBytes: maxAnswerBytes, signal: controller.signal })
      : await readReason(response, { secrets, signal: controller.signal, sleep });
    return { ok, status, text };
  } catch (cause) {
    if (signal.aborted) throw cause;
    if (controller.signal.aborted) {
      throw new Error(messageOf(request, `it did not answer within ${timeoutMs / 1000} s`), { cause });
    }
    const { reason, isPermanent } = describeNetworkError(cause);
    const message = messageOf(request, reason);
    throw isPermanent ? new ConfigurationError(message, { cause }) : new Error(message, { cause });
  } finally {
    clear();
  }
}

function messageOf({ url, secrets }: TokenRequest, reason: string): string {
  return `Cannot authenticate: no token came from ${redactUrl(url)}: ${cleanText(redactSecrets(reason, secrets))}`;
}

function parseTokenUrl(tokenUrl: string | URL): URL {
  const url = parseHttpUrl(String(tokenUrl));
  if (url === undefined) throw optionError("tokenUrl", redactUrl(String(tokenUrl)), "an http or https URL");
  if (url.username !== "" || url.password !== "") {
    throw optionError("tokenUrl", "a URL with user info", "clientId and clientSecret instead");
  }
  return url;
}

function optionError(name: string, value: string, expected: string): ConfigurationError {
  return new ConfigurationError(`Cannot authenticate: oauth2.${name} is ${value}, expected ${expected}`);
}

/** Encodes one part of the basic credentials as RFC 6749, 2.3.1 requires. */
function formEncoded(value: string): string {
  return new URLSearchParams([["", value]]).toString().slice(1);
}

/** Returns the fields of a JSON object, or none if the string is something else. */
function parseJson(json: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(json));
  } catch {
    return {};
  }
}
