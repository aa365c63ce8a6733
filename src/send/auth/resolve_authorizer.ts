/**
 * Which way to authenticate the options ask for.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Authorizer } from "../authorizer.ts";
import { basicAuthorizer } from "./basic.ts";
import { bearerAuthorizer, type BearerToken } from "./bearer.ts";
import { oauth2Authorizer, type OAuth2Context, type OAuth2Options } from "./oauth2.ts";
import { sigV4Authorizer, type SigV4Options } from "./sigv4.ts";
import { splitCredentials } from "./split_credentials.ts";

/** The ways to authenticate; at most one may be used. */
export interface AuthOptions {
  /** For basic authentication; user info in the URL does the same. @default none */
  readonly user?: string | undefined;
  /** Goes with `user`. @default "" */
  readonly password?: string | undefined;
  /** For `Authorization: Bearer`. @default none */
  readonly bearerToken?: BearerToken | undefined;
  /** Tokens by OAuth 2.0 client credentials. @default none */
  readonly oauth2?: OAuth2Options | undefined;
  /** AWS's signatures; one of which no part is given is none. @default none */
  readonly sigv4?: SigV4Options | undefined;
  /** The custom headers: one of them may be Authorization. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What is known where the options are resolved. */
export interface AuthContext extends OAuth2Context {
  /** The endpoint; may have user info. */
  readonly url: URL;
}

/**
 * Finds the way to authenticate.
 *
 * @returns undefined if there is none, or the custom headers already have one
 * @throws {ConfigurationError} if there are two, naming both, or one is not complete
 */
export function resolveAuthorizer(options: AuthOptions, context: AuthContext): Authorizer | undefined {
  const { user, password, bearerToken, oauth2, sigv4, headers = {} } = options;
  const inUrl = splitCredentials(context.url);
  const ways = new Map<string, () => Authorizer | undefined>();
  if (inUrl.user !== undefined) {
    const { user, password = "" } = inUrl;
    ways.set("the user info of the URL", () => basicAuthorizer({ user, password }));
  }
  if (user !== undefined) ways.set("user", () => basicAuthorizer({ user, password: password ?? "" }));
  else if (password !== undefined) {
    ways.set("password", () => {
      throw new ConfigurationError("Cannot authenticate: user is missing, expected one, as there is a password");
    });
  }
  if (bearerToken !== undefined) ways.set("bearerToken", () => bearerAuthorizer(bearerToken));
  if (oauth2 !== undefined) ways.set("oauth2", () => oauth2Authorizer(oauth2, context));
  if (sigv4 !== undefined && Object.values(sigv4).some((part) => part !== undefined)) {
    ways.set("sigv4", () => sigV4Authorizer(sigv4, context));
  }
  const custom = Object.keys(headers).find((name) => name.toLowerCase() === "authorization");
  if (custom !== undefined) ways.set(`the header ${custom}`, () => undefined);
  if (ways.size > 1) {
    const names = [...ways.keys()].join(" and ");
    throw new ConfigurationError(`Cannot authenticate: the ways given are ${names}, expected only one of them`);
  }
  const [resolve] = ways.values();
  return resolve?.();
}
