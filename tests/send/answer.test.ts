import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter } from "../../src/send/answer.ts";

const now = Date.UTC(2026, 2, 1, 12, 0, 0);

test("Retry-After may be seconds or an HTTP date, and anything else is ignored", () => {
  const cases: readonly (readonly [string | null, number | undefined])[] = [
    ["0", 0],
    ["1", 1000],
    ["120", 120_000],
    ["99999999999", 99_999_999_999_000],
    ["Sun, 01 Mar 2026 12:00:30 GMT", 30_000],
    ["Sun, 01 Mar 2026 11:00:00 GMT", 0],
    [null, undefined],
    ["", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["5 seconds", undefined],
    ["soon", undefined],
    ["Sun, 01 Foo 2026 12:00:30 GMT", undefined],
    ["2026-03-01T12:00:30Z", undefined],
  ];
  for (const [value, expected] of cases) assert.equal(parseRetryAfter(value, now), expected, String(value));
});
