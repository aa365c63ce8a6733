import assert from "node:assert/strict";
import { test } from "node:test";
import { isRemoteWriteError } from "../../../mod.ts";
import { createMetrics, createRunner, instrumentFetch } from "../../../src/k6/measure/mod.ts";
import { CapturedSamples } from "../../support/captured_samples.ts";

const output = new CapturedSamples();

/** Calls a function as JavaScript does, without types. */
function untyped(fn: (output: CapturedSamples, options: never) => unknown, options: unknown): () => unknown {
  return () => Reflect.apply(fn, undefined, [output, options]);
}

const counter = (_: unknown, options: never): unknown => createMetrics(output).counter("orders", options);

const wrong: readonly (readonly [call: () => unknown, message: string])[] = [
  [untyped(createMetrics, { tag: {} }), "option tag: there is no such option, expected tags"],
  [untyped(createMetrics, { tags: "a" }), 'option tags: it is "a", expected an object'],
  [untyped(createMetrics, { now: 5 }), "option now: it is 5, expected a function"],
  [untyped(createMetrics, null), "options: they are null, expected an object"],
  [untyped(counter, { contain: "time" }), "option contain: there is no such option, expected contains"],
  [untyped(counter, { contains: "times" }), 'option contains: it is "times", expected "default", "time" or "data"'],
  [untyped(counter, { isTime: "false" }), 'option isTime: it is "false", expected true or false'],
  [untyped(counter, true), "options: they are a boolean, expected an object"],
  [untyped(instrumentFetch, { tag: {} }), "option tag: there is no such option, expected tags"],
  [
    untyped(instrumentFetch, { strange: 1 }),
    "option strange: there is no such option, expected fetch, tags, name, stripQuery, expectedStatus, now, monotonicNow",
  ],
  [untyped(instrumentFetch, { toString: 1 }), "option toString: there is no such option, expected fetch, tags, name"],
  [untyped(instrumentFetch, { tags: "a" }), 'option tags: it is "a", expected an object or a function'],
  [untyped(instrumentFetch, { name: 1 }), "option name: it is 1, expected a string or a function"],
  [untyped(instrumentFetch, { stripQuery: 1 }), "option stripQuery: it is 1, expected true or false"],
  [untyped(instrumentFetch, { expectedStatus: [200] }), "option expectedStatus: it is [200], expected a function"],
  [untyped(createRunner, { Tags: {} }), "option Tags: there is no such option, expected tags"],
  [untyped(createRunner, { http: true }), "option http: it is true, expected an object"],
  [untyped(createRunner, { http: { nam: "a" } }), "option http.nam: there is no such option, expected name"],
  [untyped(createRunner, { http: { monotonicNow: Date.now } }), "option http.monotonicNow: there is no such option"],
  [untyped(createRunner, { http: { fetch: "x" } }), 'option fetch: it is "x", expected a function'],
];

for (const [call, message] of wrong) {
  test(`wrong options are an error: ${message}`, () => {
    assert.throws(call, (error) => {
      assert.ok(isRemoteWriteError(error, "configuration"));
      assert.ok(error.message.startsWith(`Cannot use the ${message}`), error.message);
      return true;
    });
  });
}

test("an undefined option is the same as none", () => {
  createMetrics(output, { tags: undefined, now: undefined }).trend("wait", { contains: undefined, isTime: undefined });
  createRunner(output, { tags: undefined, http: { name: undefined }, now: undefined, monotonicNow: undefined });
  assert.equal(typeof instrumentFetch(output, { fetch: undefined, name: undefined }), "function");
});
