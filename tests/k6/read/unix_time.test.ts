import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTimeMs } from "../../../src/k6/read/unix_time.ts";

const ms = Date.UTC(2026, 10, 28, 17, 6, 8, 960);

const times: readonly (readonly [time: string, ms: number | undefined])[] = [
  ["1795885568", ms - 960],
  ["1795885568960", ms],
  ["1795885568960751", ms],
  ["1795885568960751544", ms],
  ["2026-11-28T17:06:08Z", ms - 960],
  ["2026-11-28T17:06:08.960751544Z", ms],
  ["2026-11-28T18:06:08.96+01:00", ms],
  ["0", 0],
  ["", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["12345678901234567890", undefined],
  ["yesterday", undefined],
];
for (const [time, expected] of times) {
  test(`the time "${time}" is ${expected}`, () => assert.equal(parseTimeMs(time), expected));
}
