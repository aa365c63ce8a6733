import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf, silentAfterMs, waitForInstances } from "../../../src/cli/verdict/expected_instances.ts";
import type { InstanceState } from "../../../src/cli/verdict/run_instances.ts";

const startMs = Date.UTC(2026, 10, 22);

function state(name: string, { ended = true, endMs = startMs }: Partial<InstanceState> = {}): InstanceState {
  return { name, startMs, endMs, ended };
}

/** Waits with a clock that only moves while it waits, and returns for how long. */
async function wait(
  statesAt: (ms: number) => readonly InstanceState[],
  { expect, timeoutMs = 600_000 }: { readonly expect: number; readonly timeoutMs?: number },
): Promise<{ readonly waitedMs: number; readonly states: readonly InstanceState[] }> {
  let now = startMs;
  const states = await waitForInstances({
    ...{ expect, timeoutMs, now: () => now },
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    look: () => Promise.resolve(statesAt(now - startMs)),
    onLook: () => {},
  });
  return { waitedMs: now - startMs, states };
}

test("it does not wait if all instances have ended", async () => {
  assert.equal((await wait(() => [state("a"), state("b")], { expect: 2 })).waitedMs, 0);
});

test("it waits for instances that begin and end later", async () => {
  const states = (ms: number): InstanceState[] => [
    state("a"),
    ...ms < 10_000 ? [] : [state("b", { ended: ms >= 30_000, endMs: startMs + ms })],
  ];
  assert.equal((await wait(states, { expect: 2 })).waitedMs, 30_000);
});

test("it waits until the timeout, not longer", async () => {
  assert.equal((await wait(() => [state("a")], { expect: 2, timeoutMs: 5_500 })).waitedMs, 5_500);
});

test("it does not wait for an instance that is silent for so long that it will not return", async () => {
  const states = [state("a"), state("b", { ended: false })];
  const { waitedMs } = await wait(() => states, { expect: 2 });
  assert.ok(waitedMs >= silentAfterMs && waitedMs < silentAfterMs + 5_000, String(waitedMs));
});

const nowMs = startMs + 40_000;

test("a silent instance is named, with the time of its last sample", () => {
  assert.deepEqual(problemsOf([state("a"), state("b", { ended: false })], { expect: 2, nowMs }), [
    "The instance b went silent before its end: its last sample is of 2026-11-22T00:00:00.000Z, 40 s ago. " +
    "Its results are incomplete.",
  ]);
});

test("a missing and a surplus instance are problems", () => {
  assert.deepEqual(problemsOf([state("a")], { expect: 2, nowMs }), ["1 of 2 expected instances sent samples."]);
  assert.deepEqual(problemsOf([state("a"), state("b")], { expect: 1, nowMs }), [
    "2 of 1 expected instances sent samples.",
  ]);
});

test("without --expect, an instance is missing its end only if another one shows it", () => {
  assert.deepEqual(problemsOf([state("a", { ended: false })], { nowMs }), []);
  assert.equal(problemsOf([state("a"), state("", { ended: false })], { nowMs }).length, 1);
});
