import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileRelabelRegex } from "../../../src/k6/relabel/relabel_regex.ts";
import { compileRelabelTemplate } from "../../../src/k6/relabel/relabel_template.ts";

interface Recorded {
  readonly template: string;
  readonly texts: readonly string[];
  readonly expressions: readonly { readonly regex: string; readonly matches: readonly (readonly [string, string])[] }[];
}

const recorded: Recorded = JSON.parse(readFileSync("tests/fixtures/relabel/prometheus.json", "utf8"));

/** Which of their groups JavaScript may fill otherwise; the texts they match are the same. */
const unfaithful: ReadonlySet<string> = new Set([
  "(?:(a)|b)*c?",
  "((a)|(b))+",
  "((a)|b)+",
  "(|a)*",
  "(a|)*",
  "(a*)*",
  "(a*)+",
  "(a?)*",
]);

test("an expression matches the same texts with the same groups as in Prometheus, as recorded", () => {
  assert.ok(recorded.expressions.length > 100);
  for (const { regex, matches } of recorded.expressions) {
    const compiled = compileRelabelRegex(regex);
    const whole = unfaithful.has(regex);
    const template = compileRelabelTemplate(whole ? "<$0" : recorded.template, compiled);
    const found = recorded.texts.flatMap((text) => {
      const match = compiled.match(text);
      return match === null ? [] : [[text, template(match)]];
    });
    const expected = matches.map(([text, filled]) => [text, whole ? filled.slice(0, filled.indexOf("|")) : filled]);
    assert.deepEqual(found, expected, regex);
  }
});

test("a template that needs a group which JavaScript may fill otherwise is refused", () => {
  for (const regex of unfaithful) {
    const compiled = compileRelabelRegex(regex);
    assert.throws(() => compileRelabelTemplate(recorded.template, compiled), SyntaxError, regex);
  }
  // Two turns of the loop: JavaScript would have forgotten the first turn's group.
  assert.throws(() => compileRelabelTemplate("$1", compileRelabelRegex("(?:(a)|b)+")), /^SyntaxError: \$1 depends/);
});

test("groups within a repetition that cannot pass them by are taken", () => {
  const compiled = compileRelabelRegex("(?:/(\\w+))+");
  const match = compiled.match("/one/two");
  assert.ok(match !== null);
  assert.equal(compileRelabelTemplate("$1", compiled)(match), "two");
});

test("what RE2 does not know, or JavaScript cannot express, is refused with the reason", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["(?=a)", /look-ahead/],
    ["(?!a)", /look-ahead/],
    ["(?<=a)b", /look-ahead/],
    ["(?>a)", /look-ahead/],
    ["(?x)a", /look-ahead/],
    ["(a)\\1", /escape/],
    ["\\Z", /escape/],
    ["\\C", /escape/],
    ["\\Qabc", /escape/],
    ["a\\", /escape/],
    ["[\\b]", /escape/],
    ["\\x{110000}", /beyond 10FFFF/],
    ["(a", /closing parenthesis/],
    ["a)", /without its group/],
    ["a)|(b", /without its group/],
    ["[a", /closing bracket/],
    ["[", /closing bracket/],
    ["[]", /closing bracket/],
    ["[z-a]", /range/],
    ["[a-\\d]", /range/],
    ["[[:letter:]]", /character class/],
    ["[[:constructor:]]", /character class/],
    ["\\p{Klingon}", /./],
    ["*a", /./],
    ["a**", /./],
    ["a*+", /./],
    ["a{2,1}", /./],
    ["a{1001}", /more than 1000/],
    ["a{1,1001}", /more than 1000/],
    ["(?P<x>a)(?P<x>b)", /two groups/],
    ["get(?i)post", /\(\?i\) for a part/],
    ["(?i:get)-x", /\(\?i\) for a part/],
  ];
  for (const [pattern, reason] of refused) {
    assert.throws(() => compileRelabelRegex(pattern), (error: unknown) => {
      assert.ok(error instanceof SyntaxError, pattern);
      assert.match(error.message, reason, pattern);
      return true;
    }, pattern);
  }
});

test("(?i) for a part is taken where case matters nowhere else", () => {
  for (const pattern of ["/(?i:api)/\\d+", "(?i)get|post", "[0-9]+-(?i)x", "\\s*(?i:k6)\\s*"]) {
    compileRelabelRegex(pattern);
  }
  assert.notEqual(compileRelabelRegex("/(?i:api)/\\d+").match("/API/1"), null);
  assert.notEqual(compileRelabelRegex("(?i)get|post").match("POST"), null);
});
