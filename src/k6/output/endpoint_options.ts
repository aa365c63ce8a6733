/**
 * The options of an endpoint, of which an output can have several.
 *
 * @module
 */
import {
  clientOptionDefinitions,
  type ClientOptions,
  completeClientOptions,
  type OptionalClientOption,
  type ResolvedClientOptions,
} from "../../client/client_options.ts";
import { checkOptions } from "../../client/option_definition.ts";
import { queueOptionDefinitions } from "../../client/queue_options.ts";
import { checkKeys, unexpected } from "../../model/check_keys.ts";
import { ConfigurationError, isRemoteWriteError } from "../../model/errors.ts";
import { redactUrl } from "../../send/redact.ts";
import type { Spool } from "../../send/spool.ts";
import { checkLabels } from "../check_labels.ts";
import type { Relabel } from "../relabel/relabel_rules.ts";
import type { Tags } from "../sample.ts";

/**
 * One of several endpoints. It has its own queue. Options of requests that are not given here are those of the output; the URL, the
 * credentials and the headers are never taken from there.
 */
export interface EndpointOptions extends ClientOptions {
  /** The name in reports and statistics. @default the URL without secrets */
  readonly name?: string | undefined;
  /** Labels that this endpoint gets in addition. A label that a series already has wins. @default {} */
  readonly labels?: Tags | undefined;
  /**
   * Changes the labels of a time series or drops the series, for this endpoint only. It comes after aggregation, like
   * `write_relabel_configs` of Prometheus, so it sees the names that are sent, such as `k6_http_reqs_total`.
   * @default none
   */
  readonly relabel?: Relabel | undefined;
  /**
   * Stores what waits for this endpoint. @default none
   * @internal
   */
  readonly spool?: Spool | undefined;
}

/** The options of an endpoint in their final form. */
export interface ResolvedEndpoint extends ResolvedClientOptions {
  readonly name: string;
  readonly labels: Tags;
  readonly relabel: Relabel | undefined;
  readonly spool: Spool | undefined;
}

/** The options that belong to one endpoint. A caller must not give them together with `endpoints`. */
const ofOneEndpoint = ["url", "user", "password", "bearerToken", "auth", "headers", "spool"] as const;

const ownKeys = ["name", "labels", "relabel", "spool"] as const;

/**
 * Checks the options of endpoints.
 *
 * @param output the options of the output
 * @throws ConfigurationError that names the option, its value (never a secret) and what was expected
 */
export function resolveEndpoints(
  endpoints: readonly EndpointOptions[],
  output: ClientOptions & { readonly spool?: Spool | undefined },
): ResolvedEndpoint[] {
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    // The value is not shown, because it may contain a password.
    const is = Array.isArray(endpoints) ? "empty" : `${typeof endpoints === "object" ? "an" : "a"} ${typeof endpoints}`;
    throw new ConfigurationError(
      `Cannot use the option endpoints: it is ${is}, expected a list of objects such as { url: ... }`,
    );
  }
  for (const option of ofOneEndpoint) {
    if (output[option] !== undefined) {
      throw unexpected(option, "***", "none together with endpoints: each endpoint has its own");
    }
  }
  const names = new Set<string>();
  return endpoints.map((endpoint, index) => {
    checkKeys(endpoint, [...Object.keys(clientOptionDefinitions), ...ownKeys], `endpoints[${index}]`);
    const { name, labels = {}, relabel, spool, ...own } = endpoint;
    if (name !== undefined && typeof name !== "string") {
      throw unexpected(`endpoints[${index}].name`, name, "a string");
    }
    if (spool !== undefined) queueOptionDefinitions.spool.check?.(spool, `endpoints[${index}].spool`);
    checkLabels(`endpoints[${index}].labels`, labels);
    if (relabel !== undefined && typeof relabel !== "function") {
      throw unexpected(`endpoints[${index}].relabel`, relabel, "a value of relabelRules([...])");
    }
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    const inherited = Object.entries(output).filter(([option, value]) =>
      value !== undefined && option in clientOptionDefinitions
    );
    const client = inEndpoint(index, () =>
      completeClientOptions(
        checkOptions<ClientOptions, OptionalClientOption>(
          Object.fromEntries([...inherited, ...given]),
          clientOptionDefinitions,
        ),
      ));
    let unique = name ?? redactUrl(client.url);
    for (let number = 2; names.has(unique); number++) unique = `${name ?? redactUrl(client.url)} (${number})`;
    names.add(unique);
    return { ...client, name: unique, labels, relabel, spool };
  });
}

/** Returns what a function makes of the options of an endpoint. Its errors name the endpoint. */
export function inEndpoint<Result>(index: number, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!isRemoteWriteError(error, "configuration")) throw error;
    throw new ConfigurationError(`${error.message} (endpoints[${index}])`);
  }
}
