import assert from "node:assert/strict";
import { test } from "node:test";
import { buildOptions } from "../../src/config/raw_options.ts";
import { consolidateOptions, type OptionSources } from "../../src/config/consolidate_options.ts";
import { resolveOptions } from "../../src/k6/output/resolve_options.ts";
import type { Tags } from "../../src/k6/sample.ts";

test("flags win over the argument, the argument over variables, variables over the file", () => {
  const config = { text: '{"prefix": "file_", "mapping": "raw", "maxSeries": 1, "shards": 1}', name: "rw.json" };
  const env = { K6_PROMETHEUS_MAPPING: "legacy", K6_PROMETHEUS_RW_MAX_SERIES: "2", K6_PROMETHEUS_RW_SHARDS: "2" };
  const argument = "maxSeries=3,shards=3";
  assert.deepEqual(consolidateOptions({ config, env, argument, flags: { shards: 4 } }), {
    insecureSkipTlsVerify: false,
    keepNameTag: true,
    prefix: "file_",
    mapping: "legacy",
    maxSeries: 3,
    shards: 4,
  });
  assert.deepEqual(consolidateOptions({}), {});
});

test("headers, labels and the parts of an authentication method are merged by name", () => {
  const options = consolidateOptions({
    config: {
      text: '{"headers": {"A": "file", "B": "file"}, "sigV4Region": "eu", "labels": {"a": "file"}}',
      name: "rw.json",
    },
    env: { K6_PROMETHEUS_HEADERS_B: "env", K6_PROMETHEUS_RW_SIGV4_SECRET_KEY: "key" },
    argument: "sigV4AccessKey=AKID,labels.b=argument",
    flags: { headers: { C: "flag" } },
  });
  assert.deepEqual(options.headers, { A: "file", B: "env", C: "flag" });
  assert.deepEqual(options.sigv4, { region: "eu", secretAccessKey: "key", accessKeyId: "AKID" });
  assert.deepEqual(options.labels, { a: "file", b: "argument" });
});

test("headers are merged by their names in any case", () => {
  const { headers } = consolidateOptions({
    config: { text: '{"headers": {"x-a": "file", "X-B": "file"}}', name: "rw.json" },
    env: { "K6_PROMETHEUS_HEADERS_X-A": "env", "K6_PROMETHEUS_HEADERS_x-b": "env" },
    flags: { headers: { "x-a": "flag" } },
  });
  assert.deepEqual(headers, { "x-a": "flag", "x-b": "env" });
  // If one source gives a name twice, the later one counts.
  assert.deepEqual(consolidateOptions({ flags: { headers: { "X-A": "1", "x-a": "2" } } }).headers, { "x-a": "2" });
});

const layers: readonly [string, OptionSources, Tags][] = [
  ["a flag's label over a variable", { flags: { labels: { testid: "flag" } }, env: testidOf("env") }, {
    testid: "flag",
  }],
  ["an argument's label over a variable", { argument: "labels.testid=argument", env: testidOf("env") }, {
    testid: "argument",
  }],
  ["a variable's labels over the file", {
    env: { K6_PROMETHEUS_RW_LABELS: "testid=env,instance=env" },
    config: { text: '{"testid": "auto", "instance": "file", "labels": {"a": "b"}}', name: "rw.json" },
  }, { testid: "env", instance: "env", a: "b" }],
  ["a flag over a variable's label", { flags: { testid: "flag" }, env: { K6_PROMETHEUS_RW_LABELS: "testid=env" } }, {
    testid: "flag",
  }],
  ["another label hides nothing", { flags: { labels: { a: "b" } }, env: testidOf("env") }, { testid: "env", a: "b" }],
  ["within one source, the option", { argument: "testid=option,labels.testid=label" }, { testid: "option" }],
];
for (const [title, sources, labels] of layers) {
  test(`testid and instance are labels, with the precedence of their source: ${title}`, () => {
    assert.deepEqual(resolveOptions(buildOptions(consolidateOptions(sources)).options).labels, labels);
  });
}

function testidOf(K6_PROMETHEUS_RW_TESTID: string): Record<string, string> {
  return { K6_PROMETHEUS_RW_TESTID };
}

test("if k6's present names are used, certificates are verified unless a source says otherwise", () => {
  const env = { K6_PROMETHEUS_REMOTE_URL: "https://a.test/" };
  assert.equal(consolidateOptions({ env }).insecureSkipTlsVerify, undefined);
  assert.equal(consolidateOptions({ env, argument: "mapping=raw" }).insecureSkipTlsVerify, false);
  assert.equal(consolidateOptions({ env, config: { text: "{}", name: "rw.json" } }).insecureSkipTlsVerify, false);
  // The default that one source implies does not replace the value of another source.
  const present = { K6_PROMETHEUS_RW_MAX_SERIES: "1" };
  const config = { text: '{"insecureSkipTLSVerify": true}', name: "rw.json" };
  assert.equal(consolidateOptions({ env: present, argument: "mapping=raw", config }).insecureSkipTlsVerify, true);
});

test("the tag name is a label by default only with variables of k6's present output or with this output", () => {
  const env = { K6_PROMETHEUS_REMOTE_URL: "https://a.test/", K6_PROMETHEUS_MAPPING: "raw" };
  assert.equal(consolidateOptions({ env, argument: "shards=2" }).keepNameTag, undefined);
  assert.equal(consolidateOptions({ env, config: { text: "{}", name: "rw.json" } }).keepNameTag, undefined);
  assert.equal(consolidateOptions({ env, isPresentOutput: true }).keepNameTag, true);
  assert.equal(consolidateOptions({ env: { K6_PROMETHEUS_RW_SHARDS: "2" } }).keepNameTag, true);
  // A choice of any source counts more than the default.
  const present = { K6_PROMETHEUS_RW_SHARDS: "2" };
  assert.equal(consolidateOptions({ env: present, flags: { keepNameTag: false } }).keepNameTag, false);
  const config = { text: '{"keepNameTag": false}', name: "rw.json" };
  assert.equal(consolidateOptions({ env: present, isPresentOutput: true, config }).keepNameTag, false);
});

test("a region from any source is used with the credentials of AWS's variables", () => {
  const env = { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "key" };
  assert.deepEqual(consolidateOptions({ env, flags: { sigv4: { region: "eu" } } }).sigv4, {
    region: "eu",
    accessKeyId: "AKID",
    secretAccessKey: "key",
  });
});
