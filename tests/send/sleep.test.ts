import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, untilAborted } from "../../src/send/sleep.ts";

test("sleep ends when its signal fires, and at once if it has fired before", async () => {
  const controller = new AbortController();
  const sleeping = sleep(1e12, controller.signal);
  controller.abort();
  await sleeping;
  await sleep(1e12, controller.signal);
});

test("sleep ends by itself", async () => {
  await sleep(0, new AbortController().signal);
});

test("untilAborted rejects when the signal fires, even if the promise ignores it", async () => {
  const controller = new AbortController();
  const waiting = untilAborted(new Promise(() => {}), controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(untilAborted(new Promise(() => {}), controller.signal), /enough/);
  assert.equal(await untilAborted(Promise.resolve(1), new AbortController().signal), 1);
});
