// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryError, type DeliveryReport, type Label, type Metric, RemoteWriteClient } from "../../mod.ts";
import {
  type Behaviour,
  type Fault,
  m3,
  mimir,
  openTelemetryCollector,
  page,
  prometheus,
  type ScriptedReceiver,
  ScriptedReceiver as Receiver,
  thanos,
  victoriaMetrics,
} from "../support/scripted_receiver.ts";
import { assertAddsUp, clientOptions, counts, mergedOf, type Run, startRun } from "../support/scripted_run.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { slowRuns } from "../support/runs.ts";

const seed = 20261128;
const seriesCount = 12;
const trend: Metric = { name: "t", type: "trend", contains: "time" };

/** One window: which series get a sample, and how long it takes until the next one. */
interface Window {
  readonly series: readonly number[];
  readonly pauseMs: number;
}

const windows: fc.Arbitrary<Window[]> = fc.array(
  fc.record({
    series: fc.uniqueArray(fc.nat(seriesCount - 1), { minLength: 1 }),
    pauseMs: fc.constantFrom(10, 1000, 1000, 1000, 20_000),
  }),
  { minLength: 1, maxLength: 12 },
);

const badSeries: fc.Arbitrary<readonly number[]> = fc.uniqueArray(fc.nat(seriesCount - 1));

/**
 * Receivers whose reports can be true: they tell what they refuse, or answer with an error. One that rolls back a 2.0 request
 * and says so in its Written headers is not among them: the sender believes that nothing is stored, and sends nothing again.
 */
const honestReceiver: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.constantFrom(prometheus, mimir, thanos),
  fc.record({
    onBad: fc.constantFrom("rollsBack" as const, "storesGoodPart" as const),
    badStatus: fc.constantFrom(400, 409, 422),
    written: fc.constantFrom("stored" as const, "received" as const),
    refusalWritten: fc.constantFrom("stored" as const, "received" as const, "none" as const),
    v2: fc.constantFrom("known" as const, 200 as const, 204 as const, 400 as const, 415 as const),
  }).filter(({ onBad, refusalWritten }) => onBad === "storesGoodPart" || refusalWritten !== "stored"),
);

const anyReceiver: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 3, arbitrary: honestReceiver },
  fc.constantFrom(m3, openTelemetryCollector, victoriaMetrics),
  fc.record({
    onBad: fc.constantFrom("rollsBack" as const, "storesGoodPart" as const),
    badStatus: fc.constantFrom(400, 500),
    written: fc.constantFrom("zero" as const, "none" as const, "stored" as const),
    noNativeHistograms: fc.boolean(),
    latencyMs: fc.constantFrom(0, 50, 2000, 40_000),
  }),
);

const quickFault: fc.Arbitrary<Fault> = fc.constantFrom<Fault[]>(
  { kind: "answer", status: 503, body: "busy" },
  { kind: "answer", status: 429, body: "busy" },
  { kind: "answer", status: 502, body: "gateway", stored: true },
  { kind: "refuse" },
  { kind: "reset" },
  { kind: "reset", stored: true },
);

const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fault>({ kind: "pass" }) },
  { weight: 3, arbitrary: quickFault },
  fc.record({ kind: fc.constant("hang" as const), stored: fc.boolean() }),
  fc.record({ kind: fc.constant("slow" as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  fc.record({
    kind: fc.constant("answer" as const),
    status: fc.constantFrom(302, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 500),
    hangs: fc.boolean(),
    body: fc.constant("by script"),
  }),
  fc.constant(page),
);

/** Makes some of the series bad. */
function withBad(behaviour: Behaviour, bad: readonly number[]): Behaviour {
  const names = new Set(bad.map(String));
  return { ...behaviour, bad: ({ labels }) => labels.some(({ name, value }) => name === "n" && names.has(value)) };
}

/** How many samples are stored, each counted once. */
function distinct({ stored }: ScriptedReceiver): number {
  return [...stored.values()].reduce((sum, samples) => sum + new Set(samples.map(({ time }) => time)).size, 0);
}

/** What is stored of each series rises in time and in value, as it was made. */
function assertOrder({ stored, violations }: ScriptedReceiver): void {
  assert.deepEqual(violations, []);
  for (const [series, samples] of stored) {
    for (const [index, { time, value }] of samples.entries()) {
      const before = samples[index - 1];
      if (before === undefined) continue;
      assert.ok(time > before.time && value > before.value, `${series}: ${value} at ${time} after ${before.value}`);
    }
  }
}

/** Flushes each window without waiting, then closes. */
async function run(
  { clock, output }: Pick<Run, "clock" | "output">,
  plan: readonly Window[],
  { histograms = false, each = 1, mapping = "prometheus" }: {
    readonly histograms?: boolean;
    readonly each?: number;
    readonly mapping?: "prometheus" | "raw";
  } = {},
): Promise<{ report: DeliveryReport; made: number; flushes: DeliveryReport[] }> {
  const flushes: Promise<DeliveryReport>[] = [];
  let made = 0;
  let values = 0;
  for (const { series, pauseMs } of plan) {
    const time = clock.now();
    for (let index = 0; index < each; index++) {
      const samples = counts(seriesCount, time + index).filter((_, n) => series.includes(n));
      output.add(samples.map((sample) => ({ ...sample, value: ++values })));
    }
    made += series.length * (mapping === "raw" ? each : 1);
    if (histograms) {
      output.add({ metric: trend, time, value: ++values, tags: {} });
      made++;
    }
    flushes.push(output.flush());
    await clock.advance(pauseMs);
  }
  const report = await clock.settle(output.close());
  return { report, made, flushes: await clock.settle(Promise.all(flushes)) };
}

test("whatever the receiver and the network do, every sample is counted once, and nothing counts as delivered that is not stored", async () => {
  const plan = fc.record({
    windows,
    receiver: anyReceiver,
    bad: badSeries,
    faults: fc.array(anyFault, { maxLength: 30 }),
    histograms: fc.boolean(),
    each: fc.integer({ min: 1, max: 4 }),
    options: fc.record({
      mapping: fc.constantFrom("prometheus" as const, "raw" as const),
      maxRequestsPerFlush: fc.constantFrom(1, 3, Infinity),
      protocol: fc.constantFrom("auto" as const, "1.0" as const, "2.0" as const),
      shards: fc.integer({ min: 1, max: 3 }),
      capacity: fc.constantFrom(20, 60, 500_000),
      maxSamplesPerSend: fc.constantFrom(3, 8, 2000),
      retryDeadlineMs: fc.constantFrom(Infinity, 0, 5000),
      closeTimeoutMs: fc.constantFrom(0, 1000, 30_000, 10_000_000),
    }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ windows, receiver: behaviour, bad, faults, histograms, each, options }) => {
      const setting = startRun({
        behaviour: withBad(behaviour, bad),
        faults,
        output: { ...options, ...(options.mapping === "prometheus" && { trendAs: "native" }) },
      });
      const { clock, receiver, output } = setting;
      const { report, made, flushes } = await run(setting, windows, { histograms, each, mapping: options.mapping });
      for (const each of [report, ...flushes]) assertAddsUp(each);
      assert.equal(report.samples + mergedOf(report), made, "a sample is not accounted for");
      assert.equal(clock.timers, 0, "a timer is left");
      assert.equal(output.stats.samplesPending, 0);
      if (behaviour.ordered !== false) assertOrder(receiver);
      const stored = distinct(receiver);
      const tellsRefusals = (behaviour.badStatus ?? 400) >= 300;
      if (tellsRefusals) assert.ok(report.delivered <= stored, `delivered ${report.delivered}, stored ${stored}`);
      if (behaviour.onBad === "rollsBack" && behaviour.written === "stored") {
        const perhaps = report.delivered + report.unknown + report.failed;
        assert.ok(stored <= perhaps, `stored ${stored}, at most ${perhaps} are said to be`);
      }
    }),
    { seed, numRuns: slowRuns(300) },
  );
});

test("a patient output delivers every sample of every good series, and reports every sample of a bad one as refused", async () => {
  const plan = fc.record({
    windows,
    receiver: honestReceiver,
    bad: badSeries,
    faults: fc.array(quickFault, { maxLength: 4 }),
    options: fc.record({
      protocol: fc.constantFrom("auto" as const, "1.0" as const),
      shards: fc.integer({ min: 1, max: 3 }),
      maxSamplesPerSend: fc.constantFrom(3, 8, 2000),
    }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ windows, receiver: behaviour, bad, faults, options }) => {
      const setting = startRun({
        behaviour: withBad(behaviour, bad),
        faults,
        output: { ...options, retryDeadlineMs: Infinity, closeTimeoutMs: Infinity },
      });
      const { report, made, flushes } = await run(setting, windows);
      for (const each of [report, ...flushes]) assertAddsUp(each);
      const good = windows.flatMap(({ series }) => series).filter((n) => !bad.includes(n)).length;
      assert.equal(report.samples + mergedOf(report), made);
      assert.equal(distinct(setting.receiver), good, "good samples that are stored");
      assert.equal(report.delivered, good, JSON.stringify(report));
      assert.equal(report.rejected + report.unknown, made - good);
      assertOrder(setting.receiver);
    }),
    { seed, numRuns: slowRuns(200) },
  );
});

test("the reports of a client's writes add up and are true, also if the writes overlap", async () => {
  const plan = fc.record({
    windows,
    receiver: honestReceiver,
    bad: badSeries,
    faults: fc.array(quickFault, { maxLength: 4 }),
    protocol: fc.constantFrom("auto" as const, "1.0" as const),
    latencyMs: fc.constantFrom(0, 50, 700),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ windows, receiver: behaviour, bad, faults, protocol, latencyMs }) => {
      const clock = new VirtualClock();
      const receiver = new Receiver({ clock, ...withBad(behaviour, bad), faults, latencyMs });
      const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), protocol });
      const reports: Promise<DeliveryReport>[] = [];
      let made = 0;
      for (const { series, pauseMs } of windows) {
        const samples = [{ value: made, timestamp: clock.now() }];
        const labels = series.map((n) => [{ name: "__name__", value: "c" }, { name: "n", value: String(n) }]);
        made += series.length;
        reports.push(
          client.write(labels.map((labels) => ({ labels, samples }))).catch((error: unknown) => {
            if (!(error instanceof DeliveryError)) throw error;
            return error.report;
          }),
        );
        await clock.advance(pauseMs);
      }
      const settled = await clock.settle(Promise.all(reports));
      for (const report of settled) assertAddsUp(report);
      const delivered = settled.reduce((sum, report) => sum + report.delivered, 0);
      const good = windows.flatMap(({ series }) => series).filter((n) => !bad.includes(n)).length;
      assert.equal(settled.reduce((sum, { samples }) => sum + samples, 0), made);
      assert.deepEqual([distinct(receiver), delivered], [good, good]);
      assertOrder(receiver);
    }),
    { seed, numRuns: slowRuns(200) },
  );
});

/** Bad samples: all of some series, and of some other series those before a time. */
function withPartlyBad(
  behaviour: Behaviour,
  bad: readonly number[],
  tooOld: readonly number[],
  limit: number,
): Behaviour {
  const numberOf = (labels: readonly Label[]): number => Number(labels.find(({ name }) => name === "n")?.value);
  return {
    ...behaviour,
    bad: ({ labels, time }) => bad.includes(numberOf(labels)) || (tooOld.includes(numberOf(labels)) && time < limit),
  };
}

test("with several samples of each series in a request, no good sample is rejected, and nothing counts as delivered that is not stored", async () => {
  const plan = fc.record({
    windows: fc.array(
      fc.record({
        series: fc.uniqueArray(fc.nat(seriesCount - 1), { minLength: 1 }),
        each: fc.integer({ min: 1, max: 5 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    receiver: honestReceiver,
    bad: badSeries,
    tooOld: badSeries,
    age: fc.nat(20),
    faults: fc.oneof(fc.constant<Fault[]>([]), fc.array(quickFault, { maxLength: 4 })),
    protocol: fc.constantFrom("auto" as const, "1.0" as const),
    maxSamplesPerSend: fc.constantFrom(3, 8, 2000),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ windows, receiver: behaviour, bad, tooOld, age, faults, ...options }) => {
      const clock = new VirtualClock();
      const limit = clock.now() + 1000 * age;
      const receiver = new Receiver({ clock, ...withPartlyBad(behaviour, bad, tooOld, limit), faults });
      const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), ...options });
      const reports: DeliveryReport[] = [];
      let [made, good, time] = [0, 0, clock.now()];
      for (const { series, each } of windows) {
        const times = Array.from({ length: each }, () => time += 1000);
        const written = series.map((n) => ({
          labels: [{ name: "__name__", value: "c" }, { name: "n", value: String(n) }],
          samples: times.map((timestamp) => ({ value: timestamp, timestamp })),
        }));
        made += series.length * each;
        for (const n of series) {
          if (!bad.includes(n)) good += times.filter((time) => !tooOld.includes(n) || time >= limit).length;
        }
        reports.push(
          await clock.settle(
            client.write(written).catch((error: unknown) => {
              if (!(error instanceof DeliveryError)) throw error;
              return error.report;
            }),
          ),
        );
        await clock.advance(1000);
      }
      for (const report of reports) assertAddsUp(report);
      const sum = (outcome: "samples" | "delivered" | "unknown" | "rejected"): number =>
        reports.reduce((sum, report) => sum + report[outcome], 0);
      const stored = distinct(receiver);
      assert.equal(sum("samples"), made);
      assert.ok(sum("delivered") <= stored, `delivered ${sum("delivered")}, stored ${stored}`);
      assertOrder(receiver);
      // A series in quarantine returns only when all of its samples in a request are good.
      if (tooOld.length > 0) return;
      assert.equal(stored, good, "good samples that are stored");
      assert.ok(sum("delivered") + sum("unknown") >= good, JSON.stringify(reports));
      if (faults.length > 0) return;
      assert.equal(sum("rejected"), made - good);
      if (behaviour.onBad === "rollsBack") assert.deepEqual([sum("delivered"), sum("unknown")], [good, 0]);
      const isSingle = windows.every(({ each }) => each === 1);
      if (isSingle) assert.equal(sum("delivered"), good);
    }),
    { seed, numRuns: slowRuns(300) },
  );
});
