/** Outputs while the clock is set, or the process is stopped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../../src/k6/metric.ts";
import { setUpOutput } from "../../support/output.ts";

const gauge: Metric = { name: "vus", type: "gauge", contains: "default" };
const minute = 60_000;

for (const jump of [600_000, -3_600_000]) {
  test(`nothing is lost if the clock is set by ${jump / 1000} s during an outage, live and at the end`, async () => {
    let isDown = true;
    const { output, receiver, clock } = setUpOutput({
      fetch: (input, init) =>
        isDown ? Promise.reject(new TypeError("connect ECONNREFUSED")) : receiver.fetch(input, init),
      overflow: "block",
      retryDeadlineMs: 60_000,
      closeTimeoutMs: 60_000,
    });
    output.start();
    for (let second = 0; second < 30; second++) {
      output.add({ metric: gauge, time: clock.now(), value: second, tags: {} });
      if (second === 10) clock.jump(jump);
      await clock.advance(1000);
    }
    const closed = output.close();
    clock.jump(jump);
    await clock.advance(10_000);
    isDown = false;
    // At the end, the windows that wait are merged, because no answer is known.
    const { samples, delivered, merged } = await clock.settle(closed);
    assert.deepEqual([samples + merged, delivered], [30, samples]);
    assert.equal(receiver.samples.get("k6_vus")?.at(-1)?.value, 29);
  });

  test(`deadlines end when they should if the clock is set by ${jump / 1000} s`, async () => {
    const { output, clock } = setUpOutput({
      fetch: () => Promise.reject(new TypeError("connect ECONNREFUSED")),
      retryDeadlineMs: 60_000,
    });
    output.add({ metric: gauge, time: clock.now(), value: 1, tags: {} });
    const start = clock.monotonicNow();
    const flushed = output.flush();
    await clock.advance(1000);
    clock.jump(jump);
    // The next flush tries the newest total again.
    assert.equal((await clock.settle(flushed)).deferred, 1);
    const ms = clock.monotonicNow() - start;
    assert.ok(ms > 50_000 && ms <= 60_000, `it took ${ms} ms`);
  });
}

test("idle series are repeated although the clock was set back", async () => {
  const { output, clock, arrived } = setUpOutput({ heartbeatMs: minute, flushPeriodMs: 1000 });
  output.start();
  output.add({ metric: gauge, time: clock.now(), value: 1, tags: {} });
  await clock.advance(1000);
  clock.jump(-60 * minute);
  await clock.advance(2.5 * minute);
  assert.deepEqual(arrived("k6_vus"), ["1@0", "1@1", `1@${minute + 1}`, `1@${2 * minute + 1}`]);
  await output.close();
});

test("an output whose process was stopped at the end sends what is left", async () => {
  let isDown = true;
  const { output, receiver, clock } = setUpOutput({
    fetch: (input, init) =>
      isDown ? Promise.reject(new TypeError("connect ECONNREFUSED")) : receiver.fetch(input, init),
    retryDeadlineMs: 20_000,
    closeTimeoutMs: 20_000,
  });
  output.add({ metric: gauge, time: clock.now(), value: 1, tags: {} });
  const closed = output.close();
  await clock.advance(15_000);
  await clock.stop(3_600_000);
  isDown = false;
  assert.equal((await clock.settle(closed)).delivered, 1);
});
