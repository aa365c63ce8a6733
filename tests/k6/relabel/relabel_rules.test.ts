import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type RelabelConfig, relabelRules } from "../../../src/k6/relabel/mod.ts";

type Labels = Readonly<Record<string, string>>;

function relabel(labels: Labels, configs: readonly RelabelConfig[]): Labels | undefined {
  const relabelled = relabelRules(configs)(new Map(Object.entries(labels)));
  return relabelled === undefined ? undefined : Object.fromEntries(relabelled);
}

/** The cases of Prometheus's own tests: labels, rules, and the labels that the rules add or (if empty) remove. */
const cases: readonly {
  readonly labels: Labels;
  readonly rules: readonly RelabelConfig[];
  readonly changes: Labels | "dropped";
}[] = [
  {
    labels: { a: "foo", b: "bar", c: "baz" },
    rules: [{ source_labels: ["a"], regex: "f(.*)", target_label: "d", replacement: "ch${1}-ch${1}" }],
    changes: { d: "choo-choo" },
  },
  {
    labels: { a: "foo", b: "bar", c: "baz" },
    rules: [
      { source_labels: ["a", "b"], regex: "f(.*);(.*)r", target_label: "a", replacement: "b${1}${2}m" },
      { source_labels: ["c", "a"], regex: "(b).*b(.*)ba(.*)", target_label: "d", replacement: "$1$2$2$3" },
    ],
    changes: { a: "boobam", d: "boooom" },
  },
  {
    labels: { a: "foo" },
    rules: [
      { source_labels: ["a"], regex: ".*o.*", action: "drop" },
      { source_labels: ["a"], regex: "f(.*)", target_label: "d", replacement: "ch$1-ch$1" },
    ],
    changes: "dropped",
  },
  {
    labels: { a: "abc" },
    rules: [{ source_labels: ["a"], regex: ".*(b).*", target_label: "d" }],
    changes: { d: "b" },
  },
  { labels: { a: "foo" }, rules: [{ source_labels: ["a"], regex: "no-match", action: "drop" }], changes: {} },
  { labels: { a: "foo" }, rules: [{ source_labels: ["a"], regex: "f|o", action: "drop" }], changes: {} },
  { labels: { a: "foo" }, rules: [{ source_labels: ["a"], regex: "no-match", action: "keep" }], changes: "dropped" },
  { labels: { a: "foo" }, rules: [{ source_labels: ["a"], regex: "f.*", action: "keep" }], changes: {} },
  {
    labels: { a: "boo" },
    rules: [{ source_labels: ["a"], regex: "f", target_label: "b", replacement: "bar" }],
    changes: {},
  },
  {
    labels: { a: "foo", f: "baz" },
    rules: [{ source_labels: ["a"], regex: "(f).*", target_label: "$1", replacement: "$2" }],
    changes: { f: "" },
  },
  {
    labels: { a: "foo", b: "bar", c: "baz" },
    rules: [{ source_labels: ["c"], target_label: "d", action: "hashmod", modulus: 1000 }],
    changes: { d: "976" },
  },
  {
    labels: { a: "foo\nbar" },
    rules: [{ source_labels: ["a"], target_label: "b", action: "hashmod", modulus: 1000 }],
    changes: { b: "734" },
  },
  {
    labels: { a: "foo", b1: "bar", b2: "baz" },
    rules: [{ regex: "(b.*)", replacement: "bar_${1}", action: "labelmap" }],
    changes: { bar_b1: "bar", bar_b2: "baz" },
  },
  {
    labels: { a: "foo", __meta_my_bar: "aaa", __meta_my_baz: "bbb", __meta_other: "ccc" },
    rules: [{ regex: "__meta_(my.*)", replacement: "${1}", action: "labelmap" }],
    changes: { my_bar: "aaa", my_baz: "bbb" },
  },
  {
    labels: { a: "some-name-value" },
    rules: [{ source_labels: ["a"], regex: "some-([^-]+)-([^,]+)", replacement: "${2}", target_label: "${1}" }],
    changes: { name: "value" },
  },
  {
    labels: { a: "some-name-value" },
    rules: [{ source_labels: ["a"], regex: "some-([^-]+)-([^,]+)", replacement: "${3}", target_label: "${1}" }],
    changes: {},
  },
  {
    labels: { a: "some-name-0" },
    rules: [
      { source_labels: ["a"], regex: "some-([^-]+)-([^,]+)", replacement: "${1}", target_label: "${3}" },
      { source_labels: ["a"], regex: "some-([^-]+)(-[^,]+)", replacement: "${1}", target_label: "${3}" },
    ],
    changes: {},
  },
  {
    labels: { __meta_sd_tags: "path:/secret,job:some-job,label:foo=bar" },
    rules: [
      { source_labels: ["__meta_sd_tags"], regex: "(?:.+,|^)path:(/[^,]+).*", target_label: "__metrics_path__" },
      { source_labels: ["__meta_sd_tags"], regex: "(?:.+,|^)job:([^,]+).*", target_label: "job" },
      {
        source_labels: ["__meta_sd_tags"],
        regex: "(?:.+,|^)label:([^=]+)=([^,]+).*",
        target_label: "${1}",
        replacement: "${2}",
      },
    ],
    changes: { __metrics_path__: "/secret", job: "some-job", foo: "bar" },
  },
  {
    labels: { port_name: "foo", annotation_port: "9091" },
    rules: [
      { regex: "^port_name$", action: "labeldrop" },
      { source_labels: ["annotation_port"], regex: "(.+)", replacement: "metrics", target_label: "port_name" },
      { source_labels: ["port_name"], regex: "^metrics$", action: "keep" },
    ],
    changes: { port_name: "metrics" },
  },
  {
    labels: { a: "foo", b1: "bar", b2: "baz" },
    rules: [{ regex: "(b.*)", action: "labelkeep" }],
    changes: { a: "" },
  },
  {
    labels: { a: "foo", b1: "bar", b2: "baz" },
    rules: [{ regex: "(b.*)", action: "labeldrop" }],
    changes: { b1: "", b2: "" },
  },
  {
    labels: { foo: "bAr123Foo" },
    rules: [
      { source_labels: ["foo"], action: "uppercase", target_label: "foo_uppercase" },
      { source_labels: ["foo"], action: "lowercase", target_label: "foo_lowercase" },
    ],
    changes: { foo_uppercase: "BAR123FOO", foo_lowercase: "bar123foo" },
  },
  ...([["keepequal", "__port1", {}], ["keepequal", "__port2", "dropped"], ["dropequal", "__port1", "dropped"], [
    "dropequal",
    "__port2",
    {},
  ]] as const).map(([action, target, changes]) => ({
    labels: { __tmp_port: "1234", __port1: "1234", __port2: "5678" },
    rules: [{ source_labels: ["__tmp_port"], action, target_label: target }],
    changes,
  })),
  ...["d", "utf-8.label", "utf-8.label${1}"].map((target) => ({
    labels: { a: "line1\nline2", b: "bar" },
    rules: [{ source_labels: ["a"], regex: "line1.*line2", target_label: target, replacement: "match${1}" }],
    changes: { [target.replace("${1}", "")]: "match" },
  })),
  {
    labels: { "utf-8.label": "line1\nline2" },
    rules: [{ source_labels: ["utf-8.label"], regex: "line1.*line2", target_label: "d", replacement: "match${1}" }],
    changes: { d: "match" },
  },
  {
    labels: { a: "line1\nline2" },
    rules: ["label1_${1}", "label2_$1"].map((target) => ({
      source_labels: ["a"],
      regex: "(line1).*(?<second>line2)",
      target_label: target,
      replacement: target.includes("{") ? "val_${second}" : "val_$second",
    })),
    changes: { label1_line1: "val_line2", label2_line1: "val_line2" },
  },
  {
    labels: { __name__: "http_requests_total" },
    rules: [{ source_labels: ["__name__"], regex: ".*_total$", target_label: "__type__", replacement: "counter" }],
    changes: { __type__: "counter" },
  },
];

test("rules do what Prometheus's own tests expect", () => {
  for (const { labels, rules, changes } of cases) {
    const expected = changes === "dropped"
      ? undefined
      : Object.fromEntries(Object.entries({ ...labels, ...changes }).filter(([, value]) => value !== ""));
    assert.deepEqual(relabel(labels, rules), expected, JSON.stringify(rules));
  }
});

test("rules give the results that were recorded from a running Prometheus", () => {
  const { rules }: {
    rules: readonly { labels: Labels; configs: readonly RelabelConfig[]; result: Labels | null }[];
  } = JSON.parse(readFileSync("tests/fixtures/relabel/prometheus.json", "utf8"));
  assert.ok(rules.length > 30);
  for (const { labels, configs, result } of rules) {
    const relabelled = relabel(labels, configs);
    // The recorded version sets only names of this form; Prometheus sets any name since 3.0.
    const known = relabelled && Object.entries(relabelled).filter(([name]) => /^[a-zA-Z_]\w*$/.test(name));
    assert.deepEqual(known && Object.fromEntries(known), result ?? undefined, JSON.stringify(configs));
  }
});

test("rules apply in order: a typical chain selects a shard by its hash and removes its temporary labels", () => {
  const rules: RelabelConfig[] = [
    { source_labels: ["phase"], regex: "Succeeded|Failed", action: "drop" },
    { source_labels: ["namespace", "name"], separator: "/", target_label: "job" },
    { regex: "pod_label_(.+)", action: "labelmap" },
    { source_labels: ["address"], target_label: "__tmp_hash", modulus: 3, action: "hashmod" },
    { source_labels: ["__tmp_hash"], regex: "^[0-2]$", action: "keep" },
    { regex: "__tmp_hash|pod_label_.*", action: "labeldrop" },
  ];
  const labels = { phase: "Running", namespace: "load", name: "k6", pod_label_team: "qa", address: "10.0.0.1:80" };
  assert.deepEqual(relabel(labels, rules), {
    phase: "Running",
    namespace: "load",
    name: "k6",
    address: "10.0.0.1:80",
    job: "load/k6",
    team: "qa",
  });
  assert.equal(relabel({ ...labels, phase: "Failed" }, rules), undefined);
});

test("relabelling does not change the labels that it is given", () => {
  const labels = new Map([["__name__", "k6_vus"], ["a", "x"], ["empty", ""]]);
  const before = new Map(labels);
  const relabelled = relabelRules([
    { sourceLabels: ["a"], targetLabel: "b" },
    { regex: "a", action: "labeldrop" },
  ])(labels);
  assert.deepEqual(labels, before);
  assert.deepEqual(relabelled, new Map([["__name__", "k6_vus"], ["b", "x"]]));
});

test("without rules, only labels without a value are removed", () => {
  assert.deepEqual(relabel({ a: "1", b: "" }, []), { a: "1" });
});

test("a series without labels is dropped", () => {
  assert.equal(relabel({ a: "1" }, [{ regex: "a", action: "labeldrop" }]), undefined);
});

test("labelmap does not set a label without a name", () => {
  assert.deepEqual(relabel({ a: "1" }, [{ regex: "a", replacement: "$1", action: "labelmap" }]), { a: "1" });
});

test("a target may be any name, as in Prometheus since 3.0", () => {
  assert.deepEqual(relabel({ a: "my-label" }, [{ source_labels: ["a"], target_label: "$1", replacement: "v" }]), {
    a: "my-label",
    "my-label": "v",
  });
});
