import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import { ScriptedReceiver } from "../../support/scripted_receiver.ts";
import { clientOptions, counts } from "../../support/scripted_run.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const gauge: Metric = { name: "vus", type: "gauge", contains: "default" };

function setUp(options: RemoteWriteOutputOptions): { output: RemoteWriteOutput; clock: VirtualClock } {
  const clock = new VirtualClock();
  const { now, monotonicNow, sleep } = clock;
  const timing = { now, monotonicNow, sleep };
  return { clock, output: new RemoteWriteOutput({ windows: "event", ...timing, onWarning: () => {}, ...options }) };
}

test("close() ends within its time limit even if onWindow never resolves", async () => {
  const { output, clock } = setUp({
    checkpoint: { onWindow: () => new Promise(() => {}) },
    closeTimeoutMs: 5000,
    fetch: strictReceiver().fetch,
  });
  const start = clock.now();
  output.add({ metric: gauge, time: start, value: 1, tags: {} });
  assert.equal((await clock.settle(output.close())).delivered, 1);
  assert.equal(clock.now() - start, 5000);
  assert.equal(clock.timers, 0);
});

test("ready() resolves after a window is not acknowledged, because nothing more is sent", async () => {
  const { output, clock } = setUp({
    overflow: "block",
    capacity: 1,
    retryDeadlineMs: 0,
    checkpoint: { onWindow: () => {} },
    fetch: () => Promise.resolve(new Response("down", { status: 503 })),
  });
  for (let second = 0; second < 20; second++) {
    output.add({ metric: gauge, time: clock.now() + 1000 * second, value: second, tags: {} });
    await clock.settle(output.ready());
  }
  const { failed, deferred } = await clock.settle(output.close());
  assert.deepEqual({ failed, deferred }, { failed: 1, deferred: 19 });
});

test("a checkpoint moves past a window only if each of its samples has an outcome, also those of a series that was refused before", async () => {
  const recorded: { readonly index: number; readonly acknowledged: boolean }[] = [];
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, bad: ({ series }) => series.includes(`n="1"`) });
  const output = new RemoteWriteOutput({
    ...clientOptions({ clock, receiver }),
    windows: "event",
    protocol: "1.0",
    checkpoint: { onWindow: (window) => void recorded.push(window) },
  });
  const start = clock.now() - 3_600_000;
  for (let window = 0; window < 20; window++) output.add(counts(3, start + 1000 * window));
  const report = await clock.settle(output.close());
  assert.deepEqual(recorded, Array.from({ length: 20 }, (_, index) => ({ index, acknowledged: true })));
  const { samples, delivered, rejected } = report;
  assert.deepEqual([samples, delivered, rejected], [60, 40, 20]);
  // Some samples of the refused series were tried, and the others are rejected without a request, and the report says so.
  assert.ok(report.reasons.some(({ outcome, reason }) => outcome === "rejected" && reason.startsWith("not sent, as")));
});
