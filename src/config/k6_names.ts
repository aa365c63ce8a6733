/**
 * Names that k6's present output and the original extension give to options, where they differ from this module's rule.
 *
 * @module
 */

/** The names of one option. */
export interface K6Names {
  /** Its variables: k6's present name first, because it wins over the original's. */
  readonly env?: readonly string[];
  /** Its key in k6's configuration. */
  readonly keys?: readonly string[];
}

/** The names by option. */
export const k6Names: Readonly<Record<string, K6Names>> = {
  url: { env: ["K6_PROMETHEUS_RW_SERVER_URL", "K6_PROMETHEUS_REMOTE_URL"] },
  user: { env: ["K6_PROMETHEUS_RW_USERNAME", "K6_PROMETHEUS_USER"], keys: ["username"] },
  password: { env: ["K6_PROMETHEUS_RW_PASSWORD", "K6_PROMETHEUS_PASSWORD"] },
  headers: { keys: ["headers"] },
  flushPeriodMs: { env: ["K6_PROMETHEUS_RW_PUSH_INTERVAL", "K6_PROMETHEUS_FLUSH_PERIOD"], keys: ["pushInterval"] },
  mapping: { env: ["K6_PROMETHEUS_MAPPING"] },
  keepTags: { env: ["K6_KEEP_TAGS"] },
  keepNameTag: { env: ["K6_KEEP_NAME_TAG"] },
  keepUrlTag: { env: ["K6_KEEP_URL_TAG"] },
  labels: { env: ["K6_PROMETHEUS_RW_LABELS"], keys: ["labels"] },
};
