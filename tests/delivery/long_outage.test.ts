// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RemoteWriteOutputOptions } from "../../mod.ts";
import type { Fault } from "../support/scripted_receiver.ts";
import { assertAddsUp, counts, live, mergedOf, seriesName, startRun } from "../support/scripted_run.ts";

const seriesCount = 5;

/** Outages that are no refusal of samples. */
const outages: readonly (readonly [title: string, fault: Fault])[] = [
  ["refuses connections", { kind: "refuse" }],
  ["answers 503", { kind: "answer", status: 503, body: "starting" }],
  ["does not answer", { kind: "hang" }],
];

for (const [title, fault] of outages) {
  test(`an endpoint that ${title} for longer than retryDeadlineMs loses no total, also of series that are idle by then`, async () => {
    const run = startRun({ behaviour: { latencyMs: 10 }, output: { retryDeadlineMs: 60_000, timeoutMs: 10_000 } });
    const { clock, receiver, output } = run;
    receiver.meet(fault, 250_000);
    await live(run, 300, (second) => output.add(counts(second === 0 ? seriesCount : 1, clock.now())));
    for (let n = 1; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), 1, "before the end");
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.equal(receiver.totals.get(seriesName(0)), 300);
    // A sample that had no answer when a newer one replaced it may be stored.
    assert.equal(report.delivered + report.unknown, report.samples);
    assert.equal(report.samples + mergedOf(report), 300 + seriesCount - 1);
    const replaced = report.unknown + mergedOf(report);
    assert.ok(replaced <= 5, `${replaced} samples are replaced`);
    assert.equal(report.unknown > 0, fault.kind === "hang");
  });
}

test("a run whose producer waits for room loses no total in an outage either, and the producer can go on", async () => {
  const output: RemoteWriteOutputOptions = { retryDeadlineMs: 30_000, overflow: "block", capacity: 10 };
  const run = startRun({ behaviour: { latencyMs: 10 }, output });
  const { clock, receiver } = run;
  receiver.meet({ kind: "refuse" }, 120_000);
  run.output.start();
  let made = 0;
  const startMs = clock.now();
  while (clock.now() - startMs < 150_000) {
    run.output.add(counts(made === 0 ? seriesCount : 1, clock.now()));
    made++;
    await clock.advance(1000);
    await clock.settle(run.output.ready());
  }
  const report = await clock.settle(run.output.close());
  assertAddsUp(report);
  assert.equal(receiver.totals.get(seriesName(0)), made);
  for (let n = 1; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), 1);
  assert.equal(report.delivered, report.samples);
  assert.ok(made > 100, `the producer made only ${made} samples`);
});

test("a run whose producer waits for room has time again at its end, although the outage was longer than the deadline", async () => {
  const output: RemoteWriteOutputOptions = { retryDeadlineMs: 5000, overflow: "block" };
  const run = startRun({ behaviour: { latencyMs: 10 }, output });
  const { clock, receiver } = run;
  receiver.meet({ kind: "refuse" }, 22_000);
  await live(run, 20, () => run.output.add(counts(1, clock.now())));
  const report = await clock.settle(run.output.close());
  assertAddsUp(report);
  assert.equal(receiver.totals.get(seriesName(0)), 20);
});

test("without the interval timer, flush() ends at the deadline, and the next flush sends what is left", async () => {
  const { clock, receiver, output } = startRun({ behaviour: { latencyMs: 10 }, output: { retryDeadlineMs: 5000 } });
  receiver.meet({ kind: "refuse" }, 60_000);
  output.add(counts(seriesCount, clock.now()));
  const startMs = clock.now();
  const first = await clock.settle(output.flush());
  assert.deepEqual([first.deferred, first.failed], [seriesCount, 0]);
  assert.ok(clock.now() - startMs <= 5000);
  await clock.advance(60_000);
  output.add(counts(1, clock.now()));
  await clock.settle(output.flush());
  for (let n = 0; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), n === 0 ? 2 : 1);
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.deepEqual([report.delivered, report.samples], [seriesCount + 1, seriesCount + 1]);
});

test("samples of the raw mapping have a deadline, because no newer sample replaces them", async () => {
  const output: RemoteWriteOutputOptions = { retryDeadlineMs: 5000, mapping: "raw" };
  const { clock, receiver, output: raw } = startRun({ behaviour: { latencyMs: 10 }, output });
  receiver.meet({ kind: "refuse" }, 60_000);
  raw.add(counts(seriesCount, clock.now()));
  assert.equal((await clock.settle(raw.flush())).failed, seriesCount);
  await clock.settle(raw.close());
});

test("at the end of a run, retryDeadlineMs holds again: close() does not wait longer", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 }, output: { retryDeadlineMs: 5000 } });
  const { clock, receiver, output } = run;
  receiver.meet({ kind: "refuse" });
  await live(run, 20, () => output.add(counts(seriesCount, clock.now())));
  const startMs = clock.now();
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(report.delivered, 0);
  assert.ok(clock.now() - startMs <= 15_000, `close() took ${clock.now() - startMs} ms`);
  assert.equal(clock.timers, 0, "a timer is left");
});

for (const [title, refusal] of [["401", { kind: "answer", status: 401 }], ["refused", { kind: "refuse" }]] as const) {
  test(`a full queue keeps what is left of a window that was sent in part: it alone has the totals of idle series (${title})`, async () => {
    const run = startRun({
      behaviour: { latencyMs: 10 },
      faults: [{ kind: "pass" }, refusal],
      output: { protocol: "1.0", maxSamplesPerSend: 2, capacity: 4, retryDeadlineMs: 30_000 },
    });
    const { clock, receiver, output } = run;
    output.start();
    await clock.advance(500);
    output.add(counts(seriesCount, clock.now()));
    await clock.advance(510);
    receiver.meet(refusal, 120_000);
    for (let second = 1; second < 200; second++) {
      output.add(counts(2, clock.now()));
      await clock.advance(1000);
    }
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    for (let n = 0; n < seriesCount; n++) {
      assert.equal(receiver.totals.get(seriesName(n)), n < 2 ? 200 : 1, seriesName(n));
    }
    assert.deepEqual([report.dropped, report.failed, report.deferred], [0, 0, 0]);
    assert.equal(report.delivered + mergedOf(report), seriesCount + 199 * 2);
  });
}
