import assert from "node:assert/strict";
import { test } from "node:test";
import { Warnings } from "../../src/send/warnings.ts";

test("one message of each kind is passed on; numbers, quoted strings and labels make no difference", () => {
  const messages: string[] = [];
  const warnings = new Warnings((message) => messages.push(message));
  warnings.once('3 samples of "a" refused: duplicate of {job="x"}');
  warnings.once('4 samples of "b" refused: duplicate of {job="y"}');
  warnings.once('4 samples of "b" refused: out of order');
  assert.deepEqual(messages, [
    '3 samples of "a" refused: duplicate of {job="x"}',
    '4 samples of "b" refused: out of order',
  ]);
});

test("a receiver with ever new error messages cannot cause endless warnings", () => {
  let count = 0;
  const warnings = new Warnings(() => count++);
  for (let index = 0; index < 1000; index++) warnings.once("x".repeat(index % 290 + 1));
  assert.equal(count, 100);
});
