/**
 * Basic authentication.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";
import type { Authorizer } from "../authorizer.ts";

/** A user and a password; either may be empty. */
export interface UserPassword {
  /** Without a colon. */
  readonly user: string;
  /** Anything but control characters. */
  readonly password: string;
}

/**
 * Authenticates with a user and a password, in UTF-8.
 *
 * @throws {ConfigurationError} if the scheme cannot carry them
 */
export function basicAuthorizer(credentials: UserPassword): Authorizer {
  const value = basicCredentials(credentials);
  return {
    authorize: ({ headers }) => void headers.set("authorization", value),
  };
}

/** The value of the header Authorization. */
export function basicCredentials({ user, password }: UserPassword): string {
  if (user.includes(":")) {
    throw new ConfigurationError("Cannot authenticate: the user has a colon, expected none, as it ends the user");
  }
  for (const [what, text] of [["user", user], ["password", password]] as const) {
    if (/\p{Cc}/u.test(text)) {
      throw new ConfigurationError(
        `Cannot authenticate: the ${what} has a control character, such as a line break, expected none`,
      );
    }
  }
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))}`;
}
