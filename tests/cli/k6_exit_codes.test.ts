import assert from "node:assert/strict";
import { test } from "node:test";
import { describeEnd } from "../../src/cli/k6_exit_codes.ts";

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
