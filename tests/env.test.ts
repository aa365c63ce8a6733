import assert from "node:assert/strict";
import { test } from "node:test";
import { optionsFromEnv } from "../src/env.ts";
import { ConfigurationError } from "../src/errors.ts";
import { optionSpecs } from "../src/option_specs.ts";

function failure(env: Record<string, string>): string {
  try {
    optionsFromEnv(env);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  assert.fail("nothing was thrown");
}

test("every variable of the original extension is an option", () => {
  assert.deepEqual(
    optionsFromEnv({
      K6_PROMETHEUS_REMOTE_URL: "http://example.test/api/v1/write",
      K6_PROMETHEUS_USER: "ann",
      K6_PROMETHEUS_PASSWORD: "secret",
      K6_PROMETHEUS_FLUSH_PERIOD: "1m30s",
      K6_PROMETHEUS_MAPPING: "raw",
      K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY: "false",
      K6_CA_CERT_FILE: "ca.pem",
      K6_KEEP_TAGS: "0",
      K6_KEEP_NAME_TAG: "true",
      K6_KEEP_URL_TAG: "F",
      "K6_PROMETHEUS_HEADERS_X-Scope-OrgID": "a:b,c",
      K6_PROMETHEUS_RW_TREND_STATS: "p(95), max",
      K6_PROMETHEUS_RW_STALE_MARKERS: "1",
      PATH: "/bin",
    }),
    {
      url: "http://example.test/api/v1/write",
      user: "ann",
      password: "secret",
      flushPeriodMs: 90_000,
      mapping: "raw",
      insecureSkipTlsVerify: false,
      caCertFile: "ca.pem",
      keepTags: false,
      keepNameTag: true,
      keepUrlTag: false,
      headers: { "X-Scope-OrgID": "a:b,c" },
      trendStats: ["p(95)", "max"],
      staleMarkers: true,
    },
  );
});

test("nothing set is no option, and an empty variable is not set", () => {
  assert.deepEqual(optionsFromEnv({}), {});
  assert.deepEqual(optionsFromEnv({ K6_PROMETHEUS_USER: "", K6_PROMETHEUS_UNKNOWN: "" }), {});
});

test("k6's present names win over the older ones, and verify certificates", () => {
  const options = optionsFromEnv({
    K6_PROMETHEUS_REMOTE_URL: "http://old.test/",
    K6_PROMETHEUS_RW_SERVER_URL: "http://new.test/",
    K6_PROMETHEUS_HEADERS_A: "old",
    K6_PROMETHEUS_RW_HEADERS_A: "new",
  });
  assert.deepEqual(options, { url: "http://new.test/", headers: { A: "new" }, insecureSkipTlsVerify: false });
  assert.equal(
    optionsFromEnv({ K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY: "true" }).insecureSkipTlsVerify,
    true,
  );
});

const wrong: readonly [string, string, RegExp][] = [
  ["K6_PROMETHEUS_FLUSH_PERIOD", "soon", /K6_PROMETHEUS_FLUSH_PERIOD: it is "soon", expected a duration/],
  ["K6_PROMETHEUS_FLUSH_PERIOD", "0s", /K6_PROMETHEUS_FLUSH_PERIOD: it is "0s", expected a duration of at least 1ms/],
  ["K6_PROMETHEUS_FLUSH_PERIOD", "-1s", /it is "-1s"/],
  ["K6_PROMETHEUS_MAPPING", "promethues", /K6_PROMETHEUS_MAPPING: it is "promethues", expected prometheus or raw/],
  ["K6_KEEP_TAGS", "yes", /K6_KEEP_TAGS: it is "yes", expected true or false/],
  ["K6_PROMETHEUS_REMOTE_URL", "localhost:9090", /K6_PROMETHEUS_REMOTE_URL: it is not a URL/],
  ["K6_PROMETHEUS_HEADERS_A b", "x", /K6_PROMETHEUS_HEADERS_A b: it is not of the form NAME:VALUE/],
  [
    "K6_PROMETHEUS_REMOTE_URI",
    "x",
    /there is no variable K6_PROMETHEUS_REMOTE_URI, expected .*K6_PROMETHEUS_REMOTE_URL/,
  ],
  ["K6_KEEP_NAME", "1", /there is no variable K6_KEEP_NAME/],
];
for (const [name, value, message] of wrong) {
  test(`${name}=${value} is an error that names it`, () => assert.match(failure({ [name]: value }), message));
}

test("a value that cannot be read is not shown where it may hold a secret", () => {
  const message = failure({ K6_PROMETHEUS_REMOTE_URL: "https//annabel:hunter2@example.test" });
  assert.doesNotMatch(message, /hunter2|annabel/);
  assert.doesNotMatch(failure({ "K6_PROMETHEUS_HEADERS_": "hunter2" }), /hunter2/);
});

test("flags and variables are unique, flags in kebab-case", () => {
  const flags = optionSpecs.map(({ flag }) => flag);
  const variables = optionSpecs.flatMap(({ env }) => env);
  assert.equal(new Set(flags).size, flags.length);
  assert.equal(new Set(variables).size, variables.length);
  for (const flag of flags) assert.match(flag, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
});
