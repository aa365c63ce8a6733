/**
 * OAuth 2.0 client credentials: a token from a token endpoint, sent as a bearer token.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Authorizer } from "../authorizer.ts";
import { sendDefaults } from "../defaults.ts";
import type { Fetch } from "../fetch.ts";
import { describeNetworkError } from "../network_error.ts";
import { cleanText, formsOf, parseUrl, redactSecrets, redactUrl } from "../redact.ts";
import { readReason } from "../response_text.ts";
import { type Sleep, sleep as realSleep, untilAborted } from "../sleep.ts";
import { basicCredentials } from "./basic.ts";
import { bearerCredentials } from "./bearer.ts";
import { CredentialCache, type Obtained } from "./credential_cache.ts";

/** How to get tokens. */
export interface OAuth2Options {
  /** The token endpoint, http or https, without user info. */
  readonly tokenUrl: string | URL;
  /** The client's name at the token endpoint. */
  readonly clientId: string;
  /** The client's secret there. */
  readonly clientSecret: string;
  /** What is asked for. @default none: the server's own default */
  readonly scopes?: readonly string[] | undefined;
  /** Further parameters of the request, such as `audience`. @default {} */
  readonly endpointParams?: Readonly<Record<string, string>> | undefined;
  /** Whether the client shows its secret in the header, as each server must support, or in the body. @default "basic" */
  readonly clientAuthentication?: "basic" | "body" | undefined;
  /** For one request of a token, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
}

/** What is injected. */
export interface OAuth2Context {
  /** Sends the requests of tokens. */
  readonly fetch: Fetch;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** @default by the runtime's timers */
  readonly sleep?: Sleep | undefined;
}

/** Longer than a request takes, retries included as a rule: a token must not expire on its way. */
const marginMs = 30_000;

const reservedParams: readonly string[] = ["grant_type", "scope", "client_id", "client_secret"];

/**
 * Authenticates with tokens from a token endpoint: one is used until shortly before it expires, or until a 401.
 *
 * Its requests reject with a ConfigurationError if the endpoint refuses the client, with another Error if it may give a token
 * later.
 *
 * @throws {ConfigurationError} if an option cannot be used
 */
export function oauth2Authorizer(options: OAuth2Options, context: OAuth2Context): Authorizer {
  const endpoint = new TokenEndpoint(options, context);
  const cache = new CredentialCache({ obtain: (signal) => endpoint.ask(signal), marginMs, now: context.now });
  return {
    async authorize({ headers }, signal): Promise<void> {
      headers.set("authorization", await cache.get(signal));
    },
    refresh(refused): boolean {
      cache.forget((credentials) => credentials === refused.get("authorization"));
      return true;
    },
  };
}

class TokenEndpoint {
  readonly #context: OAuth2Context;
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: string;
  readonly #secrets: ReadonlySet<string>;
  readonly #timeoutMs: number;

  constructor(options: OAuth2Options, context: OAuth2Context) {
    const { clientId, clientSecret, scopes = [], endpointParams = {}, clientAuthentication = "basic" } = options;
    this.#context = context;
    this.#url = parseTokenUrl(options.tokenUrl);
    this.#timeoutMs = options.timeoutMs ?? sendDefaults.timeoutMs;
    for (const [name, value] of Object.entries({ clientId, clientSecret })) {
      if (typeof value !== "string" || value === "") throw optionError(name, "empty or missing", "a text");
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
    this.#headers = {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(clientAuthentication === "basic" ? { authorization: basic } : {}),
    };
    this.#body = params.toString();
    this.#secrets = formsOf([clientSecret, ...Object.values(endpointParams), basic.slice("Basic ".length)]);
  }

  /** Asks for a token. */
  async ask(signal: AbortSignal): Promise<Obtained<string>> {
    const askedAt = this.#context.now();
    const { ok, status, text } = await this.#post(signal);
    const answer = parseJson(text);
    if (!ok) {
      // The error and its description as RFC 6749, 5.2 has them, or else the text as it is.
      const words = [answer["error"], answer["error_description"]].filter((word) => typeof word === "string");
      const message = this.#message(`it answered ${status}: ${words.length > 0 ? words.join(": ") : text}`);
      throw status >= 500 || status === 429 || status === 408 ? new Error(message) : new ConfigurationError(message);
    }
    const { access_token: token, token_type: type = "bearer", expires_in: seconds } = answer;
    // What there is instead is not shown: it may hold a token in another place.
    if (typeof token !== "string") throw new ConfigurationError(this.#message("its answer has no access_token"));
    if (String(type).toLowerCase() !== "bearer") {
      throw new ConfigurationError(this.#message("its token is of another type than bearer"));
    }
    const lifetimeMs = 1000 * Number(seconds ?? Infinity);
    return { credentials: bearerCredentials(token), expiresAt: lifetimeMs > 0 ? askedAt + lifetimeMs : undefined };
  }

  /** Sends the request and reads the answer, in the time there is. */
  async #post(signal: AbortSignal): Promise<{ ok: boolean; status: number; text: string }> {
    const { fetch, sleep = realSleep } = this.#context;
    const controller = new AbortController();
    const end = new AbortController();
    let timedOut = false;
    const abort = (): void => controller.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    void sleep(this.#timeoutMs, end.signal).then(() => {
      timedOut = !end.signal.aborted;
      controller.abort();
    });
    try {
      const init = { method: "POST", headers: this.#headers, body: this.#body, redirect: "manual" } as const;
      const sent = fetch(this.#url.href, { ...init, signal: controller.signal });
      const response = await untilAborted(sent, controller.signal);
      const { ok, status } = response;
      const text = ok
        ? await untilAborted(response.text(), controller.signal)
        : await readReason(response, { secrets: this.#secrets, signal: controller.signal });
      return { ok, status, text };
    } catch (cause) {
      if (signal.aborted) throw cause;
      if (timedOut) throw new Error(this.#message(`no answer came within ${this.#timeoutMs} ms`), { cause });
      const { reason, forbidden } = describeNetworkError(cause);
      throw forbidden
        ? new ConfigurationError(this.#message(reason), { cause })
        : new Error(this.#message(reason), { cause });
    } finally {
      end.abort();
      signal.removeEventListener("abort", abort);
    }
  }

  #message(reason: string): string {
    const clean = cleanText(redactSecrets(reason, this.#secrets));
    return `Cannot authenticate: ${redactUrl(this.#url)} gives no token: ${clean}`;
  }
}

function parseTokenUrl(tokenUrl: string | URL): URL {
  const url = parseUrl(String(tokenUrl));
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw optionError("tokenUrl", redactUrl(String(tokenUrl)), "an http or https URL");
  }
  if (url.username !== "" || url.password !== "") {
    throw optionError("tokenUrl", "a URL with user info", "none, as clientId and clientSecret say it");
  }
  return url;
}

function optionError(name: string, value: string, expected: string): ConfigurationError {
  return new ConfigurationError(`Cannot authenticate: oauth2.${name} is ${value}, expected ${expected}`);
}

/** As RFC 6749, 2.3.1 wants the two parts of the basic credentials. */
function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** The fields of a JSON object; none if the text is something else. */
function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
