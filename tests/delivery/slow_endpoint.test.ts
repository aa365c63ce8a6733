// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliveryReport, Metric, RemoteWriteOutputOptions } from "../../mod.ts";
import type { Behaviour } from "../support/scripted_receiver.ts";
import {
  assertAddsUp,
  counts,
  live,
  mergedOf,
  numberOf,
  type Run,
  sampleRequests,
  seriesName,
  startRun,
} from "../support/scripted_run.ts";

const seriesCount = 35;
const seconds = 40;

/** A live run in front of a slow endpoint, and how long its end took. */
async function slowRun(
  output: RemoteWriteOutputOptions = {},
  behaviour: Behaviour = { latencyMs: 2000 },
): Promise<Run & { readonly report: DeliveryReport; readonly closeMs: number }> {
  const run = startRun({ behaviour, output });
  const { clock } = run;
  await live(run, seconds, () => run.output.add(counts(seriesCount, clock.now())));
  const closingMs = clock.now();
  const report = await clock.settle(run.output.close());
  assertAddsUp(report);
  assert.deepEqual(run.receiver.violations, []);
  assert.equal(clock.timers, 0, "a timer is left");
  return { ...run, report, closeMs: clock.now() - closingMs };
}

/** The receiver has the newest total of every series. */
function assertTotals({ receiver }: Pick<Run, "receiver">, total: number = seconds): void {
  for (let n = 0; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), total, seriesName(n));
}

for (const protocol of ["1.0", "2.0", "auto"] as const) {
  test(`an endpoint that takes 2 s for each request gets everything within closeTimeoutMs, with a flush each second (${protocol})`, async () => {
    const run = await slowRun({ protocol });
    const { report, closeMs, receiver } = run;
    assert.equal(
      report.samples - report.delivered,
      0,
      `samples that were not delivered: ${JSON.stringify(report.reasons)}`,
    );
    assertTotals(run);
    assert.ok(closeMs <= 30_000, `close() took ${closeMs} ms`);
    assert.equal(receiver.count, report.delivered);
    assert.equal(report.delivered + mergedOf(report), seconds * seriesCount);
  });
}

for (const closeTimeoutMs of [2500, 3500, 5000, 10_000]) {
  test(`with only ${closeTimeoutMs} ms to close, the newest totals arrive, and older windows are given up or merged`, async () => {
    const run = await slowRun({ closeTimeoutMs });
    const { report, closeMs, receiver } = run;
    assertTotals(run);
    assert.ok(closeMs <= closeTimeoutMs, `close() took ${closeMs} ms`);
    assert.equal(receiver.count, report.delivered);
    assert.equal(report.samples + mergedOf(report), seconds * seriesCount);
  });
}

test("an endpoint that is slower than the whole run gets the newest totals", async () => {
  const run = await slowRun({ closeTimeoutMs: 60_000, timeoutMs: 60_000 }, { latencyMs: 25_000 });
  assertTotals(run);
  const { report } = run;
  assert.equal(report.delivered, report.samples);
});

test("where no answer is known at the end, the newest totals go first", async () => {
  const run = startRun({ behaviour: { latencyMs: 2000 }, output: { closeTimeoutMs: 15_000, protocol: "1.0" } });
  const { clock, receiver, output } = run;
  receiver.meet({ kind: "refuse" }, seconds * 1000 - 1);
  await live(run, seconds, () => output.add(counts(seriesCount, clock.now())));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assertTotals(run);
  assert.equal(report.samples + mergedOf(report), seconds * seriesCount);
});

test("an endpoint that is fast enough gets every window, and nothing is merged", async () => {
  const run = await slowRun({}, { latencyMs: 500 });
  assert.equal(run.receiver.count, seconds * seriesCount);
  assert.deepEqual([run.report.delivered, mergedOf(run.report)], [seconds * seriesCount, 0]);
});

test("after an outage of a minute, every window arrives in full resolution, and nothing is merged", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 } });
  const { clock, receiver, output } = run;
  await live(run, 120, (second) => {
    if (second === 20) receiver.meet({ kind: "answer", status: 503, body: "restarting" }, 60_000);
    output.add(counts(seriesCount, clock.now()));
  });
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(receiver.count, 120 * seriesCount);
  assert.deepEqual([report.delivered, mergedOf(report)], [120 * seriesCount, 0]);
});

test("a queue that overflows merges windows instead of dropping them: the newest totals arrive", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 }, output: { capacity: 5 * seriesCount } });
  const { clock, receiver, output } = run;
  await live(run, seconds, (second) => {
    if (second === 5) receiver.meet({ kind: "answer", status: 503, body: "restarting" }, 30_000);
    output.add(counts(seriesCount, clock.now()));
  });
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assertTotals(run);
  assert.equal(report.dropped, 0);
  assert.ok(mergedOf(report) > 0);
  assert.equal(report.delivered + mergedOf(report), seconds * seriesCount);
});

test("merging keeps the newest sample of each series, also of series that are in some windows only", async () => {
  const run = startRun({ behaviour: { latencyMs: 2000 } });
  const { clock, receiver, output } = run;
  const totals = new Array<number>(seriesCount).fill(0);
  await live(run, seconds, (second) => {
    const samples = counts(seriesCount, clock.now()).filter((_, n) => second % (n + 1) === 0);
    for (const n of totals.keys()) if (second % (n + 1) === 0) totals[n] = (totals[n] ?? 0) + 1;
    output.add(samples);
  });
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.deepEqual(totals.map((_, n) => receiver.totals.get(seriesName(n))), totals);
  assert.equal(report.delivered, report.samples);
});

test("native histograms are merged as well: the newest count of each arrives", async () => {
  const run = startRun({ behaviour: { latencyMs: 2000 }, output: { trendAs: "native" } });
  const { clock, receiver, output } = run;
  const metric: Metric = { name: "t", type: "trend", contains: "time" };
  await live(run, seconds, (second) => output.add({ metric, time: clock.now(), value: 1 + second, tags: {} }));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(receiver.totals.get("k6_t_seconds"), seconds);
  assert.equal(report.delivered, report.samples);
});

test("samples of the raw mapping are not merged: they are not cumulative", async () => {
  const run = startRun({ behaviour: { latencyMs: 1500 }, output: { mapping: "raw", closeTimeoutMs: 60_000 } });
  const { clock, receiver, output } = run;
  await live(run, seconds, () => output.add(counts(seriesCount, clock.now())));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.deepEqual([receiver.count, report.delivered], [seconds * seriesCount, seconds * seriesCount]);
  assert.equal(mergedOf(report), 0);
});

test("staleness markers are not merged: each series ends with its newest total and a marker", async () => {
  const run = await slowRun({ staleMarkers: true });
  for (let n = 0; n < seriesCount; n++) {
    const [total, marker] = run.receiver.stored.get(seriesName(n))?.slice(-2) ?? [];
    assert.deepEqual([total?.value, marker?.stale], [seconds, true], seriesName(n));
  }
  assert.equal(run.report.delivered, run.report.samples);
});

test("the zero before the first sample of a series is not merged, also of a series that begins while the sender is behind", async () => {
  const run = startRun({ behaviour: { latencyMs: 2000 }, output: { zeroSample: true } });
  const { clock, receiver, output } = run;
  await live(run, seconds, (second) => output.add(counts(1 + Math.floor(second / 8), clock.now())));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  for (let n = 0; n < 5; n++) {
    const values = receiver.stored.get(seriesName(n))?.map(({ value }) => value) ?? [];
    assert.deepEqual([values[0], values.at(-1)], [0, seconds - 8 * n], seriesName(n));
  }
  assert.equal(report.delivered, report.samples);
});

test("a replay keeps every window, however slow the endpoint is", async () => {
  const { clock, receiver, output } = startRun({
    behaviour: { latencyMs: 2000 },
    output: { windows: "event", overflow: "block", closeTimeoutMs: Infinity, capacity: 4 * seriesCount },
  });
  const start = clock.now() - 3_600_000;
  for (let second = 0; second < seconds; second++) {
    output.add(counts(seriesCount, start + second * 1000));
    await clock.settle(output.ready());
  }
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assertTotals({ receiver });
  assert.deepEqual([receiver.count, report.delivered], [seconds * seriesCount, seconds * seriesCount]);
});

test("one warning says by how many seconds the sender is behind", async () => {
  const { warnings } = await slowRun({ closeTimeoutMs: 120_000 }, { latencyMs: 2000 });
  const behind = warnings.filter((warning) => warning.includes("behind"));
  assert.equal(behind.length, 1, JSON.stringify(warnings));
  assert.match(behind[0] ?? "", /\b1\d(?:\.\d)? ?s(?:econds)?\b/);
});

test("no warning says that the sender is behind if the endpoint keeps up", async () => {
  const { warnings } = await slowRun({}, { latencyMs: 500 });
  assert.deepEqual(warnings, []);
});

test("stats has the lag: the age of the oldest window that waits, and 0 if none does", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 } });
  const { clock, receiver, output } = run;
  const lags: number[] = [];
  await live(run, 30, (second) => {
    if (second === 10) receiver.meet({ kind: "answer", status: 503, body: "restarting" }, 10_000);
    output.add(counts(seriesCount, clock.now()));
    lags.push(numberOf(output.stats, "lagMs"));
  });
  await clock.settle(output.close());
  assert.ok((lags[9] ?? 0) <= 1000, `before the outage: ${lags[9]}`);
  assert.ok((lags[19] ?? 0) >= 7000 && (lags[19] ?? 0) <= 10_000, `in the outage: ${lags[19]}`);
  assert.ok((lags[29] ?? 0) <= 1000, `after the outage: ${lags[29]}`);
  assert.equal(numberOf(output.stats, "lagMs"), 0);
});

test("requests that wait while the endpoint is slow do not overlap, and each series rises in time", async () => {
  const { receiver } = await slowRun();
  for (const samples of receiver.stored.values()) {
    const times = samples.map(({ time }) => time);
    assert.deepEqual(times, [...new Set(times)].sort((a, b) => a - b));
  }
  assert.ok(sampleRequests(receiver).length > 15);
});
