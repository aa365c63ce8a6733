import assert from "node:assert/strict";
import { test } from "node:test";
import { optionsFromArgument } from "../../src/config/argument.ts";
import { optionsFromConfig } from "../../src/config/config_file.ts";
import { optionsFromEnv } from "../../src/config/env.ts";
import { buildOptions, type RawOptions } from "../../src/config/raw_options.ts";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";

/** Returns the options of the library. */
function build(raw: RawOptions): RemoteWriteOutputOptions {
  return buildOptions(raw).options;
}

const trend = { name: "t", type: "trend", contains: "time" } as const;

test("legacy becomes a mapping with the options that it reads", () => {
  const { mapping, ...rest } = build({ mapping: "legacy", prefix: "p_", maxExactValues: 5 });
  assert.deepEqual(rest, { prefix: "p_" });
  assert.ok(typeof mapping === "object");
  assert.equal(mapping.mapMetric(trend)?.outputs[0]?.name, "p_t_min");
  const { mapping: byDefault } = build({ mapping: "legacy" });
  assert.ok(typeof byDefault === "object");
  assert.equal(byDefault.mapMetric(trend)?.outputs[0]?.name, "k6_t_min");
  assert.throws(
    () => build({ mapping: "legacy", maxExactValues: 0 }),
    /legacyMapping\.maxExactValues: it is 0/,
  );
  assert.deepEqual(build({ mapping: "raw", maxExactValues: 5 }), { mapping: "raw", maxExactValues: 5 });
});

test("features that are off are not in the options", () => {
  assert.deepEqual(build({ thresholds: false, runInfo: false, relabelConfigs: [] }), {});
});

test("features that are on become values", () => {
  const described: RawOptions = {
    thresholds: true,
    runInfo: { branch: "main" },
    relabelConfigs: [{ action: "labeldrop", regex: "vu" }],
  };
  const { relabel, thresholds, runInfo, ...rest } = build(described);
  assert.deepEqual(rest, {});
  assert.deepEqual(relabel?.(new Map([["vu", "1"], ["a", "b"]])), new Map([["a", "b"]]));
  const context = { onWarning: () => assert.fail() };
  assert.deepEqual(thresholds?.(context).metrics.map(({ name }) => name), ["threshold", "threshold_passed"]);
  const info = runInfo?.(context);
  info?.add({ metric: trend, time: 1, value: 1, tags: {} });
  assert.deepEqual(info?.take().map(({ tags }) => tags), [{ branch: "main" }]);
});

test("features of every source become values", () => {
  const rules = '[{"action":"labeldrop","regex":"vu"}]';
  const sources = [
    optionsFromEnv({
      K6_PROMETHEUS_RW_THRESHOLDS: "true",
      K6_PROMETHEUS_RW_RUN_INFO: "branch=main",
      K6_PROMETHEUS_RW_RELABEL_CONFIGS: rules,
      K6_PROMETHEUS_MAPPING: "legacy",
    }),
    optionsFromArgument(`thresholds=true,runInfo.branch=main,relabelConfigs=${rules},mapping=legacy`),
    optionsFromConfig(`{"thresholds":true,"runInfo":true,"relabelConfigs":${rules},"mapping":"legacy"}`, "rw.json"),
  ];
  for (const { options: { relabel, thresholds, runInfo, mapping } } of sources) {
    const types = [relabel, thresholds, runInfo, mapping].map((value) => typeof value);
    assert.deepEqual(types, ["function", "function", "function", "object"]);
  }
});

const sigv4 = { region: "eu", accessKeyId: "AKID", secretAccessKey: "s3cr3t" };
const oauth2 = { tokenUrl: "https://id.example/token", clientId: "k6", clientSecret: "s3cr3t" };

test("the parts of OAuth 2.0 or of AWS's signatures become the option auth", () => {
  for (const options of [{ sigv4 }, { oauth2 }]) assert.equal(typeof build(options).auth, "function");
  for (
    const [raw, options] of [[{ user: "u" }, { user: "u" }], [{ sigv4: {} }, {}], [
      { sigv4: { region: undefined } },
      {},
    ]]
  ) {
    assert.deepEqual(build(raw ?? {}), options);
  }
});

test("a missing part and a second method are errors that name it, but no secret", () => {
  const cases: readonly (readonly [RawOptions, RegExp])[] = [
    [{ sigv4: { region: "r" } }, /sigv4\.accessKeyId is missing/],
    [{ sigv4: { service: "aps" } }, /sigv4\.region is missing/],
    [{ sigv4, oauth2 }, /the options contain oauth2 and sigv4, expected only one of them/],
    [{ sigv4, user: "u" }, /the options contain user and sigv4, expected only one of them/],
    [{ oauth2, bearerToken: "s3cr3t" }, /the options contain bearerToken and oauth2, expected only one of them/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => build(options), (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cr3t/);
      return true;
    });
  }
});

test("options that name files, options of TLS and the proxy are separate", () => {
  const files = {
    caCertFile: "ca.pem",
    insecureSkipTlsVerify: false,
    bearerTokenFile: "token",
    proxy: "none",
  } as const;
  assert.deepEqual(buildOptions({ ...files, prefix: "p_", tlsMinVersion: undefined }), {
    options: { prefix: "p_" },
    files,
  });
});
