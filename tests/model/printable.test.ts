import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteOutput } from "../../mod.ts";
import { ConfigurationError } from "../../src/model/errors.ts";
import { printable, printableLines, quote } from "../../src/model/printable.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import { assertPrintable, controls, hostile } from "../support/controls.ts";

test("every control is replaced by its escape in JSON, and no other character is", () => {
  for (let code = 0; code < 0x10000; code++) {
    const character = String.fromCharCode(code);
    const shown = printable(character);
    if (!controls.includes(character)) assert.equal(shown, character);
    else assert.equal(JSON.parse(`"${shown}"`), character);
    if (character !== "\n") assert.equal(printableLines(character), shown);
  }
  assert.equal(printable("a\n\r\t\x1b\x9b\u202eb"), "a\\n\\r\\t\\u001b\\u009b\\u202eb");
  assert.equal(printableLines("a\nb\r"), "a\nb\\r");
});

test("JSON stays the same JSON, and a printable string stays as it is", () => {
  const value = { [hostile]: [hostile, "plain \u{1f600} \u0645"] };
  const shown = printable(JSON.stringify(value));
  assertPrintable(shown, "JSON");
  assert.deepEqual(JSON.parse(shown), value);
  assert.equal(printable(shown), shown);
});

test("errors, quoted strings and series contain no control", () => {
  assertPrintable(new ConfigurationError(hostile).message, "an error");
  assertPrintable(quote(controls.slice(0, 50).join("")) + quote(controls.slice(50).join("")), "a quoted string");
  assertPrintable(formatSeries([{ name: "__name__", value: hostile }, { name: hostile, value: hostile }]), "a series");
});

test("no warning of the library contains a control", async () => {
  const warnings: string[] = [];
  const answers = [
    () => new Response(hostile, { status: 400 }),
    () => new Response(`a{b="${hostile}"} ${hostile}`, { status: 422 }),
    () => new Response(hostile, { status: 404 }),
    () => {
      throw new TypeError(hostile, { cause: new Error(hostile) });
    },
  ];
  for (const answer of answers) {
    const output = new RemoteWriteOutput({
      fetch: () => Promise.resolve().then(answer),
      retryDeadlineMs: 0,
      closeTimeoutMs: 50,
      onWarning: (message) => warnings.push(message),
    });
    const metric = { name: `m${hostile}`, type: "counter", contains: "default" } as const;
    output.add({ metric, time: 1, value: 1, tags: { [`t${hostile}`]: hostile, url: hostile } });
    output.add({ metric, time: NaN, value: 1, tags: {} });
    output.add({ metric: { ...metric, type: "gauge" }, time: 1, value: 1, tags: {} });
    const { reasons } = await output.close();
    for (const { reason } of reasons) assertPrintable(reason, "a reason");
    assert.ok(reasons.length > 0);
  }
  assert.ok(warnings.length > 3);
  for (const warning of warnings) {
    assertPrintable(warning, "a warning");
    assert.ok(!warning.includes("\n"), warning);
  }
});
