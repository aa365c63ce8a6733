/**
 * Authentication with a bearer token.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Authorizer } from "./authorizer.ts";
import { retriable } from "./credential_cache.ts";

/** A token, or a function that returns the current one. The function is called before each attempt, so it should cache. */
type BearerToken = string | (() => string | Promise<string>);

/**
 * Authenticates with a token. White space around the token is removed, because files end with a line break.
 *
 * If a function returns a token that cannot be used, only this attempt fails.
 *
 * @throws {ConfigurationError} if a fixed token is empty, or has characters other than visible ASCII
 */
export function bearerAuthorizer(token: BearerToken): Authorizer {
  if (typeof token === "string") {
    const value = bearerCredentials(token);
    return { authorize: ({ headers }) => void headers.set("authorization", value) };
  }
  return {
    async authorize({ headers }): Promise<void> {
      headers.set("authorization", await retriable(async () => bearerCredentials(await token())));
    },
    // The next attempt calls the function again.
    refresh: () => true,
  };
}

/** Returns the value of the header Authorization. */
export function bearerCredentials(token: string): string {
  const trimmed = typeof token === "string" ? token.trim() : "";
  if (/^[\x21-\x7e]+$/.test(trimmed)) return `Bearer ${trimmed}`;
  // The runtime's own error would show the token.
  throw new ConfigurationError(
    "Cannot authenticate: the bearer token is empty, or has a space, a line break or other characters than ASCII",
  );
}
