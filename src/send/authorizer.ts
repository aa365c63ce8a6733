/**
 * How a way to authenticate takes part in a request.
 *
 * @module
 */

/**
 * Headers by lower-case name. Not the runtime's own `Headers`: fetch makes those anyway, and the first of a process takes Node
 * 20 ms and more.
 */
export type RequestHeaders = Map<string, string>;

/** A request as it is about to be sent. */
export interface AuthorizableRequest {
  /** Always POST. */
  readonly method: "POST";
  /** Without user info. */
  readonly url: string;
  /** All headers that are going to be sent; to be added to. */
  readonly headers: RequestHeaders;
  /** Compressed; to be signed, not changed. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A way to authenticate. */
export interface Authorizer {
  /** Sets headers; called for each attempt anew. A rejection is a failed attempt, a ConfigurationError refuses for good. */
  authorize(request: AuthorizableRequest, signal: AbortSignal): Promise<void> | void;
  /**
   * Called once on a 401, with the headers that were refused; true says that there may be new credentials, and the request is sent
   * once more.
   */
  refresh?(refused: ReadonlyMap<string, string>): boolean | Promise<boolean>;
}
