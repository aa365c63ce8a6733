import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../src/config/config_file.ts";
import { optionsOf } from "../../src/config/given_options.ts";
import type { RawOptions } from "../../src/config/raw_options.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

function read(text: string, name: string): RawOptions {
  return optionsOf(readConfig(text, name));
}

function failure(text: string): string {
  try {
    read(text, "rw.json");
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  assert.fail("nothing was thrown");
}

test("k6's keys are read", () => {
  const config = {
    url: "https://example.test/api/v1/write",
    headers: { "X-Scope-OrgID": "a,b:c" },
    insecureSkipTLSVerify: true,
    tlsMinVersion: "1.3",
    username: "ann",
    password: "secret",
    clientCertificate: "client.pem",
    clientCertificateKey: "client.key",
    bearerToken: null,
    pushInterval: "5s",
    trendAsNativeHistogram: true,
    trendStats: ["avg", "p(95)"],
    staleMarkers: true,
    sigV4Region: "eu-central-1",
    sigV4AccessKey: "AKID",
    sigV4SecretKey: "",
    labels: { a: "b" },
  };
  assert.deepEqual(read(JSON.stringify(config), "rw.json"), {
    url: "https://example.test/api/v1/write",
    headers: { "X-Scope-OrgID": "a,b:c" },
    insecureSkipTlsVerify: true,
    tlsMinVersion: "1.3",
    user: "ann",
    password: "secret",
    clientCertFile: "client.pem",
    clientKeyFile: "client.key",
    flushPeriodMs: 5000,
    trendAs: "native",
    trendStats: ["avg", "p(95)"],
    staleMarkers: true,
    sigv4: { region: "eu-central-1", accessKeyId: "AKID" },
    labels: { a: "b" },
  });
});

test("the keys of other options are their flags in camel case", () => {
  const config = {
    maxSeries: 1000,
    trendAs: "histogram",
    buckets: { http_req_duration: [0.1, 1] },
    bucketFactor: { http_req_duration: 1.02 },
    thresholds: { checks: ["rate>0.9"] },
    relabelConfigs: [{ action: "labeldrop", regex: "vu" }],
    oauth2TokenUrl: "https://login.test/token",
    runInfo: { branch: "main", build: 7, isRelease: true },
    timeout: 500,
  };
  assert.deepEqual(read(JSON.stringify(config), "rw.json"), {
    maxSeries: 1000,
    trendAs: "histogram",
    buckets: { http_req_duration: [0.1, 1] },
    bucketFactor: { http_req_duration: 1.02 },
    thresholds: { checks: ["rate>0.9"] },
    relabelConfigs: [{ action: "labeldrop", regex: "vu" }],
    oauth2: { tokenUrl: "https://login.test/token" },
    runInfo: { branch: "main", build: "7", isRelease: "true" },
    timeoutMs: 500,
  });
});

test("k6's switch for native histograms may be false together with another form of trends", () => {
  for (const text of [`"trendAs":"histogram","trendAsNativeHistogram":false`, `"trendAsNativeHistogram":false`]) {
    const expected = text.includes('trendAs"') ? "histogram" : "stats";
    assert.equal(read(`{${text}}`, "rw.json").trendAs, expected);
  }
});

const wrong: readonly [string, RegExp][] = [
  ["{", /^Cannot read rw.json: it is not JSON, expected a JSON object$/],
  ["[]", /rw.json: it is not an object/],
  ['{"flushPeriodMs": 1}', /rw.json: there is no option "flushPeriodMs", expected perhaps "flushPeriod"/],
  ['{"trendstats": []}', /there is no option "trendstats", expected perhaps "trendStats"/],
  ['{"xyzzyxyzzy": 1}', /there is no option "xyzzyxyzzy", expected a name from docs\/options\.md$/],
  ['{"maxSeries": "many"}', /maxSeries in rw.json: it is "many", expected a number/],
  ['{"labels": {"a": {"b": 1}}}', /labels in rw.json: it is not made of strings and numbers only/],
  ['{"labels": {"a": null}}', /labels in rw.json: it is not made of strings/],
  ['{"headers": {"A": ["b"]}}', /headers in rw.json: it is not made of strings/],
  ['{"trendStats": ["avg", null]}', /trendStats in rw.json: it is not made of strings/],
  ['{"prefix": {"a": "b"}}', /prefix in rw.json: it is not a single value/],
  ['{"username": ["ann"]}', /username in rw.json: it is not a single value/],
  [
    '{"trendAsNativeHistogram": true, "trendAs": "stats"}',
    /trendAsNativeHistogram in rw.json says that trendAs is "native", and trendAs in rw.json that it is "stats"/,
  ],
  ['{"staleMarkers": "perhaps"}', /staleMarkers in rw.json: it is "perhaps", expected true or false/],
];
for (const [text, message] of wrong) {
  test(`${text} is an error that names what is wrong`, () => assert.match(failure(text), message));
}

test("an error does not show a secret", () => {
  for (
    const text of [
      '{"password": "hunter2"',
      '{"headers": {"A b": "hunter2"}}',
      '{"headers": {"A": ["hunter2"]}}',
      '{"url": "hunter2"}',
      '"hunter2"',
    ]
  ) {
    assert.doesNotMatch(failure(text), /hunter2/);
  }
});
