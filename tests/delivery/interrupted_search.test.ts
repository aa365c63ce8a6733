// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
/** Searches for bad series that an outage, a later flush or an encoder interrupts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RemoteWriteOutputOptions } from "../../mod.ts";
import { DeliveryJob } from "../../src/send/delivery_job.ts";
import { takeOver } from "../../src/send/queue_shard.ts";
import { type Fault, prometheus } from "../support/scripted_receiver.ts";
import { assertAddsUp, counts, live, seriesName, startRun } from "../support/scripted_run.ts";
import { jsonCodecs, SeriesNames, setUpDelivery } from "../support/sending.ts";
import { slowCases } from "../support/runs.ts";

const seriesCount = 64;
const bad = new Set([5, 17, 40, 41].map(seriesName));

const interruptions: readonly (readonly [title: string, fault: Fault])[] = [
  ["503", { kind: "answer", status: 503, body: "busy" }],
  ["429", { kind: "answer", status: 429, body: "slow down" }],
  ["401", { kind: "answer", status: 401, body: "who are you?" }],
  ["no connection", { kind: "refuse" }],
];

for (const [title, fault] of slowCases(interruptions)) {
  test(`a search that is interrupted for two minutes goes on afterwards, and costs no good sample (${title})`, async () => {
    const run = startRun({ behaviour: { ...prometheus, bad, latencyMs: 10 }, output: { protocol: "1.0" } });
    const { clock, receiver, output } = run;
    output.add(counts(seriesCount, clock.now()));
    const flushed = output.flush();
    await clock.advance(85);
    assert.ok(receiver.requests.length > 5, "the search has begun");
    receiver.meet(fault, 120_000);
    await clock.advance(121_000);
    output.start();
    await clock.advance(200_000);
    await clock.settle(flushed);
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.deepEqual([report.delivered, report.samples], [seriesCount - bad.size, seriesCount]);
    assert.equal(receiver.count, seriesCount - bad.size);
  });
}

const refusal: Fault = { kind: "answer", status: 400, body: "no" };

test("samples that a search judges at its end are counted if the delivery is taken over, and only once", async () => {
  // The older sample of `a` is refused, so its newer one decides about it.
  const setting = setUpDelivery({ faults: [refusal, refusal, refusal, { kind: "slow", ms: 5000 }] });
  const { clock, delivery, stats } = setting;
  const batch = new SeriesNames().batch([["a", 1, 1], ["a", 2, 2], ["b", 1, 3]]);
  const old = new DeliveryJob({ batch, from: 0, to: batch.length });
  const cancelled = new AbortController();
  const slow = delivery.advance(old, cancelled.signal);
  await clock.advance(1000);
  const job = takeOver(old);
  cancelled.abort();
  await clock.settle(slow);
  await clock.settle(delivery.advance(job, new AbortController().signal));
  const report = job.takeReport();
  assertAddsUp(report);
  assert.deepEqual([report.samples, report.delivered, report.deferred], [3, 2, 0]);
  assert.equal(stats.snapshot().samplesFailedTotal, report.rejected, "the statistics count a sample twice");
});

test("samples that a search judges at its end are counted if its last sample cannot be encoded", async () => {
  let requests = 0;
  const encode: typeof jsonCodecs["1.0"]["encode"] = (slice) => {
    // Only the whole range could be encoded, as before a fallback to the other version.
    if (requests++ > 0 && slice.batch.series[slice.from]?.name === "b") throw new RangeError("too long");
    return jsonCodecs["1.0"].encode(slice);
  };
  const setting = setUpDelivery({
    faults: [refusal, refusal, refusal],
    codecs: { "1.0": { encode }, "2.0": { encode } },
  });
  const report = await setting.deliver(new SeriesNames().batch([["a", 1, 1], ["a", 2, 2], ["b", 1, 3]]));
  assertAddsUp(report);
  assert.deepEqual([report.samples, report.delivered], [3, 1]);
});

test("a queue that is half full is merged before a search ends because of it: no good sample is lost", async () => {
  const run = startRun({
    behaviour: { ...prometheus, bad: new Set([seriesName(0)]), latencyMs: 1 },
    output: { protocol: "1.0", capacity: 15, timeoutMs: 5000, retryDeadlineMs: 2000 },
  });
  const { clock, receiver, output } = run;
  await live(run, 2, (second) => output.add(second === 0 ? counts(4, clock.now()).slice(3) : []));
  receiver.meet({ kind: "hang" }, 4000);
  await live(run, 4, (second) => output.add(counts(second === 0 ? 3 : 2, clock.now())));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  const expected = { [seriesName(1)]: 4, [seriesName(2)]: 1, [seriesName(3)]: 1 };
  assert.deepEqual(Object.fromEntries(receiver.totals), expected);
});

const serverError: Fault = { kind: "answer", status: 500, body: "no space left on device" };

const outputs: readonly RemoteWriteOutputOptions[] = [{}, { protocol: "1.0" }, { protocol: "1.0", overflow: "block" }];

for (const options of slowCases(outputs)) {
  test(`an endpoint that answers 500 to everything for ten minutes is down: no total is lost (${JSON.stringify(options)})`, async () => {
    const run = startRun({ behaviour: { ...prometheus, latencyMs: 10 }, output: options });
    const { clock, receiver, output } = run;
    output.add(counts(1, clock.now()));
    await clock.settle(output.flush());
    receiver.meet(serverError, 600_000);
    await live(run, 700, (second) => output.add(counts(second === 0 ? 8 : second < 300 ? 4 : 1, clock.now())));
    await clock.advance(120_000);
    const totals = Array.from({ length: 8 }, (_, n) => receiver.totals.get(seriesName(n)));
    assert.deepEqual(totals, [701, 300, 300, 300, 1, 1, 1, 1]);
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.deepEqual([report.failed, report.rejected, report.dropped, report.deferred], [0, 0, 0, 0]);
    assert.deepEqual(receiver.violations, []);
  });
}

test("a single bad sample that is answered 500 is given up once a newer window shows that the endpoint is up (on one runtime)", async () => {
  const run = startRun({
    behaviour: { ...prometheus, poison: new Set([seriesName(1)]), latencyMs: 10 },
    output: { protocol: "1.0" },
  });
  const { clock, receiver, output } = run;
  await live(run, 900, (second) => {
    // The first window has only the bad series.
    output.add(second === 0 ? counts(2, clock.now()).slice(1) : counts(1, clock.now()));
  });
  await clock.advance(100);
  assert.equal(receiver.totals.get(seriesName(0)), 899, "the bad series delays the others");
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(report.failed, 1);
});
