import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { compileRelabelConfigs } from "../../../src/k6/relabel/relabel.ts";
import { checkRelabelConfig, type NameValidationScheme } from "../../../src/k6/relabel/relabel_config.ts";

function messageOf(config: unknown, scheme: NameValidationScheme = "utf8"): string {
  try {
    checkRelabelConfig(config, "rules[3]", { nameValidationScheme: scheme });
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  return "";
}

test("a rule has Prometheus's defaults", () => {
  assert.deepEqual(checkRelabelConfig({ target_label: "a" }, "rules[0]", { nameValidationScheme: "utf8" }), {
    action: "replace",
    sourceLabels: [],
    separator: ";",
    regex: "(.*)",
    modulus: 0,
    targetLabel: "a",
    replacement: "$1",
  });
});

test("both spellings of the fields mean the same, and empty texts are kept", () => {
  const options = { nameValidationScheme: "utf8" } as const;
  const rest = { separator: "", regex: "", replacement: "", action: "REPLACE" };
  const snake = checkRelabelConfig({ source_labels: ["a"], target_label: "b", ...rest }, "rules[0]", options);
  assert.deepEqual(checkRelabelConfig({ sourceLabels: ["a"], targetLabel: "b", ...rest }, "rules[0]", options), snake);
  assert.deepEqual([snake.separator, snake.regex, snake.replacement, snake.action], ["", "", "", "replace"]);
});

test("an error names the rule, the field, its value and what was expected", () => {
  assert.equal(
    messageOf({ action: "hashmod", target_label: "a", modulus: 0.5 }),
    "Cannot relabel: rules[3].modulus is 0.5, expected an integer of at least 1",
  );
  assert.equal(
    messageOf({ regex: "a", action: "labelzap" }),
    'Cannot relabel: rules[3].action is "labelzap", expected one of replace, keep, drop, keepequal, dropequal, hashmod, ' +
      "labelmap, labeldrop, labelkeep, lowercase, uppercase",
  );
  assert.equal(
    messageOf({ target_label: "a", targetLabel: "b" }),
    'Cannot relabel: rules[3].targetLabel is "b", expected none beside target_label',
  );
});

test("what Prometheus refuses is refused", () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{}, /targetLabel is missing, expected a label name/],
    [{ action: "" }, /action is ""/],
    [{ action: ["keep"] }, /action is \["keep"\]/],
    [{ action: "lowercase" }, /targetLabel is missing/],
    [{ action: "keepequal", source_labels: ["a"] }, /targetLabel is missing/],
    [{ action: "hashmod", target_label: "a" }, /modulus is missing/],
    [{ action: "hashmod", modulus: 3 }, /targetLabel is missing/],
    [{ action: "hashmod", target_label: "a", modulus: 0 }, /modulus is 0/],
    [{ action: "hashmod", target_label: "a", modulus: -1 }, /modulus is -1/],
    [{ action: "hashmod", target_label: "a", modulus: "3" }, /modulus is "3"/],
    [{ action: "hashmod", target_label: "a", modulus: 3n }, /modulus is 3,/],
    [{ action: "lowercase", target_label: "a", replacement: "b" }, /replacement is "b", expected none beside/],
    [{ action: "uppercase", target_label: "a", replacement: "b" }, /replacement is "b", expected none beside/],
    [{ action: "dropequal", target_label: "a", regex: "b" }, /regex is "b", expected none beside/],
    [{ action: "keepequal", target_label: "a", separator: "b" }, /separator is "b", expected none beside/],
    [{ action: "keepequal", target_label: "a", modulus: 2 }, /modulus is 2, expected none beside/],
    [{ action: "labeldrop", regex: "a", source_labels: ["b"] }, /source_labels is \["b"\], expected none beside/],
    [{ action: "labelkeep", regex: "a", target_label: "b" }, /target_label is "b", expected none beside/],
    [{ action: "labelkeep", regex: "a", replacement: "b" }, /replacement is "b", expected none beside/],
    [{ action: "labelmap", regex: "a", replacement: "" }, /replacement is "", expected a label name/],
    [{ target_label: "a", regex: 5 }, /regex is 5, expected a string/],
    [{ target_label: "a", regex: null }, /regex is null, expected a string/],
    [{ target_label: "a", separator: [] }, /separator is \[\], expected a string/],
    [{ target_label: "a", source_labels: "b" }, /source_labels is "b", expected a list/],
    [{ target_label: "a", source_labels: [1] }, /source_labels is \[1\], expected a list/],
    [{ target_label: "a", source_labels: [""] }, /source_labels is \[""\], expected a list/],
    [{ target_label: "a", source_label: ["b"] }, /rules\[3\]\.source_label is \["b"\], expected only the fields/],
    [{ target_label: "a", constructor: "b" }, /constructor is "b", expected only the fields/],
    ["labeldrop", /rules\[3\] is "labeldrop", expected an object/],
    [[], /rules\[3\] is \[\], expected an object/],
    [null, /rules\[3\] is null, expected an object/],
  ];
  for (const [config, message] of refused) assert.match(messageOf(config), message);
});

test("targets are legacy names or templates of them, as Prometheus's table has it, where that scheme is asked for", () => {
  const targets: readonly (readonly [string, boolean])[] = [
    ["-label", false],
    ["label", true],
    ["label${1}", true],
    ["${1}label", true],
    ["${1}", true],
    ["${", false],
    ["$", false],
    ["${}", false],
    ["foo${", false],
    ["$1", true],
    ["asd$2asd", true],
    ["-foo${1}bar-", false],
    ["bar.foo${1}bar", false],
    ["_${1}_", true],
    ["foo${bar}foo", true],
    ["0${3}", false],
    ["-${3}", false],
  ];
  for (const [target, valid] of targets) {
    assert.equal(messageOf({ target_label: target }, "legacy") === "", valid, target);
    assert.equal(messageOf({ action: "labelmap", replacement: target }, "legacy") === "", valid, target);
    assert.equal(messageOf({ target_label: target }), "", `${target} is any name`);
  }
  // Only replace expands its target: elsewhere the dollar sign would be a part of the name.
  assert.match(messageOf({ action: "lowercase", target_label: "${3}" }, "legacy"), /target_label is "\$\{3\}"/);
  assert.equal(messageOf({ action: "lowercase", target_label: "${3}" }), "");
});

test("an expression or a template that cannot be used is named with its reason", () => {
  assert.throws(
    () => compileRelabelConfigs([{ target_label: "a" }, { action: "keep", regex: "a(?=b)" }]),
    {
      name: "ConfigurationError",
      message: 'Cannot relabel: relabelConfigs[1].regex is "a(?=b)", expected RE2 syntax that JavaScript can run: ' +
        'a group that RE2 does not know, such as a look-ahead (at "?=b)")',
    },
  );
  assert.throws(
    () => compileRelabelConfigs([{ regex: "(?:(a)|b)*", target_label: "a", replacement: "x$1" }]),
    { name: "ConfigurationError", message: /relabelConfigs\[0\]\.replacement is "x\$1", expected groups/ },
  );
});
