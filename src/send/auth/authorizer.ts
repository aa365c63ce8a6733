/**
 * How an authentication method takes part in a request.
 *
 * @module
 */
import { checkKeys } from "../../model/check_keys.ts";
import { ConfigurationError } from "../../model/errors.ts";
import type { Sleep } from "../sleep.ts";

/**
 * Headers by lower-case name. This is not the runtime's own `Headers`: fetch creates those anyway, and the first one in a process
 * takes Node 20 ms or more.
 */
export type RequestHeaders = Map<string, string>;

/** A request that is about to be sent. */
export interface AuthorizableRequest {
  /** The method of the request, which is always POST. */
  readonly method: "POST";
  /** The URL without user info. */
  readonly url: string;
  /** All headers of the request, by lower-case name. The authorizer adds its own. */
  readonly headers: Map<string, string>;
  /** The compressed body. The authorizer may sign it but must not change it. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Adds credentials to the requests of one sender. */
export interface Authorizer {
  /**
   * Sets headers. It is called before each attempt.
   *
   * @throws {ConfigurationError} if no attempt can succeed; after any other error, the request is tried again
   */
  authorize(request: AuthorizableRequest, signal: AbortSignal): Promise<void> | void;
  /**
   * Called once after a 401, with the headers that were refused. If it returns true, there may be new credentials, and the request
   * is sent once more.
   */
  refresh?(refused: ReadonlyMap<string, string>): boolean | Promise<boolean>;
}

/** What an authentication method can use. */
export interface AuthContext {
  /** The endpoint, with the user info that the caller gave. */
  readonly url: URL;
  /** Sends the method's own requests, such as those for a token. They count as requests of the flush. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** The time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Waits for a time or until a signal, for timeouts. */
  readonly sleep: Sleep;
}

/** An authentication method, such as `sigV4({ ... })`: pass it as the option `auth`. */
export type AuthMethod = (context: AuthContext) => Authorizer;

/**
 * Checks the options of an authentication method.
 *
 * @param method the function that takes them
 * @throws {ConfigurationError} if they are not an object, or have an unknown key
 */
export function checkAuthOptions(options: unknown, known: readonly string[], method: string): void {
  // For `auth: sigV4`, the client calls the function itself, with its own context.
  if (typeof Object(options).sleep === "function") {
    throw new ConfigurationError(`Cannot authenticate: auth is ${method}, expected its result: ${method}({ ... })`);
  }
  checkKeys(options, known, method);
}
