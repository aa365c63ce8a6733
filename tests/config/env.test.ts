import assert from "node:assert/strict";
import { test } from "node:test";
import { rawOptionsFromEnv } from "../../src/config/env.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

function failure(env: Record<string, string>): string {
  try {
    rawOptionsFromEnv(env);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  assert.fail("nothing was thrown");
}

test("every variable of the original extension is an option", () => {
  assert.deepEqual(
    rawOptionsFromEnv({
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

test("every variable of k6's present output is an option", () => {
  assert.deepEqual(
    rawOptionsFromEnv({
      K6_PROMETHEUS_RW_SERVER_URL: "https://example.test/api/v1/write",
      "K6_PROMETHEUS_RW_HEADERS_X-One": "1",
      K6_PROMETHEUS_RW_HTTP_HEADERS: "X-Two:2:00, X-Three : 3 ",
      K6_PROMETHEUS_RW_PUSH_INTERVAL: "5s",
      K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true",
      K6_PROMETHEUS_RW_TREND_STATS: "p(90),avg,sum",
      K6_PROMETHEUS_RW_STALE_MARKERS: "true",
      K6_PROMETHEUS_RW_USERNAME: "ann",
      K6_PROMETHEUS_RW_PASSWORD: "secret",
      K6_PROMETHEUS_RW_BEARER_TOKEN: "token",
      K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY: "true",
      K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION: "1.2",
      K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: "client.pem",
      K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY: "client.key",
      K6_PROMETHEUS_RW_SIGV4_REGION: "eu-central-1",
      K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY: "AKID",
      K6_PROMETHEUS_RW_SIGV4_SECRET_KEY: "key",
      K6_PROMETHEUS_RW_LABELS: "environment=production, server = srv1",
    }),
    {
      url: "https://example.test/api/v1/write",
      headers: { "X-One": "1", "X-Two": "2:00", "X-Three": "3" },
      flushPeriodMs: 5000,
      trendAs: "native",
      trendStats: ["p(90)", "avg", "sum"],
      staleMarkers: true,
      user: "ann",
      password: "secret",
      bearerToken: "token",
      insecureSkipTlsVerify: true,
      tlsMinVersion: "1.2",
      clientCertFile: "client.pem",
      clientKeyFile: "client.key",
      sigv4: { region: "eu-central-1", accessKeyId: "AKID", secretAccessKey: "key" },
      labels: { environment: "production", server: "srv1" },
      keepNameTag: true,
    },
  );
  assert.equal(rawOptionsFromEnv({ K6_PROMETHEUS_RW_TLS_MIN_VERSION: "1.3" }).tlsMinVersion, "1.3");
  assert.equal(rawOptionsFromEnv({ K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "false" }).trendAs, "stats");
});

const further: readonly [string, string, unknown][] = [
  ["HTTP_HEADERS", '{"X-A": "1,2:3"}', { headers: { "X-A": "1,2:3" } }],
  ["LABELS", '{"a": "b,c=d"}', { labels: { a: "b,c=d" } }],
  ["TREND_STATS", '["avg", "p(99.9)"]', { trendStats: ["avg", "p(99.9)"] }],
  ["TREND_AS", "histogram", { trendAs: "histogram" }],
  ["TREND_WINDOW", "interval", { trendWindow: "interval" }],
  ["BUCKET_FACTOR", "1.05", { bucketFactor: 1.05 }],
  ["BUCKET_FACTOR", "http_req_duration=1.02,a=2", { bucketFactor: { http_req_duration: 1.02, a: 2 } }],
  ["BUCKETS", "0.1, 0.5,1", { buckets: [0.1, 0.5, 1] }],
  ["BUCKETS", '{"http_req_duration": [0.1, 1]}', { buckets: { http_req_duration: [0.1, 1] } }],
  ["MAX_SERIES", "5000", { maxSeries: 5000 }],
  ["TIMEOUT", "10s", { timeoutMs: 10_000 }],
  ["RETRY_DEADLINE", "0s", { retryDeadlineMs: 0 }],
  ["ON_LOSS", "warn", { onLoss: "warn" }],
  ["SPOOL", "/var/spool/k6", { spoolFolder: "/var/spool/k6" }],
  ["SPOOL_BYTES", "2000000", { spoolBytes: 2_000_000 }],
  ["KEEP_FEATURE_TAGS", "false", { keepFeatureTags: false }],
  ["RUN_INFO", "true", { runInfo: true }],
  ["RUN_INFO", "branch=main,commit=1a2b", { runInfo: { branch: "main", commit: "1a2b" } }],
  ["THRESHOLDS", "1", { thresholds: true }],
  ["THRESHOLDS", '{"checks": ["rate>0.9"]}', { thresholds: { checks: ["rate>0.9"] } }],
  ["THRESHOLDS", '{"checks": {"threshold": "rate>0.9", "abortOnFail": true}, "vus": ["value<5"]}', {
    thresholds: { checks: ["rate>0.9"], vus: ["value<5"] },
  }],
  ["RELABEL_CONFIGS", '[{"action": "drop"}]', { relabelConfigs: [{ action: "drop" }] }],
  ["OAUTH2_SCOPES", "a,b", { oauth2: { scopes: ["a", "b"] } }],
  ["OAUTH2_ENDPOINT_PARAMS", "audience=x", { oauth2: { endpointParams: { audience: "x" } } }],
  ["PROTOCOL", "auto", { protocol: "auto" }],
  ["INSTANCE", "auto", { instance: "auto" }],
];
for (const [name, value, expected] of further) {
  test(`K6_PROMETHEUS_RW_${name}=${value} is an option`, () => {
    assert.deepEqual(rawOptionsFromEnv({ [`K6_PROMETHEUS_RW_${name}`]: value }), {
      insecureSkipTlsVerify: false,
      keepNameTag: true,
      ...Object(expected),
    });
  });
}

test("without variables there are no options, and an empty variable counts as not set", () => {
  assert.deepEqual(rawOptionsFromEnv({}), {});
  assert.deepEqual(rawOptionsFromEnv({ K6_PROMETHEUS_USER: "", K6_PROMETHEUS_UNKNOWN: "" }), {});
});

test("k6's present names win over the original names, verify certificates and keep the tag name by default", () => {
  const options = rawOptionsFromEnv({
    K6_PROMETHEUS_REMOTE_URL: "http://old.test/",
    K6_PROMETHEUS_RW_SERVER_URL: "http://new.test/",
    K6_PROMETHEUS_HEADERS_A: "old",
    K6_PROMETHEUS_RW_HEADERS_A: "new",
  });
  assert.deepEqual(options, {
    url: "http://new.test/",
    headers: { A: "new" },
    insecureSkipTlsVerify: false,
    keepNameTag: true,
  });
  assert.equal(
    rawOptionsFromEnv({ K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY: "true" }).insecureSkipTlsVerify,
    true,
  );
  assert.equal(rawOptionsFromEnv({ K6_PROMETHEUS_RW_SHARDS: "1", K6_KEEP_NAME_TAG: "false" }).keepNameTag, false);
});

test("a region alone is used with the credentials of the standard variables of AWS", () => {
  const aws = { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "key", AWS_SESSION_TOKEN: "token" };
  const fromAws = { accessKeyId: "AKID", secretAccessKey: "key", sessionToken: "token" };
  const region = { K6_PROMETHEUS_RW_SIGV4_REGION: "eu-central-1" };
  assert.deepEqual(rawOptionsFromEnv({ ...aws, ...region }).sigv4, { region: "eu-central-1", ...fromAws });
  assert.deepEqual(rawOptionsFromEnv({ ...aws }), {});
  // Without a region, the region also comes from these variables.
  const service = { K6_PROMETHEUS_RW_SIGV4_SERVICE: "aps" };
  const regions = { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "us-east-1" };
  assert.deepEqual(rawOptionsFromEnv({ ...aws, ...service, ...regions }).sigv4, {
    service: "aps",
    region: "eu-west-1",
    ...fromAws,
  });
  const key = { K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY: "AK2", K6_PROMETHEUS_RW_SIGV4_SECRET_KEY: "key2" };
  assert.deepEqual(rawOptionsFromEnv({ ...aws, ...key, AWS_DEFAULT_REGION: "us-east-1", AWS_REGION: "" }).sigv4, {
    accessKeyId: "AK2",
    secretAccessKey: "key2",
    region: "us-east-1",
  });
  assert.deepEqual(rawOptionsFromEnv({ ...aws, ...region, ...regions }).sigv4?.region, "eu-central-1");
  assert.deepEqual(rawOptionsFromEnv({ ...aws, ...regions }), {});
  // Incomplete credentials are a mistake, and must not be completed with parts of other credentials.
  assert.deepEqual(rawOptionsFromEnv({ ...aws, ...region, K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY: "other" }).sigv4, {
    region: "eu-central-1",
    accessKeyId: "other",
  });
});

const wrong: readonly [string, string, RegExp][] = [
  ["K6_PROMETHEUS_FLUSH_PERIOD", "soon", /K6_PROMETHEUS_FLUSH_PERIOD: it is "soon", expected a duration/],
  ["K6_PROMETHEUS_FLUSH_PERIOD", "0s", /K6_PROMETHEUS_FLUSH_PERIOD: it is "0s", expected a duration of at least 1ms/],
  ["K6_PROMETHEUS_FLUSH_PERIOD", "-1s", /it is "-1s"/],
  [
    "K6_PROMETHEUS_MAPPING",
    "promethues",
    /K6_PROMETHEUS_MAPPING: it is "promethues", expected prometheus, raw or legacy/,
  ],
  ["K6_KEEP_TAGS", "yes", /K6_KEEP_TAGS: it is "yes", expected true or false/],
  ["K6_PROMETHEUS_REMOTE_URL", "localhost:9090", /K6_PROMETHEUS_REMOTE_URL: it is not a URL/],
  ["K6_PROMETHEUS_HEADERS_A b", "x", /K6_PROMETHEUS_HEADERS_A b: it is not of the form NAME:VALUE/],
  [
    "K6_PROMETHEUS_REMOTE_URI",
    "x",
    /there is no variable K6_PROMETHEUS_REMOTE_URI, expected .*K6_PROMETHEUS_REMOTE_URL/,
  ],
  ["K6_KEEP_NAME", "1", /there is no variable K6_KEEP_NAME, expected perhaps K6_KEEP_/],
  ["K6_PROMETHEUS_RW_TREND_STAT", "avg", /expected perhaps K6_PROMETHEUS_RW_TREND_STATS/],
  ["K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION", "1.1", /it is "1.1", expected 1.2 or 1.3/],
  ["K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM", "native", /it is "native", expected true or false/],
  ["K6_PROMETHEUS_RW_TREND_AS", "summary", /it is "summary", expected stats, native or histogram/],
  ["K6_PROMETHEUS_RW_HTTP_HEADERS", "X-A=1", /it is not of the form NAME:VALUE/],
  ["K6_PROMETHEUS_RW_LABELS", "a", /it is not of the form NAME=VALUE/],
  ["K6_PROMETHEUS_RW_MAX_SERIES", "many", /it is "many", expected a number/],
  ["K6_PROMETHEUS_RW_MAX_SERIES", "0x10", /it is "0x10", expected a number/],
  ["K6_PROMETHEUS_RW_BUCKETS", "1,,2", /it is "", expected a number/],
  ["K6_PROMETHEUS_RW_BUCKET_FACTOR", "a=wide", /it is "wide", expected a number/],
  ["K6_PROMETHEUS_RW_TIMEOUT", "0s", /it is "0s", expected a duration of at least 1ms/],
  ["K6_PROMETHEUS_RW_RELABEL_CONFIGS", "{}", /it is "{}", expected a JSON list of objects/],
  [
    "K6_PROMETHEUS_RW_THRESHOLDS",
    '{"a": [{"abortOnFail": true}]}',
    /it is "\{"abortOnFail":true\}", expected an expression/,
  ],
  ["K6_PROMETHEUS_RW_THRESHOLDS", '{"a": [5]}', /it is "5", expected an expression/],
  ["K6_PROMETHEUS_RW_RUN_INFO", "yes", /it is "yes", expected true or false/],
];
for (const [name, value, message] of wrong) {
  test(`${name}=${value} is an error that names the variable`, () => assert.match(failure({ [name]: value }), message));
}

test("variables that contradict each other are an error that names their values", () => {
  assert.match(
    failure({ K6_PROMETHEUS_RW_TREND_AS: "histogram", K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true" }),
    /K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM says that trendAs is "native", .* "histogram"/,
  );
  assert.equal(
    rawOptionsFromEnv({ K6_PROMETHEUS_RW_TREND_AS: "histogram", K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "false" })
      .trendAs,
    "histogram",
  );
});

test("an unreadable value is not shown if it may contain a secret", () => {
  const secrets: Record<string, string> = {
    K6_PROMETHEUS_REMOTE_URL: "https//annabel:hunter2@example.test",
    K6_PROMETHEUS_RW_OAUTH2_TOKEN_URL: "hunter2@example.test",
    K6_PROMETHEUS_HEADERS_: "hunter2",
    K6_PROMETHEUS_RW_HTTP_HEADERS: "X-A:1,hunter2",
    K6_PROMETHEUS_RW_OAUTH2_ENDPOINT_PARAMS: "hunter2",
  };
  for (const [name, value] of Object.entries(secrets)) {
    assert.doesNotMatch(failure({ [name]: value }), /hunter2|annabel/);
  }
});

test("a proxy is a URL, whose scheme may be missing, or none; an error does not show it", () => {
  const read = (text: string): unknown => rawOptionsFromEnv({ K6_PROMETHEUS_RW_PROXY: text }).proxy;
  assert.equal(read("none"), "none");
  assert.equal(read("proxy.test:3128"), "http://proxy.test:3128/");
  assert.equal(read("https://ann:hunter2@proxy.test"), "https://ann:hunter2@proxy.test/");
  for (const text of ["socks5://ann:hunter2@proxy.test", "ann:hunter2@", "http://ann:hunter2@proxy.test:x"]) {
    assert.throws(() => read(text), (error) => {
      assert.match(
        String(error),
        /Cannot read K6_PROMETHEUS_RW_PROXY: it is not the URL of an HTTP proxy such as http:/,
      );
      assert.doesNotMatch(String(error), /hunter2/);
      return true;
    });
  }
});
