import assert from "node:assert/strict";
import { test } from "node:test";
import { unknownVariable } from "../../src/config/unknown_variable.ts";

/** Names in documents of other years, of other extensions, and in scripts in public, with the variables for the same options. */
const hints: readonly (readonly [name: string, expected: string])[] = [
  [
    "K6_PROMETHEUS_HEADERS",
    "K6_PROMETHEUS_HEADERS_<NAME>=VALUE, or K6_PROMETHEUS_RW_HTTP_HEADERS=NAME:VALUE,NAME:VALUE",
  ],
  [
    "K6_PROMETHEUS_RW_HEADERS",
    "K6_PROMETHEUS_RW_HEADERS_<NAME>=VALUE, or K6_PROMETHEUS_RW_HTTP_HEADERS=NAME:VALUE,NAME:VALUE",
  ],
  ["K6_PROMETHEUS_USERNAME", "perhaps K6_PROMETHEUS_USER"],
  ["K6_PROMETHEUS_REMOTE_USER", "perhaps K6_PROMETHEUS_USER"],
  ["K6_PROMETHEUS_REMOTE_PASSWORD", "perhaps K6_PROMETHEUS_PASSWORD"],
  ["K6_PROMETHEUS_PUSH_INTERVAL", "perhaps K6_PROMETHEUS_FLUSH_PERIOD"],
  ["K6_PROMETHEUS_RW_FLUSH_PERIOD", "perhaps K6_PROMETHEUS_RW_PUSH_INTERVAL"],
  ["K6_PROMETHEUS_URL", "perhaps K6_PROMETHEUS_REMOTE_URL"],
  ["K6_PROMETHEUS_REMOTE_WRITE_URL", "perhaps K6_PROMETHEUS_REMOTE_URL"],
  ["K6_PROMETHEUS_RW_URL", "perhaps K6_PROMETHEUS_RW_SERVER_URL"],
  ["K6_PROMETHEUS_RW_USER", "perhaps K6_PROMETHEUS_RW_USERNAME"],
  ["K6_PROMETHEUS_RW_KEEP_TAGS", "perhaps K6_KEEP_TAGS"],
  ["K6_PROMETHEUS_CA_CERT_FILE", "perhaps K6_CA_CERT_FILE"],
  ["K6_PROMETHEUS_TREND_STATS", "perhaps K6_PROMETHEUS_RW_TREND_STATS"],
  ["K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAMS", "perhaps K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM"],
  ["K6_KEEP_NAME", "perhaps K6_KEEP_NAME_TAG"],
  ["K6_PROMETHEUS_RW_CLIENT_CERT", "perhaps K6_PROMETHEUS_RW_CLIENT_CERTIFICATE"],
  // Nearly every name would be near if the beginning counted, too.
  ["K6_PROMETHEUS_FOO_BAR", "a name from docs/options.md"],
  ["K6_PROMETHEUS_RW_NOTHING_LIKE_IT", "a name from docs/options.md"],
];
for (const [name, expected] of hints) {
  test(`for the unknown variable ${name}, the message expects ${expected}`, () =>
    assert.equal(
      unknownVariable(name).message,
      `Cannot read the environment: there is no variable ${name}, expected ${expected}`,
    ));
}
