import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { checkRelabelConfig } from "../../../src/k6/relabel/relabel_config.ts";

function messageOf(config: unknown): string {
  try {
    checkRelabelConfig(config, "rules[3]");
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  return "";
}

test("a rule has Prometheus's defaults", () => {
  assert.deepEqual(checkRelabelConfig({ target_label: "a" }, "rules[0]"), {
    action: "replace",
    sourceLabels: [],
    separator: ";",
    regex: "(.*)",
    modulus: 0,
    targetLabel: "a",
    replacement: "$1",
  });
});

test("both spellings of the fields mean the same, and empty strings are kept", () => {
  const rest = { separator: "", regex: "", replacement: "", action: "REPLACE" };
  const snake = checkRelabelConfig({ source_labels: ["a"], target_label: "b", ...rest }, "rules[0]");
  assert.deepEqual(checkRelabelConfig({ sourceLabels: ["a"], targetLabel: "b", ...rest }, "rules[0]"), snake);
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
    'Cannot relabel: rules[3].targetLabel is "b", expected only one of target_label and targetLabel',
  );
});

test("rules that Prometheus rejects are rejected", () => {
  const rejected: readonly (readonly [unknown, RegExp])[] = [
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
    [
      { action: "lowercase", target_label: "a", replacement: "b" },
      /replacement is "b", expected no \w+ together with the action/,
    ],
    [
      { action: "uppercase", target_label: "a", replacement: "b" },
      /replacement is "b", expected no \w+ together with the action/,
    ],
    [{ action: "dropequal", target_label: "a", regex: "b" }, /regex is "b", expected no \w+ together with the action/],
    [
      { action: "keepequal", target_label: "a", separator: "b" },
      /separator is "b", expected no \w+ together with the action/,
    ],
    [{ action: "keepequal", target_label: "a", modulus: 2 }, /modulus is 2, expected no \w+ together with the action/],
    [
      { action: "labeldrop", regex: "a", source_labels: ["b"] },
      /source_labels is \["b"\], expected no \w+ together with the action/,
    ],
    [
      { action: "labelkeep", regex: "a", target_label: "b" },
      /target_label is "b", expected no \w+ together with the action/,
    ],
    [
      { action: "labelkeep", regex: "a", replacement: "b" },
      /replacement is "b", expected no \w+ together with the action/,
    ],
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
  for (const [config, message] of rejected) assert.match(messageOf(config), message);
});

test("a target label may have any name that is not empty", () => {
  for (const target of ["-label", "label${1}", "${", "$", "bar.foo${1}bar", "0${3}"]) {
    for (const action of ["replace", "lowercase"]) {
      assert.equal(messageOf({ action, target_label: target }), "", target);
    }
    assert.equal(messageOf({ action: "labelmap", replacement: target }), "", target);
  }
});
