import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRelabelFile, relabelRules } from "../../../src/k6/relabel/mod.ts";

const rules = [
  { source_labels: ["url"], regex: "https?://([^/]+).*", target_label: "host" },
  { action: "labeldrop", regex: "url" },
];

test("a file contains a list of rules, or an object with the list as write_relabel_configs", () => {
  for (const content of [rules, { write_relabel_configs: rules }]) {
    const relabel = relabelRules(parseRelabelFile(JSON.stringify(content), "rules.json"));
    assert.deepEqual(
      relabel(new Map([["__name__", "k6_http_reqs_total"], ["url", "http://test.k6.io/a"]])),
      new Map([["__name__", "k6_http_reqs_total"], ["host", "test.k6.io"]]),
    );
  }
});

test("a YAML file is rejected with the hint to convert it to JSON", () => {
  for (const text of ["write_relabel_configs:\n- action: keep\n", "- action: keep\n", "# rules\n[]", "---\n[]"]) {
    assert.throws(() => parseRelabelFile(text, "rules.yml"), {
      name: "ConfigurationError",
      message:
        "Cannot relabel: rules.yml is not JSON, expected a JSON list of rules; YAML must be converted to JSON first",
    }, text);
  }
  assert.throws(() => parseRelabelFile("[{]", "rules.json"), {
    message: "Cannot relabel: rules.json is not JSON, expected a JSON list of rules",
  });
});

test("a file of another shape or with a wrong rule is rejected; the error names the file and the rule", () => {
  const rejected: readonly (readonly [unknown, RegExp])[] = [
    [{}, /rules\.json is \{\}, expected a list of rules, or an object whose only field/],
    [{ relabel_configs: [] }, /expected a list of rules/],
    [{ write_relabel_configs: {} }, /expected a list of rules/],
    [{ write_relabel_configs: [], url: "x" }, /expected a list of rules/],
    [null, /rules\.json is null/],
    ["keep", /rules\.json is "keep"/],
    [[...rules, 7], /rules\.json\[2\] is 7, expected an object/],
    [{ write_relabel_configs: [{ action: "kep" }] }, /rules\.json: write_relabel_configs\[0\]\.action is "kep"/],
    [[{ action: "keep", regex: "(" }], /rules\.json\[0\]\.regex is "\(", expected RE2 syntax: .*missing closing \)/],
  ];
  for (const [content, message] of rejected) {
    assert.throws(() => parseRelabelFile(JSON.stringify(content), "rules.json"), {
      name: "ConfigurationError",
      message,
    });
  }
});
