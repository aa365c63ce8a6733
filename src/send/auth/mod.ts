/**
 * Authentication methods that a program passes to a client or an output as the option `auth`. User and password, or a bearer
 * token, need nothing from here: they are options of their own.
 *
 * @example
 * ```ts
 * import { RemoteWriteClient } from "k6-remote-write";
 * import { oauth2 } from "k6-remote-write/auth";
 *
 * const client = new RemoteWriteClient({
 *   url: "https://metrics.example.com/api/v1/write",
 *   auth: oauth2({ tokenUrl: "https://login.example.com/token", clientId: "k6", clientSecret: "..." }),
 * });
 * console.log(client.stats.requestsTotal); // 0
 * ```
 *
 * @module
 */
export { oauth2 } from "./oauth2.ts";
export type { OAuth2Options } from "./oauth2.ts";
export { sigV4 } from "./sigv4.ts";
export type { AwsCredentials, ExpiringAwsCredentials, SigV4Options } from "./sigv4.ts";
export type { AuthContext, AuthMethod, AuthorizableRequest, Authorizer } from "./authorizer.ts";
export type { Sleep } from "../sleep.ts";
