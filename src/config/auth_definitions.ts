/**
 * The ways to authenticate, as text.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import { oauth2 } from "../send/auth/oauth2.ts";
import { sigV4 } from "../send/auth/sigv4.ts";
import { parseList, parsePairs, parseText, parseUrl } from "./option_parsers.ts";
import { defineOption, type OptionDefinition, type OptionDefinitionEntry } from "./option_definition.ts";

const entries: readonly OptionDefinitionEntry[] = [
  {
    option: "user",
    env: ["K6_PROMETHEUS_RW_USERNAME", "K6_PROMETHEUS_USER"],
    keys: ["username"],
    flag: "user",
    placeholder: "NAME",
    help: "User of basic authentication.",
    parse: parseText,
  },
  {
    option: "password",
    env: ["K6_PROMETHEUS_RW_PASSWORD", "K6_PROMETHEUS_PASSWORD"],
    flag: "password",
    placeholder: "TEXT",
    help: "Password of basic authentication; safer in the environment.",
    secret: true,
    parse: parseText,
  },
  {
    option: "bearerToken",
    flag: "bearer-token",
    placeholder: "TOKEN",
    help: "Bearer token; safer in the environment.",
    secret: true,
    parse: parseText,
  },
  {
    option: "bearerTokenFile",
    flag: "bearer-token-file",
    placeholder: "FILE",
    help: "A file with the bearer token, read again for each request.",
    parse: parseText,
  },
  {
    option: "oauth2",
    flag: "oauth2-token-url",
    placeholder: "URL",
    help: "Token endpoint of OAuth 2.0 client credentials.",
    parse: (text, source) => ({ tokenUrl: parseUrl(text, source) }),
  },
  {
    option: "oauth2",
    flag: "oauth2-client-id",
    placeholder: "ID",
    help: "The client there.",
    parse: (clientId) => ({ clientId }),
  },
  {
    option: "oauth2",
    flag: "oauth2-client-secret",
    placeholder: "TEXT",
    help: "Its secret; safer in the environment.",
    secret: true,
    parse: (clientSecret) => ({ clientSecret }),
  },
  {
    option: "oauth2",
    flag: "oauth2-scopes",
    placeholder: "LIST",
    help: "What is asked for.",
    list: true,
    parse: (text, source) => ({ scopes: parseList(text, source) }),
  },
  {
    option: "oauth2",
    flag: "oauth2-endpoint-params",
    placeholder: "NAME=VALUE,...",
    help: "Further parameters of the request, such as audience.",
    list: true,
    record: true,
    parse: (text, source) => ({ endpointParams: parsePairs(text, source) }),
  },
  {
    option: "sigv4",
    keys: ["sigV4Region"],
    flag: "sigv4-region",
    placeholder: "REGION",
    help: "AWS region; alone, it takes the credentials from AWS_ACCESS_KEY_ID and its like.",
    parse: (region) => ({ region }),
  },
  {
    option: "sigv4",
    keys: ["sigV4AccessKey"],
    flag: "sigv4-access-key",
    placeholder: "ID",
    help: "AWS access key.",
    parse: (accessKeyId) => ({ accessKeyId }),
  },
  {
    option: "sigv4",
    keys: ["sigV4SecretKey"],
    flag: "sigv4-secret-key",
    placeholder: "TEXT",
    help: "AWS secret key; safer in the environment.",
    secret: true,
    parse: (secretAccessKey) => ({ secretAccessKey }),
  },
  {
    option: "sigv4",
    keys: ["sigV4SessionToken"],
    flag: "sigv4-session-token",
    placeholder: "TEXT",
    help: "AWS session token of temporary credentials.",
    secret: true,
    parse: (sessionToken) => ({ sessionToken }),
  },
  {
    option: "sigv4",
    keys: ["sigV4Service"],
    flag: "sigv4-service",
    placeholder: "NAME",
    help: "The service's name in the signature.",
    default: "aps",
    parse: (service) => ({ service }),
  },
];

/** In the order of `--help`. */
export const authDefinitions: readonly OptionDefinition[] = entries.map(defineOption);

const methods = ["user", "bearerToken", "bearerTokenFile", "oauth2", "sigv4"] as const;

/**
 * Adds the option `auth`, made of the merged parts of `oauth2` or `sigv4`, if there are any.
 *
 * @throws ConfigurationError if a part is missing or cannot be used, or if there is another method too
 */
export function withAuth(options: RemoteWriteOutputOptions): RemoteWriteOutputOptions {
  const given = methods.filter((name) => {
    const value = options[name];
    return typeof value === "object" ? Object.values(value).some((part) => part !== undefined) : value !== undefined;
  });
  const [auth] = [
    ...given.includes("oauth2") && options.oauth2 !== undefined ? [oauth2(options.oauth2)] : [],
    ...given.includes("sigv4") && options.sigv4 !== undefined ? [sigV4(options.sigv4)] : [],
  ];
  if (auth === undefined) return options;
  if (given.length === 1) return { ...options, auth };
  throw new ConfigurationError(
    `Cannot authenticate: the options contain ${given.join(" and ")}, expected only one of them`,
  );
}
