import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenMetrics } from "../../src/cli/open_metrics.ts";

test("the text comes in pieces that stay small, however many samples a series has", () => {
  const collected = new OpenMetrics();
  const [samples, series] = [30_000, 3];
  for (let at = 0; at < samples; at++) {
    const name = `k6_${"a".repeat(50)}${at % series}`;
    collected.add([{ labels: [{ name: "__name__", value: name }], samples: [{ value: at, timestamp: at * 1000 }] }]);
  }
  const pieces = [...collected.text()];
  assert.ok(pieces.length > 1);
  for (const { length } of pieces) assert.ok(length < 2 ** 17, `${length} characters`);
  const lines = pieces.join("").split("\n");
  // A type for each series, the end, and what is after the last line break.
  assert.equal(lines.length, samples + series + 2);
  assert.deepEqual(lines.slice(-2), ["# EOF", ""]);
});
