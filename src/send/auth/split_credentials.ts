/**
 * User info of URLs: fetch refuses it.
 *
 * @module
 */
import { ConfigurationError } from "../../model/errors.ts";

/** A URL, and the user info that was in it. */
export interface SplitUrl {
  /** Without user info. */
  readonly url: URL;
  /** Undefined if there is no user info. */
  readonly user?: string;
  /** Undefined if there is none. */
  readonly password?: string;
}

/**
 * Takes the user info out of a URL. The URL given stays as it is.
 *
 * @throws {ConfigurationError} if the user info is not UTF-8 in percent encoding
 */
export function splitCredentials(url: URL): SplitUrl {
  const { username, password } = url;
  const bare = withoutUserInfo(url);
  if (username === "" && password === "") return { url: bare };
  return {
    url: bare,
    user: decode(username),
    ...(password === "" ? {} : { password: decode(password) }),
  };
}

/** A copy. */
export function withoutUserInfo(url: URL): URL {
  const bare = new URL(url);
  // Looked at first: to set them means to parse the URL anew.
  if (bare.username !== "") bare.username = "";
  if (bare.password !== "") bare.password = "";
  return bare;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigurationError(
      "Cannot authenticate: the user info of the URL has a malformed percent encoding, expected %25 for a percent sign",
    );
  }
}
