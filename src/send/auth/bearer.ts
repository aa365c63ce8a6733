/**
 * Authentication with a bearer token.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Authorizer } from "../authorizer.ts";
import { retriable } from "./retriable.ts";

/** A token, or what gives the present one: it is called on each attempt, so it should remember what it knows. */
export type BearerToken = string | (() => string | Promise<string>);

/**
 * Authenticates with a token. White space around it is left out, as files end with a line break.
 *
 * @throws {ConfigurationError} if the token is empty or has other characters than visible ASCII; if it is a callback's, the attempt
 * fails
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
    // The next attempt asks for the token again.
    refresh: () => true,
  };
}

/** The value of the header Authorization. */
export function bearerCredentials(token: string): string {
  const trimmed = typeof token === "string" ? token.trim() : "";
  if (trimmed === "") {
    throw new ConfigurationError("Cannot authenticate: the bearer token is empty, expected a token");
  }
  // The runtime's own error would show the value.
  if (!/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new ConfigurationError(
      "Cannot authenticate: the bearer token has a space, a line break or a character beyond ASCII, expected none",
    );
  }
  return `Bearer ${trimmed}`;
}
