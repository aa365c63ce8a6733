import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteOutput } from "../../mod.ts";
import { RemoteWriteAggregator, RemoteWriteForwarder } from "../../src/gateway/mod.ts";
import { postV1 } from "../support/requests.ts";
import { ScriptedReceiver } from "../support/scripted_receiver.ts";
import { assertAddsUp, clientOptions, counts, live, seriesName, startRun } from "../support/scripted_run.ts";
import { idle, VirtualClock } from "../support/virtual_clock.ts";

const seriesCount = 3;

/** How much longer than closeTimeoutMs close() may take. */
const graceMs = 1000;

for (const status of [429, 503] as const) {
  for (const closeTimeoutMs of [2000, 10_000]) {
    test(`a Retry-After after ${status} that is longer than closeTimeoutMs does not outlast close(): one more attempt delivers the totals (${closeTimeoutMs} ms)`, async () => {
      const run = startRun({ behaviour: { latencyMs: 10 }, output: { closeTimeoutMs } });
      const { clock, receiver, output } = run;
      await live(run, 20, (second) => {
        if (second === 15) receiver.meet({ kind: "answer", status, headers: { "Retry-After": "3600" } }, 2000);
        output.add(counts(seriesCount, clock.now()));
      });
      const startMs = clock.now();
      const report = await clock.settle(output.close());
      assertAddsUp(report);
      assert.ok(clock.now() - startMs <= closeTimeoutMs, `close() took ${clock.now() - startMs} ms`);
      for (let n = 0; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), 20);
      assert.equal(report.delivered, report.samples);
      assert.equal(clock.timers, 0, "a timer is left");
    });
  }
}

test("an endpoint that asks for more time again and again gets a few more requests until close() gives up in time", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 }, output: { protocol: "1.0" } });
  const { clock, receiver, output } = run;
  receiver.meet({ kind: "answer", status: 503, headers: { "Retry-After": "3600" } });
  await live(run, 5, () => output.add(counts(seriesCount, clock.now())));
  const startMs = clock.now();
  const before = receiver.requests.length;
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.ok(clock.now() - startMs <= 30_000, `close() took ${clock.now() - startMs} ms`);
  const during = receiver.requests.length - before;
  assert.ok(during >= 1 && during <= 8, `${during} requests`);
  assert.equal(report.deferred, report.samples);
});

test("a second close() can end the wait of the first one, by its signal or its time", async () => {
  const impatient = new AbortController();
  for (const options of [{ signal: impatient.signal }, { timeoutMs: 100 }]) {
    const clock = new VirtualClock();
    const receiver = new ScriptedReceiver({ clock });
    receiver.meet({ kind: "hang" });
    const output = new RemoteWriteOutput({ ...clientOptions({ clock, receiver }), closeTimeoutMs: 4000 });
    const forwarder = new RemoteWriteForwarder({ ...clientOptions({ clock, receiver }), closeTimeoutMs: 4000 });
    output.add(counts(seriesCount, clock.now()));
    const labels = [{ name: "__name__", value: "a" }];
    const timeseries = [{ labels, samples: [{ value: 1, timestamp: BigInt(clock.now()) }] }];
    assert.equal((await forwarder.handle(postV1({ timeseries }))).status, 204);
    const startMs = clock.now();
    const aggregator = new RemoteWriteAggregator({ ...clientOptions({ clock, receiver }), closeTimeoutMs: 4000 });
    assert.equal((await aggregator.handle(postV1({ timeseries }))).status, 204);
    for (const each of [output, forwarder, aggregator]) {
      const first = each.close();
      await clock.advance(100);
      const second = each.close(options);
      impatient.abort();
      const report = await clock.settle(second);
      assert.equal(report, await first);
      assert.ok(report.samples > 0 && report.delivered === 0);
    }
    assert.ok(clock.now() - startMs < 2500, `they took ${clock.now() - startMs} ms`);
    assert.equal(clock.timers, 0, "a timer is left");
  }
});

/** An output that requests of a Worker share. What is begun while `cancelled` is true never ends, as in workerd. */
function sharedOutput(
  closeTimeoutMs: number,
): { clock: VirtualClock; receiver: ScriptedReceiver; output: RemoteWriteOutput; cancel(cancelled: boolean): void } {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock });
  let isCancelled = false;
  const never = new Promise<never>(() => {});
  const output = new RemoteWriteOutput({
    ...clientOptions({ clock, receiver }),
    sleep: (ms, signal) => isCancelled ? never : clock.sleep(ms, signal),
    fetch: (url, init) => isCancelled ? never : receiver.fetch(url, init),
    protocol: "1.0",
    closeTimeoutMs,
  });
  const cancel = (cancelled: boolean): void => void (isCancelled = cancelled);
  return { clock, receiver, output, cancel };
}

for (const closeTimeoutMs of [100, 5000, 20_000]) {
  test(`close() ends in time although the request of a flush was cancelled (${closeTimeoutMs} ms)`, async () => {
    const { clock, output, cancel } = sharedOutput(closeTimeoutMs);
    output.add(counts(1, clock.now()));
    cancel(true);
    void output.flush();
    await idle();
    cancel(false);
    output.add(counts(seriesCount, clock.now()));
    const startMs = clock.now();
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.ok(clock.now() - startMs <= closeTimeoutMs + graceMs, `close() took ${clock.now() - startMs} ms`);
    assert.equal(report.samples, 1 + seriesCount);
    assert.equal(clock.timers, 0, "a timer is left");
  });

  test(`close() ends in time although the request of a flush was cancelled in a Retry-After (${closeTimeoutMs} ms)`, async () => {
    const { clock, receiver, output, cancel } = sharedOutput(closeTimeoutMs);
    receiver.meet({ kind: "answer", status: 503, headers: { "Retry-After": "3600" } }, 1);
    output.add(counts(1, clock.now()));
    void output.flush();
    // The request begins in a context that is cancelled once the answer is there.
    cancel(false);
    await Promise.resolve();
    await idle();
    cancel(true);
    await clock.advance(1500);
    cancel(false);
    output.add(counts(seriesCount, clock.now()));
    const startMs = clock.now();
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.ok(clock.now() - startMs <= closeTimeoutMs + graceMs, `close() took ${clock.now() - startMs} ms`);
    assert.equal(clock.timers, 0, "a timer is left");
  });
}

test("close() ends in time although the request of a flush was cancelled while it sent metadata", async () => {
  const { clock, output, cancel, receiver } = sharedOutput(2000);
  output.add(counts(1, clock.now()));
  void output.flush();
  for (let turn = 0; receiver.requests.length === 0 && turn < 100; turn++) await Promise.resolve();
  cancel(true);
  await idle();
  cancel(false);
  output.add(counts(seriesCount, clock.now()));
  const startMs = clock.now();
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.ok(clock.now() - startMs <= 2000 + graceMs, `close() took ${clock.now() - startMs} ms`);
  assert.equal(receiver.totals.get(seriesName(0)), 2);
});
