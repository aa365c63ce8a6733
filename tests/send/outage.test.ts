import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestResult } from "../../src/send/request_result.ts";
import { Outage } from "../../src/send/outage.ts";

const rest = { attempts: 1, unknownBefore: false } as const;
const written: RequestResult = { kind: "written", status: 204, written: undefined, ...rest };
const failed: RequestResult = {
  kind: "failed",
  status: 503,
  reason: "no",
  retryAfterMs: undefined,
  unknown: false,
  disconnected: false,
  ...rest,
};

function setUp(): { readonly outage: Outage; at(ms: number): void } {
  let time = 0;
  const options = { retryDeadlineMs: 60_000, timeoutMs: 1000, sharedDeadline: true, monotonicNow: (): number => time };
  return { outage: new Outage(options), at: (ms) => void (time = ms) };
}

test("an endpoint that fails for as long as a batch is tried is down until it answers", () => {
  const { outage, at } = setUp();
  at(60_000);
  outage.note(failed, 0);
  assert.equal(outage.isLong, true);
  assert.equal(outage.startMs, 0);
  assert.equal(outage.reason, "status 503: no");
  outage.note(written, 60_000);
  assert.equal(outage.isLong, false);
  assert.equal(outage.startMs, 60_000);
});

test("the reason of an aborted request is its last failure, unless an answer came since", () => {
  const { outage, at } = setUp();
  const aborted: RequestResult = { kind: "aborted", unknown: false, failure: "status 503: no", ...rest };
  outage.note(aborted, 0);
  assert.equal(outage.reason, "status 503: no");
  at(5000);
  outage.note(written, 0);
  assert.equal(outage.reason, "");
  outage.note(aborted, 0);
  assert.equal(outage.reason, "");
  outage.note(aborted, 5000);
  assert.equal(outage.reason, "status 503: no");
});

test("an endpoint that answers another shard is not down, even if one batch fails for long", () => {
  const { outage, at } = setUp();
  at(59_000);
  outage.note(written, 0);
  at(60_000);
  outage.note(failed, 0);
  assert.equal(outage.isLong, false);
  assert.equal(outage.startMs, 59_000);
  at(119_000);
  assert.equal(outage.isLong, true);
});
