import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { relabelRules } from "../../../src/k6/relabel/mod.ts";
import { compilePattern } from "../../../src/k6/relabel/relabel_pattern.ts";

interface Recorded {
  readonly template: string;
  readonly texts: readonly string[];
  readonly expressions: readonly { readonly regex: string; readonly matches: readonly (readonly [string, string])[] }[];
}

const recorded: Recorded = JSON.parse(readFileSync("tests/fixtures/relabel/prometheus.json", "utf8"));

function expand(pattern: string, template: string, value: string): string | undefined {
  return compilePattern(pattern).expander([template])(value)?.[0];
}

test("a pattern matches the same strings with the same groups as in Prometheus, as recorded", () => {
  assert.ok(recorded.expressions.length > 100);
  for (const { regex, matches } of recorded.expressions) {
    const { matches: isMatch, expander } = compilePattern(regex);
    const expandAll = expander([recorded.template]);
    const found = recorded.texts.flatMap((text) => {
      const [filled] = expandAll(text) ?? [];
      return filled === undefined ? [] : [[text, filled]];
    });
    assert.deepEqual(found, matches, regex);
    assert.deepEqual(recorded.texts.filter((text) => isMatch(text)), matches.map(([text]) => text), regex);
  }
});

test("a group in a repetition keeps the string of the last turn that it took part in", () => {
  assert.equal(expand("(?:/(\\w+))+", "$1", "/one/two"), "two");
  assert.equal(expand("(?:(a)|b)+", "$1", "ab"), "a");
});

test("a pattern matches whole strings, and its dot matches line feeds", () => {
  for (const pattern of ["b", "b|c", "(b)", "[b]", "^b$", "b+"]) {
    const { matches } = compilePattern(pattern);
    assert.deepEqual(["b", "ab", "ba", "b\n", ""].filter((value) => matches(value)), ["b"], pattern);
  }
  for (const pattern of ["a.*b", "(?i)A.+B", ".+", ".*"]) assert.ok(compilePattern(pattern).matches("a\n\nb"), pattern);
  assert.equal(compilePattern(".+").matches(""), false);
  assert.equal(compilePattern("(?-s).+").matches("a\nb"), false);
});

test("literal strings match only themselves", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["vu|iter", ["vu", "iter"]],
    ["a\\.b|c\\|d", ["a.b", "c|d"]],
    ["^(?:vu)$|^iter$", ["vu", "iter"]],
    ["^vu|iter$", ["vu", "iter"]],
    ["|a", ["", "a"]],
    ["\\Qa|b\\E", ["a|b"]],
    ["(?i)VU", ["vu", "VU", "vU"]],
  ];
  const values = ["vu", "VU", "vU", "iter", "vuiter", "a.b", "aXb", "c|d", "c", "d", "", "a", "b", "a|b", "^vu"];
  for (const [pattern, expected] of cases) {
    const { matches } = compilePattern(pattern);
    assert.deepEqual(values.filter((value) => matches(value)).sort(), [...expected].sort(), pattern);
  }
});

test("flags may be set for a part of a pattern", () => {
  const cases: readonly (readonly [pattern: string, value: string, matches: boolean])[] = [
    ["get(?i)post", "getPOST", true],
    ["get(?i)post", "GETpost", false],
    ["(?i:get)-x", "GET-x", true],
    ["(?i:get)-x", "get-X", false],
    ["/(?i:api)/\\d+", "/API/1", true],
    ["(?i)get|post", "POST", true],
  ];
  for (const [pattern, value, expected] of cases) {
    assert.equal(compilePattern(pattern).matches(value), expected, `${pattern} and ${value}`);
  }
});

test("templates name groups by number or by name, as in Go", () => {
  const cases: readonly (readonly [template: string, filled: string])[] = [
    ["$1-${second}", "a-b"],
    ["$second$second", "bb"],
    ["$0", "a;b"],
    ["$1x", ""],
    ["${1}x", "ax"],
    ["$01|$3|$third", "||"],
    ["$$1 $ ${ ${}", "$1 $ ${ ${}"],
    ["$constructor", ""],
  ];
  for (const [template, filled] of cases) assert.equal(expand("(.);(?P<second>.)", template, "a;b"), filled, template);
  // Patterns that need no engine have the same groups.
  assert.equal(expand("(.*)", "$0 $1 $2", "a"), "a a ");
  assert.equal(expand(".+", "$0 $1", "a"), "a ");
  assert.equal(expand("a|b", "$0 $1", "b"), "b ");
});

test("a pattern that is not in RE2's syntax is rejected with the reason", () => {
  const rejected: readonly (readonly [string, RegExp])[] = [
    ...["(?=a)", "(?!a)", "(?<=a)b", "(?>a)", "(?x)a"].map((pattern) =>
      [pattern, /Perl syntax|named capture/] as const
    ),
    ...["(a)\\1", "\\Z", "\\C", "[\\b]", "[a-\\d]", "\\x{110000}"].map((pattern) =>
      [pattern, /escape sequence/] as const
    ),
    ["a\\", /trailing backslash/],
    ["\\Qabc", /missing closing \)/],
    ["(a", /missing closing \)/],
    ["a)", /unexpected \)/],
    ["a)|(b", /unexpected \)/],
    ...["[a", "[", "[]"].map((pattern) => [pattern, /missing closing \]/] as const),
    ...["[z-a]", "[[:letter:]]", "[[:constructor:]]", "\\p{Klingon}"].map((pattern) =>
      [pattern, /class range/] as const
    ),
    ["*a", /missing argument/],
    ...["a**", "a*+"].map((pattern) => [pattern, /nested repetition/] as const),
    ...["a{2,1}", "a{1001}", "a{1,1001}"].map((pattern) => [pattern, /repeat count/] as const),
    ["(?P<x>a)(?P<x>b)", /duplicate capture group/],
  ];
  for (const [pattern, reason] of rejected) {
    assert.throws(() => compilePattern(pattern), (error: unknown) => {
      assert.ok(error instanceof SyntaxError, pattern);
      assert.match(error.message, reason, pattern);
      return true;
    }, pattern);
  }
});

test("an error names the rule, the pattern and the reason", () => {
  assert.throws(
    () => relabelRules([{ target_label: "a" }, { action: "keep", regex: "a(?=b)" }]),
    {
      name: "ConfigurationError",
      message: 'Cannot relabel: rules[1].regex is "a(?=b)", expected RE2 syntax: error parsing regexp: invalid or ' +
        "unsupported Perl syntax: `(?=`",
    },
  );
  for (const configs of [{ action: "drop" }, ""]) {
    assert.throws(
      () => relabelRules(configs as unknown as []),
      /^ConfigurationError: Cannot relabel: rules is .*, expected a list/,
    );
  }
});

test("the time of a match is proportional to the length of the string", () => {
  // A backtracking engine such as V8's needs exponential time for these patterns: it hangs on values of 40 characters.
  const cases: readonly (readonly [pattern: string, value: string, group: string | undefined])[] = [
    ["(a+)+$", `${"a".repeat(100_000)}!`, undefined],
    ["(a+)+$", "a".repeat(100_000), "a".repeat(100_000)],
    ["(a|aa)+", `${"a".repeat(10_000)}!`, undefined],
    ["((?:a?){30}a{30})", "a".repeat(10_000), undefined],
    ["((?:a?){30}a{30})", "a".repeat(45), "a".repeat(45)],
    ["((?:a?){30}a{30}).*", "a".repeat(100_000), "a".repeat(60)],
  ];
  const started = performance.now();
  for (const [pattern, value, group] of cases) {
    assert.equal(compilePattern(pattern).matches(value), group !== undefined, pattern);
    assert.equal(expand(pattern, "$1", value), group, pattern);
  }
  const ms = performance.now() - started;
  assert.ok(ms < 60_000, `took ${ms} ms`);
});
