import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptionDefinition } from "../../src/client/option_definition.ts";
import { clientOptionTexts, k6OptionTexts, type OptionText, queueOptionTexts } from "../../src/config/option_texts.ts";
import { type TextOption, textOptionsOf } from "../../src/config/text_option.ts";
import { textOptions } from "../../src/config/text_options.ts";
import { outputOptionDefinitions } from "../../src/k6/output/output_options.ts";

const definitions: readonly (readonly [name: string, OptionDefinition])[] = Object.entries(outputOptionDefinitions);
const texts = { ...clientOptionTexts, ...queueOptionTexts, ...k6OptionTexts };
const textOf = (name: string): OptionText | null | undefined =>
  new Map<string, OptionText | null>(Object.entries(texts)).get(name);
const all = textOptionsOf(outputOptionDefinitions, texts);
const textOptionOf = (name: string): TextOption | undefined => all.find(({ option }) => option === name);

test("each definition with a help text, and no other, becomes a text option", () => {
  for (const [name, { secret }] of definitions) {
    const { help, placeholder } = textOf(name) ?? {};
    const option = textOptionOf(name);
    assert.equal(option?.help, help, name);
    if (option === undefined) continue;
    assert.ok(textOptions.some(({ flag }) => flag === option.flag), `--${option.flag} is not among all options`);
    assert.equal(option.secret, secret, name);
    if (placeholder !== undefined) assert.equal(option.placeholder, placeholder, name);
  }
});

test("flags, variables and keys are unique, flags in kebab-case, and each option has all three", () => {
  const flags = textOptions.map(({ flag }) => flag);
  const variables = textOptions.flatMap(({ env, envPrefixes }) => [...env, ...envPrefixes]);
  const keys = textOptions.flatMap(({ keys }) => keys);
  for (const names of [flags, variables, keys]) assert.equal(new Set(names).size, names.length);
  for (const flag of flags) assert.match(flag, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  for (const { env, envPrefixes, keys } of textOptions) {
    assert.ok(env.length + envPrefixes.length > 0 && keys.length > 0);
  }
});

test("names follow from the option's name, unless the definition or k6 has others", () => {
  const names = (name: string): unknown => {
    const option = textOptionOf(name);
    return [option?.flag, option?.env, option?.keys];
  };
  assert.deepEqual(names("maxSeries"), ["max-series", ["K6_PROMETHEUS_RW_MAX_SERIES"], ["maxSeries"]]);
  assert.deepEqual(names("timeoutMs"), ["timeout", ["K6_PROMETHEUS_RW_TIMEOUT"], ["timeout"]]);
  assert.deepEqual(names("labels"), ["label", ["K6_PROMETHEUS_RW_LABELS"], ["labels", "label"]]);
  assert.deepEqual(names("headers"), ["http-headers", ["K6_PROMETHEUS_RW_HTTP_HEADERS"], ["headers", "httpHeaders"]]);
  assert.deepEqual(names("mapping"), ["mapping", ["K6_PROMETHEUS_MAPPING"], ["mapping"]]);
});

test("a definition with a help text and a kind that has no reader is an error", () => {
  const message = /Cannot read the option a: the kind colour has no reader/;
  assert.throws(
    () => textOptionsOf({ a: { kind: "colour" } }, { a: { group: "endpoint", help: "A colour." } }),
    message,
  );
});

for (const [name, { default: value }] of definitions) {
  if (!textOf(name) || value === undefined || (typeof value === "object" && !Array.isArray(value))) {
    continue;
  }
  test(`the default of ${name} in the help is the default, as a user may write it`, () => {
    const option = textOptionOf(name);
    // No string means "no entries".
    if (Array.isArray(value) && value.length === 0) return assert.equal(option?.default, undefined);
    assert.ok(option?.default !== undefined);
    // No string means "without a limit".
    if (value === Infinity) assert.equal(option.default, "no limit");
    else assert.deepEqual(option.parse(option.default, "the default"), value);
  });
}

test("a help text is one line of at most 120 characters, and ends like a sentence", () => {
  for (const { flag, help } of textOptions) assert.match(help, /^[A-Z].{1,118}\.$|^k6's .{1,114}\.$/, `--${flag}`);
});
