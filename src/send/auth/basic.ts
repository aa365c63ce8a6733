/**
 * Basic authentication: a user and a password in the header Authorization.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Authorizer } from "./authorizer.ts";

/** A user and a password; either may be empty. */
interface UserPassword {
  /** Must not contain a colon. */
  readonly user: string;
  /** Any characters except control characters. */
  readonly password: string;
}

/**
 * Authenticates with a user and a password, encoded as UTF-8.
 *
 * @throws {ConfigurationError} if the scheme cannot carry them
 */
export function basicAuthorizer(credentials: UserPassword): Authorizer {
  const value = basicCredentials(credentials);
  return {
    authorize: ({ headers }) => void headers.set("authorization", value),
  };
}

/** Returns the value of the header Authorization. */
export function basicCredentials({ user, password }: UserPassword): string {
  const problem = user.includes(":")
    ? "user has a colon"
    : /\p{Cc}/u.exec(user + password) && "user or password has a control character";
  if (problem) throw new ConfigurationError(`Cannot authenticate: the ${problem}, expected none`);
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))}`;
}

/**
 * Returns the decoded user info of a URL, or undefined if there is none.
 *
 * @throws {ConfigurationError} if the user info is not UTF-8 in percent encoding
 */
export function userInfoOf({ username, password }: URL): UserPassword | undefined {
  if (username === "" && password === "") return undefined;
  try {
    return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    throw new ConfigurationError(
      "Cannot authenticate: the user info of the URL has a malformed %, expected %25",
    );
  }
}
