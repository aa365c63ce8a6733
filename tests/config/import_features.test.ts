import assert from "node:assert/strict";
import { test } from "node:test";
import { optionsFromArgument } from "../../src/config/argument.ts";
import { optionsFromConfig } from "../../src/config/config_file.ts";
import { optionsFromEnv } from "../../src/config/env.ts";
import { type DescribedOptions, importFeatures } from "../../src/config/import_features.ts";

const trend = { name: "t", type: "trend", contains: "time" } as const;

test("the mapping legacy is a value with the options that it reads", () => {
  const { mapping, ...rest } = importFeatures({ mapping: "legacy", prefix: "p_", maxExactValues: 5 });
  assert.deepEqual(rest, { prefix: "p_" });
  assert.ok(typeof mapping === "object");
  assert.equal(mapping.mapMetric(trend)?.outputs[0]?.name, "p_t_min");
  const { mapping: byDefault } = importFeatures({ mapping: "legacy" });
  assert.ok(typeof byDefault === "object");
  assert.equal(byDefault.mapMetric(trend)?.outputs[0]?.name, "k6_t_min");
  assert.throws(
    () => importFeatures({ mapping: "legacy", maxExactValues: 0 }),
    /maxExactValues of legacyMapping: it is 0/,
  );
  assert.deepEqual(importFeatures({ mapping: "raw", maxExactValues: 5 }), { mapping: "raw", maxExactValues: 5 });
});

test("features that are off are no options", () => {
  assert.deepEqual(importFeatures({ thresholds: false, runInfo: false, relabelConfigs: [] }), {});
});

test("features that are on are values, and values stay as they are", () => {
  const described: DescribedOptions = {
    thresholds: true,
    runInfo: { branch: "main" },
    relabelConfigs: [{ action: "labeldrop", regex: "vu" }],
  };
  const { relabel, thresholds, runInfo, ...rest } = importFeatures(described);
  assert.deepEqual(rest, {});
  assert.deepEqual(relabel?.(new Map([["vu", "1"], ["a", "b"]])), new Map([["a", "b"]]));
  const context = { onWarning: () => assert.fail() };
  assert.deepEqual(thresholds?.(context).metrics.map(({ name }) => name), ["threshold", "threshold_passed"]);
  const info = runInfo?.(context);
  info?.add({ metric: trend, time: 1, value: 1, tags: {} });
  assert.deepEqual(info?.take().map(({ tags }) => tags), [{ branch: "main" }]);
  assert.deepEqual(importFeatures({ relabel, thresholds, runInfo }), { relabel, thresholds, runInfo });
});

test("the options of each source have features as values", () => {
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
  for (const { relabel, thresholds, runInfo, mapping } of sources) {
    const types = [relabel, thresholds, runInfo, mapping].map((value) => typeof value);
    assert.deepEqual(types, ["function", "function", "function", "object"]);
  }
});
