import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const gauge: Metric = { name: "vus", type: "gauge", contains: "default" };

function setUp(options: RemoteWriteOutputOptions): { output: RemoteWriteOutput; clock: VirtualClock } {
  const clock = new VirtualClock();
  const { now, sleep } = clock;
  return { clock, output: new RemoteWriteOutput({ windows: "event", now, sleep, onWarning: () => {}, ...options }) };
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
