/**
 * Chooses the authentication method that the options ask for.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { AuthContext, AuthMethod, Authorizer } from "./authorizer.ts";
import { basicAuthorizer, userInfoOf } from "./basic.ts";
import { bearerAuthorizer } from "./bearer.ts";

/** How to authenticate. At most one method may be used. */
export interface AuthOptions {
  /** The user of basic authentication. User info in the URL has the same effect. @default none */
  readonly user?: string | undefined;
  /** The password of basic authentication. It requires `user`. @default "" */
  readonly password?: string | undefined;
  /** The token for `Authorization: Bearer`. @default none */
  readonly bearerToken?: string | (() => string | Promise<string>) | undefined;
  /** Another method, such as `oauth2({ ... })` or `sigV4({ ... })`. @default none */
  readonly auth?: AuthMethod | undefined;
}

/**
 * Returns the authorizer, or undefined if there is none or the custom headers contain Authorization.
 *
 * @throws {ConfigurationError} if there are two methods (the message names both), or if one is incomplete
 */
export function resolveAuthorizer(
  { user, password, bearerToken, auth, headers }: AuthOptions & { readonly headers: Readonly<Record<string, string>> },
  context: AuthContext,
): Authorizer | undefined {
  const userInfo = userInfoOf(context.url);
  const custom = Object.keys(headers).find((name) => name.toLowerCase() === "authorization");
  if (password !== undefined && user === undefined) {
    throw authError("user is missing", "a user together with the password");
  }
  if (auth !== undefined && typeof auth !== "function") {
    throw authError(`auth is of type ${typeof auth}`, "a function such as sigV4({ ... })");
  }
  const methods: readonly (readonly [name: string, create: (() => Authorizer | undefined) | undefined])[] = [
    ["the user info of the URL", userInfo && (() => basicAuthorizer(userInfo))],
    ["user", user === undefined ? user : () => basicAuthorizer({ user, password: password ?? "" })],
    ["bearerToken", bearerToken === undefined ? bearerToken : () => bearerAuthorizer(bearerToken)],
    ["auth", auth && (() => checkedAuthorizer(auth(context)))],
    [`the header ${custom}`, custom === undefined ? custom : () => undefined],
  ];
  const given = methods.filter(([, create]) => create !== undefined);
  if (given.length > 1) {
    throw authError(`the options contain ${given.map(([name]) => name).join(" and ")}`, "only one of them");
  }
  return given[0]?.[1]?.();
}

function checkedAuthorizer(authorizer: Authorizer): Authorizer {
  if (typeof authorizer?.authorize === "function") return authorizer;
  throw authError("the function auth returns no authorizer", "one of sigV4({ ... }) or { authorize() }");
}

function authError(problem: string, expected: string): ConfigurationError {
  return new ConfigurationError(`Cannot authenticate: ${problem}, expected ${expected}`);
}
