// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeliveryError,
  type DeliveryReport,
  type Metric,
  pushOnce,
  RemoteWriteClient,
  type Sample,
} from "../../mod.ts";
import { type Behaviour, m3, mimir, prometheus, ScriptedReceiver, thanos } from "../support/scripted_receiver.ts";
import {
  assertAddsUp,
  clientOptions,
  counts,
  live,
  sampleRequests,
  seriesName,
  startRun,
  timeSeries,
} from "../support/scripted_run.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { isDeep, slowCases } from "../support/runs.ts";

const seriesCount = 500;
const windows = 20;
const words = "the value of a label is too long";

/** The bad series: so many of the 500, spread evenly. */
function badSeries(count: number): { readonly indices: ReadonlySet<number>; readonly bad: Behaviour["bad"] } {
  const indices = new Set(Array.from({ length: count }, (_, index) => Math.floor((index * seriesCount) / count)));
  return { indices, bad: ({ labels }) => labels.some(({ name, value }) => name === "n" && indices.has(Number(value))) };
}

/** Receivers that refuse bad samples, and the version that they are written to in. */
const receivers: readonly (readonly [title: string, protocol: "1.0" | "2.0" | "auto", Behaviour])[] = [
  ["1.0, rolls back as Prometheus", "1.0", prometheus],
  ["1.0, stores the good part as Mimir", "1.0", mimir],
  ["1.0, 409 and stores the good part as Thanos", "1.0", thanos],
  ["2.0, counts what was received as Mimir", "2.0", mimir],
  ["2.0, no counts, stores the good part", "2.0", { ...mimir, refusalWritten: "none" }],
  ["2.0, no counts, rolls back", "2.0", { onBad: "rollsBack", refusalWritten: "none" }],
  ["auto, counts what was received as Mimir", "auto", mimir],
  ["2.0, counts what it stored as Prometheus", "2.0", prometheus],
];

/** Every reason of rejected samples has the receiver's words. */
function assertWords({ reasons }: DeliveryReport): void {
  const rejected = reasons.filter(({ outcome }) => outcome === "rejected");
  for (const { reason } of rejected) {
    assert.ok(reason.includes(words), `a sample is rejected for another reason: ${reason}`);
  }
}

for (const [title, protocol, behaviour] of slowCases(receivers)) {
  for (const badCount of isDeep ? [150, 1, 500, 5] : [150]) {
    const share = (badCount / seriesCount) * 100;
    test(`${share} % bad series cost the good ones nothing, and one more request for each window after the search (${title})`, async () => {
      const { indices, bad } = badSeries(badCount);
      const { clock, receiver, output } = startRun({ behaviour: { ...behaviour, bad }, output: { protocol } });
      const requests: number[] = [];
      const good = seriesCount - badCount;
      for (let window = 0; window < windows; window++) {
        const before = sampleRequests(receiver).length;
        output.add(counts(seriesCount, clock.now()));
        const report = await clock.settle(output.flush());
        assertAddsUp(report);
        assert.deepEqual([report.delivered, report.rejected], [good, badCount], `in window ${window}`);
        requests.push(sampleRequests(receiver).length - before);
        await clock.advance(1000);
      }
      const report = await clock.settle(output.close());
      assertAddsUp(report);
      assert.equal(receiver.count, windows * good, "good samples that are stored");
      assert.deepEqual([report.delivered, report.rejected], [windows * good, windows * badCount]);
      for (let n = 0; n < seriesCount; n++) {
        const values = receiver.stored.get(seriesName(n))?.map(({ value }) => value);
        const expected = Array.from({ length: windows }, (_, window) => window + 1);
        assert.deepEqual(values, indices.has(n) ? undefined : expected, seriesName(n));
      }
      assertWords(report);
      const later = requests.slice(1);
      assert.ok(later.every((count) => count <= 2), `requests of each window: ${requests.join(" ")}`);
    });
  }
}

test("each bad sample is reported with the receiver's words, also while its series is sent separately", async () => {
  const { bad } = badSeries(3);
  const { clock, output } = startRun({ behaviour: { ...prometheus, bad }, output: { protocol: "1.0" } });
  for (let window = 0; window < 5; window++) {
    output.add(counts(seriesCount, clock.now()));
    const report = await clock.settle(output.flush());
    assert.equal(report.rejected, 3);
    assert.ok(report.reasons.length > 0);
    assertWords(report);
    await clock.advance(1000);
  }
  await clock.settle(output.close());
});

test("a series that is good again is delivered again, and does not stay in quarantine", async () => {
  const { indices, bad } = badSeries(10);
  const { clock, receiver, output } = startRun({ behaviour: { ...prometheus, bad }, output: { protocol: "1.0" } });
  const window = async (): Promise<DeliveryReport> => {
    output.add(counts(seriesCount, clock.now()));
    const report = await clock.settle(output.flush());
    await clock.advance(1000);
    return report;
  };
  for (let count = 0; count < 5; count++) assert.equal((await window()).rejected, 10);
  receiver.behave({ bad: undefined });
  // At most 32 windows pass between two tries.
  for (let count = 0; count < 35; count++) await window();
  const last = await window();
  assert.deepEqual([last.delivered, last.rejected], [seriesCount, 0]);
  for (const n of indices) assert.equal(receiver.totals.get(seriesName(n)), 41, "the newest total is stored");
  await clock.settle(output.close());
});

test("a series that becomes bad in the course of a run is found, and costs the others nothing", async () => {
  const { clock, receiver, output } = startRun({ behaviour: mimir, output: { protocol: "1.0" } });
  for (let window = 0; window < 12; window++) {
    if (window === 4) receiver.behave(badSeries(7));
    output.add(counts(seriesCount, clock.now()));
    const { delivered, rejected } = await clock.settle(output.flush());
    assert.deepEqual([delivered, rejected], window < 4 ? [seriesCount, 0] : [seriesCount - 7, 7], `window ${window}`);
    await clock.advance(1000);
  }
  await clock.settle(output.close());
});

test("a client remembers bad series from one write to the next (on one runtime)", async () => {
  const { bad } = badSeries(150);
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, ...prometheus, bad });
  const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), protocol: "1.0" });
  const requests: number[] = [];
  for (let window = 0; window < windows; window++) {
    const before = sampleRequests(receiver).length;
    const error: unknown = await clock.settle(
      client.write(timeSeries(seriesCount, clock.now(), window)).catch((error) => error),
    );
    assert.ok(error instanceof DeliveryError, "write() resolved although samples were refused");
    assert.deepEqual([error.report.delivered, error.report.rejected], [350, 150], `write ${window}`);
    assertWords(error.report);
    requests.push(sampleRequests(receiver).length - before);
    await clock.advance(1000);
  }
  assert.equal(receiver.count, windows * 350);
  assert.ok(requests.slice(1).every((count) => count <= 2), `requests of each write: ${requests.join(" ")}`);
});

for (const [title, protocol, behaviour] of slowCases(receivers)) {
  test(`pushOnce delivers every good series, with 30 % bad ones (${title})`, async () => {
    const { bad } = badSeries(150);
    const clock = new VirtualClock();
    const receiver = new ScriptedReceiver({ clock, ...behaviour, bad });
    const options = { ...clientOptions({ clock, receiver }), protocol };
    const report = await clock.settle(pushOnce(timeSeries(seriesCount, clock.now()), options));
    assertAddsUp(report);
    assert.deepEqual([report.delivered, report.rejected, receiver.count], [350, 150, 350]);
    assertWords(report);
  });
}

for (const [title, protocol, behaviour] of slowCases(receivers)) {
  test(`a live run at 50 ms for each request loses no good sample to 1 % bad series (${title})`, async () => {
    const { indices, bad } = badSeries(5);
    const run = startRun({ behaviour: { ...behaviour, bad, latencyMs: 50 }, output: { protocol } });
    const { clock, receiver, output } = run;
    await live(run, 60, () => output.add(counts(seriesCount, clock.now())));
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.equal(receiver.count, 60 * 495, "good samples that are stored");
    assert.deepEqual([report.delivered, report.rejected], [60 * 495, 60 * 5]);
    for (let n = 0; n < seriesCount; n++) {
      assert.equal(receiver.totals.get(seriesName(n)), indices.has(n) ? undefined : 60, seriesName(n));
    }
    assertWords(report);
  });
}

test("with the search limited by time, samples that were not tried are reported as not tried, never as refused themselves (on one runtime)", async () => {
  const { bad } = badSeries(500);
  const run = startRun({ behaviour: { ...prometheus, bad, latencyMs: 2000 }, output: { protocol: "1.0" } });
  const { clock, receiver, output } = run;
  await live(run, 120, () => output.add(counts(seriesCount, clock.now())));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(report.delivered, 0);
  const alone = new Set(
    sampleRequests(receiver).filter(({ samples }) => samples.length === 1).flatMap(({ series }) => series),
  );
  const refused = report.reasons.filter(({ reason }) => reason.includes(words) && !/not tried/.test(reason));
  const said = refused.reduce((sum, { samples }) => sum + samples, 0);
  assert.ok(
    said <= alone.size * 121,
    `${said} samples are said to be refused, but only ${alone.size} series were tried alone`,
  );
  assert.ok(report.reasons.some(({ reason }) => /not tried/.test(reason)), JSON.stringify(report.reasons));
});

const trend: Metric = { name: "t", type: "trend", contains: "time" };
const gauges: readonly Metric[] = Array.from({ length: 98 }, (_, n) => ({
  name: `g${n}`,
  type: "gauge",
  contains: "default",
}));

for (const protocol of ["1.0", "2.0", "auto"] as const) {
  test(`a Prometheus without native histograms gets all floats of the first windows within seconds (${protocol})`, async () => {
    const run = startRun({
      behaviour: { ...prometheus, noNativeHistograms: true },
      output: { protocol, trendAs: "native" },
    });
    const { clock, receiver, output } = run;
    const floats = new Set(gauges.map(({ name }) => `k6_${name}`));
    const stored: number[] = [];
    await live(run, 20, (second) => {
      stored.push(receiver.count);
      const time = clock.now();
      const measured: Sample[] = ["a", "b"].map((n) => ({ metric: trend, time, value: 5, tags: { n } }));
      output.add([...gauges.map((metric) => ({ metric, time, value: second, tags: {} })), ...measured]);
    });
    assert.ok((stored[2] ?? 0) >= 98, "the floats of the first window are stored at once");
    // The histograms of the first window are tried for some seconds, because a 500 may pass.
    assert.ok(
      (stored[10] ?? 0) >= 9 * 98,
      `${stored[10]} of ${9 * 98} floats of the first windows are stored after 10 s`,
    );
    const before = sampleRequests(receiver).length;
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.deepEqual([...receiver.totals.keys()].sort(), [...floats].sort());
    assert.equal(receiver.count, 20 * 98, "floats that are stored");
    assert.equal(report.delivered, 20 * 98);
    assert.equal(report.rejected + report.failed, 20 * 2, "histograms");
    const requests = before / 20;
    assert.ok(requests <= 3, `${requests} requests for each window`);
  });
}

test("once the feature is switched on, native histograms are sent again (on one runtime)", async () => {
  const run = startRun({
    behaviour: { ...prometheus, noNativeHistograms: true },
    output: { protocol: "1.0", trendAs: "native" },
  });
  const { clock, receiver, output } = run;
  await live(run, 100, (second) => {
    if (second === 20) receiver.behave({ noNativeHistograms: false });
    output.add({ metric: trend, time: clock.now(), value: 5, tags: {} });
    output.add({ metric: gauges[0] ?? trend, time: clock.now(), value: second, tags: {} });
  });
  await clock.settle(output.close());
  assert.equal(receiver.totals.get("k6_t_seconds"), 100, "the newest histogram is stored");
  assert.equal(receiver.totals.get("k6_g0"), 99);
});

/** Ten histograms, of which one is bad. */
const badHistogram: Behaviour["bad"] = ({ histogram, labels }) =>
  histogram !== undefined && labels.some(({ name, value }) => name === "n" && value === "3");

for (const badStatus of [400, 500]) {
  test(`one bad native histogram among ten, answered ${badStatus}, costs neither the floats nor the other histograms anything`, async () => {
    const run = startRun({
      behaviour: { onBad: "rollsBack", bad: badHistogram, badStatus, v2: 415 },
      output: { trendAs: "native", closeTimeoutMs: 120_000 },
    });
    const { clock, receiver, output } = run;
    await live(run, 60, (second) => {
      const time = clock.now();
      for (let n = 0; n < 10; n++) output.add({ metric: trend, time, value: 5, tags: { n: String(n) } });
      output.add(gauges.map((metric) => ({ metric, time, value: second, tags: {} })));
    });
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    for (const { name } of gauges) assert.equal(receiver.totals.get(`k6_${name}`), 59, name);
    for (let n = 0; n < 10; n++) {
      assert.equal(receiver.totals.get(`k6_t_seconds{n="${n}"}`), n === 3 ? undefined : 60, `histogram ${n}`);
    }
  });
}

test("a bad series that is answered 500 without end costs the good series time, but not their totals (on one runtime)", async () => {
  const { bad } = badSeries(1);
  const run = startRun({ behaviour: { ...m3, bad, latencyMs: 10 }, output: { closeTimeoutMs: 120_000 } });
  const { clock, receiver, output } = run;
  await live(run, 200, () => output.add(counts(20, clock.now())));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  for (let n = 1; n < 20; n++) assert.equal(receiver.totals.get(seriesName(n)), 200, seriesName(n));
  assert.equal(report.delivered, receiver.count);
});

test("the memory of bad series is bounded: with more of them than it holds, the good series are still delivered", {
  skip: !isDeep,
}, async () => {
  const bad: Behaviour["bad"] = ({ labels }) => labels.some(({ name, value }) => name === "n" && Number(value) >= 100);
  const { clock, receiver, output } = startRun({ behaviour: { ...mimir, bad }, output: { protocol: "1.0" } });
  for (let window = 0; window < 2; window++) {
    output.add(counts(10_500, clock.now()));
    const report = await clock.settle(output.flush());
    assertAddsUp(report);
    assert.deepEqual([report.delivered, report.rejected], [100, 10_400], `in window ${window}`);
    await clock.advance(1000);
  }
  await clock.settle(output.close());
  assert.equal(receiver.count, 200);
});
