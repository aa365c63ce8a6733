// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
/** Series that were refused, and are good again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../mod.ts";
import { type Behaviour, type Fault, mimir, prometheus } from "../support/scripted_receiver.ts";
import { assertAddsUp, counts, live, type Run, sampleRequests, seriesName, startRun } from "../support/scripted_run.ts";
import { createSending, oneEach, SeriesNames } from "../support/sending.ts";

/** Flushes one window with this number of counters, and lets a second pass. */
async function flush({ clock, output }: Run, count: number): Promise<void> {
  output.add(counts(count, clock.now()));
  await clock.settle(output.flush());
  await clock.advance(1000);
}

const everything: Behaviour["bad"] = () => true;

for (const behaviour of [prometheus, mimir]) {
  test(`when samples are not too old any more, all series return within two windows (${behaviour.refusalWritten ?? "rolls back"})`, async () => {
    const run = startRun({ behaviour: { ...behaviour, bad: everything }, output: { protocol: "1.0" } });
    for (let window = 0; window < 30; window++) await flush(run, 20);
    run.receiver.behave({ bad: undefined });
    for (let window = 0; window < 30; window++) await flush(run, 20);
    const report = await run.clock.settle(run.output.close());
    assertAddsUp(report);
    assert.ok(report.delivered >= 29 * 20, `${report.delivered} of ${30 * 20} samples`);
    assert.equal(report.delivered, run.receiver.count);
  });

  test(`one series that stays bad does not hold up the others (${behaviour.refusalWritten ?? "rolls back"})`, async () => {
    const run = startRun({ behaviour: { ...behaviour, bad: everything }, output: { protocol: "1.0" } });
    for (let window = 0; window < 30; window++) await flush(run, 20);
    run.receiver.behave({ bad: new Set([seriesName(7)]) });
    const before = sampleRequests(run.receiver).length;
    for (let window = 0; window < 30; window++) await flush(run, 20);
    const requests = sampleRequests(run.receiver).length - before;
    const report = await run.clock.settle(run.output.close());
    assert.ok(report.delivered >= 26 * 19, `${report.delivered} of ${30 * 19} samples`);
    assert.ok(requests <= 100, `${requests} requests`);
  });
}

for (const badAtEnd of [0, 1]) {
  test(`the end of a run tries all refused series a last time, with ${badAtEnd} series that are still bad`, async () => {
    const names = Array.from({ length: 30 }, (_, n) => seriesName(n));
    const run = startRun({ behaviour: { ...prometheus, bad: new Set(names) }, output: { protocol: "1.0" } });
    for (let window = 0; window < 10; window++) await flush(run, 100);
    run.receiver.behave({ bad: new Set(names.slice(0, badAtEnd)) });
    run.output.add(counts(100, run.clock.now()));
    const report = await run.clock.settle(run.output.close());
    assertAddsUp(report);
    assert.equal(report.delivered, run.receiver.count);
    for (const [n, name] of names.entries()) assert.equal(run.receiver.totals.get(name), n < badAtEnd ? undefined : 11);
  });
}

test("the last try also happens if no series is good", async () => {
  for (let windows = 5; windows < 9; windows++) {
    const run = startRun({
      behaviour: { ...prometheus, bad: everything },
      output: { protocol: "1.0", staleMarkers: true },
    });
    for (let window = 0; window < windows; window++) await flush(run, 10);
    run.receiver.behave({ bad: new Set([seriesName(3)]) });
    run.output.add(counts(10, run.clock.now()));
    const report = await run.clock.settle(run.output.close());
    assertAddsUp(report);
    for (let n = 0; n < 10; n++) {
      const values = run.receiver.stored.get(seriesName(n))?.map(({ value }) => value);
      assert.equal(values?.[0], n === 3 ? undefined : windows + 1, seriesName(n));
    }
  }
});

test("a refused group of series that are tried again is not said to be refused one by one", async () => {
  const names = ["s3", "s40"];
  const { clock, queue, messages } = createSending({ bad: new Set(names) });
  const series = new SeriesNames();
  const reports = [];
  for (let time = 1; time <= 2; time++) reports.push(await clock.settle(queue.push(0, oneEach(64, series, time))));
  assert.match(reports[1]?.reasons[0]?.reason ?? "", /^refused together with others, and not tried alone: status 400/);
  assert.equal(messages.length, 1, messages.join("\n"));
});

test("each request of a group that is cut by size is judged for its own series", async () => {
  const bad = new Set(["s1", "s2"]);
  const { clock, queue, receiver } = createSending({ bad, maxBodyBytes: 60 });
  const series = new SeriesNames();
  await clock.settle(queue.push(0, oneEach(4, series, 1)));
  receiver.behave({ bad: new Set(["s1"]) });
  const second = await clock.settle(queue.push(0, oneEach(4, series, 2)));
  assert.deepEqual([second.delivered, second.rejected], [3, 1]);
  const third = await clock.settle(queue.push(0, oneEach(4, series, 3)));
  assert.deepEqual([third.delivered, third.rejected], [3, 1]);
  const sent = receiver.requests.slice(-4).map(({ series }) => series[0]);
  assert.deepEqual(sent, ["s0", "s2", "s3", "s1"], "only the bad series is sent after the others");
});

const trend: Metric = { name: "t", type: "trend", contains: "time" };
const gauge: Metric = { name: "g", type: "gauge", contains: "default" };

test("a 500 that passes costs no histograms: they are tried with back-off before the receiver counts as unable", async () => {
  const faults: Fault[] = [
    ...Array<Fault>(3).fill({ kind: "answer", status: 500, body: "restarting" }),
    { kind: "pass" },
    ...Array<Fault>(7).fill({ kind: "answer", status: 500, body: "restarting" }),
  ];
  const run = startRun({ behaviour: prometheus, faults, output: { protocol: "1.0", trendAs: "native" } });
  await live(run, 10, (second) => {
    run.output.add({ metric: trend, time: run.clock.now(), value: 5, tags: {} });
    run.output.add({ metric: gauge, time: run.clock.now(), value: second, tags: {} });
  });
  const report = await run.clock.settle(run.output.close());
  assertAddsUp(report);
  assert.deepEqual([report.delivered, report.failed, report.rejected], [20, 0, 0]);
});
