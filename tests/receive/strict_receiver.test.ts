import assert from "node:assert/strict";
import { test } from "node:test";
import { strictReceiver } from "../support/strict_receiver.ts";
import { type InitV1, postV1 } from "../support/requests.ts";

const up = (value: number, timestamp: bigint, job = "a"): InitV1 => ({
  timeseries: [{
    labels: [{ name: "__name__", value: "up" }, { name: "job", value: job }],
    samples: [{ value, timestamp }],
  }],
});

test("the strict receiver of the tests keeps the samples of each series", async () => {
  const receiver = strictReceiver();
  for (const init of [up(1, 1n), up(2, 2n), up(3, 1n, "b")]) {
    const { url, method, headers, body } = postV1(init);
    assert.equal((await receiver.fetch(url, { method, headers, body })).status, 204);
  }
  assert.deepEqual([...receiver.samples], [
    ['up{job="a"}', [{ value: 1, timestamp: 1 }, { value: 2, timestamp: 2 }]],
    ['up{job="b"}', [{ value: 3, timestamp: 1 }]],
  ]);
  assert.equal(receiver.writes.length, 3);
});

test("the strict receiver of the tests throws when a test reads it after a violation, unless violations are allowed", async () => {
  for (const allowViolations of [false, true]) {
    const receiver = strictReceiver({ allowViolations });
    assert.equal((await receiver.fetch(postV1(up(1, 1n)))).status, 204);
    assert.equal((await receiver.fetch(postV1(up(2, 1n)))).status, 400);
    assert.deepEqual(receiver.violations.map(({ rule }) => rule), ["requestOrder"]);
    if (allowViolations) assert.equal(receiver.writes.length, 1);
    else assert.throws(() => receiver.writes, { name: "AssertionError", message: /broke rules/ });
  }
});
