/**
 * Finds the query API that belongs to a remote-write endpoint.
 *
 * @module
 */
import { redactUrl } from "../../send/redact.ts";
import { ConfigurationError } from "../../model/errors.ts";

/** The ends of the paths of write URLs, and the query API of the same server. The first pattern that matches counts. */
const apiPaths: readonly (readonly [RegExp, string])[] = [
  // A cluster of VictoriaMetrics: `/insert/<account>/prometheus/api/v1/write`.
  [/\/insert\/([^/]+)\/prometheus(?:\/api\/v1\/(?:write|push))?$/, "/select/$1/prometheus/api/v1"],
  // Prometheus, VictoriaMetrics, and Amazon Managed Prometheus.
  [/\/api\/v1\/(?:write|remote_write)$/, "/api/v1"],
  // Mimir.
  [/\/api\/v1\/push$/, "/prometheus/api/v1"],
  // Grafana Cloud and Cortex.
  [/\/api\/prom\/push$/, "/api/prom/api/v1"],
];

/** The ports of vminsert and vmselect in a cluster of VictoriaMetrics. */
const [insertPort, selectPort] = ["8480", "8481"] as const;

/**
 * Returns the URL of the query API, up to and including `/api/v1`.
 *
 * @throws ConfigurationError if the path of the write URL is unknown
 */
export function queryApiOfWriteUrl(writeUrl: string | URL): URL {
  const url = new URL(writeUrl);
  const path = url.pathname.replace(/\/+$/, "");
  const [pattern, api] = apiPaths.find(([pattern]) => pattern.test(path)) ?? [];
  if (pattern === undefined || api === undefined) {
    throw new ConfigurationError(
      `Cannot find the query API of ${
        redactUrl(url)
      }: its path is not that of a known server, expected also --query-url URL`,
    );
  }
  if (api.startsWith("/select/") && url.port === insertPort) url.port = selectPort;
  url.pathname = path.replace(pattern, api);
  return url;
}

/** Returns the URL of the query API that a user gave with or without `/api/v1` or `/api/v1/query`. */
export function queryApiOfQueryUrl(queryUrl: string): URL {
  const url = new URL(queryUrl);
  const path = url.pathname.replace(/\/+$/, "").replace(/\/query(?:_range)?$/, "");
  url.pathname = path.endsWith("/api/v1") ? path : `${path}/api/v1`;
  return url;
}
