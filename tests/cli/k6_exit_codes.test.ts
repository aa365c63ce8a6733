import assert from "node:assert/strict";
import { test } from "node:test";
import { describeEnd, endedRegularly } from "../../src/cli/k6_exit_codes.ts";

test("k6's exit codes are explained", () => {
  assert.equal(describeEnd({ code: 0 }), "k6 ended with 0");
  assert.equal(describeEnd({ code: 99 }), "k6 ended with 99 (thresholds failed)");
  assert.equal(describeEnd({ code: 107 }), "k6 ended with 107 (the script threw an exception)");
  assert.equal(describeEnd({ code: 108 }), "k6 ended with 108 (the script called test.abort())");
  assert.equal(describeEnd({ code: 3 }), "k6 ended with 3");
  assert.equal(describeEnd({ code: 137, signal: "SIGKILL" }), "SIGKILL ended k6");
  // k6's table has a meaning for each of these.
  for (let code = 97; code <= 110; code++) assert.match(describeEnd({ code }), /\(.+\)$/);
});

test("a run came to its end, or was ended on purpose, or was cut off", () => {
  for (const code of [0, 99, 103, 105, 108, 110]) assert.equal(endedRegularly({ code }), true, String(code));
  for (const code of [1, 98, 100, 101, 102, 107, 109, 137, 255]) {
    assert.equal(endedRegularly({ code }), false, String(code));
  }
  assert.equal(endedRegularly({ code: 130, signal: "SIGINT" }), false);
});
