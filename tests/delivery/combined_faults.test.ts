// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
/** Outages, bad series, a full queue, overlapping flushes and a short end, all in one run. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliveryReport } from "../../mod.ts";
import { type Behaviour, type Fault, m3, mimir, prometheus, thanos } from "../support/scripted_receiver.ts";
import { assertAddsUp, counts, mergedOf, type Run, seriesName, startRun } from "../support/scripted_run.ts";
import { slowRuns } from "../support/runs.ts";

const seed = 20261129;
const seriesCount = 10;

/** Some seconds of a run. */
interface Phase {
  readonly seconds: number;
  /** The series that get a sample in each of these seconds. */
  readonly series: readonly number[];
  /** What all requests of this phase meet. */
  readonly fault: Fault;
}

const outage: fc.Arbitrary<Fault> = fc.constantFrom<Fault[]>(
  { kind: "answer", status: 503, body: "busy" },
  { kind: "answer", status: 429, body: "busy" },
  { kind: "answer", status: 500, body: "disk full" },
  { kind: "answer", status: 401, body: "who are you?" },
  { kind: "answer", status: 404, body: "no such path" },
  { kind: "answer", status: 502, body: "gateway", stored: true },
  { kind: "refuse" },
  { kind: "reset", stored: true },
  { kind: "hang" },
  { kind: "hang", stored: true },
);

const phases: fc.Arbitrary<Phase[]> = fc.array(
  fc.record({
    seconds: fc.constantFrom(1, 3, 20, 150, 400),
    series: fc.uniqueArray(fc.nat(seriesCount - 1), { maxLength: seriesCount }),
    fault: fc.oneof({ weight: 2, arbitrary: fc.constant<Fault>({ kind: "pass" }) }, { weight: 3, arbitrary: outage }),
  }),
  { minLength: 1, maxLength: 5 },
);

const receivers: fc.Arbitrary<Behaviour> = fc.constantFrom(prometheus, mimir, thanos, m3);

/** Those that refuse bad samples with a 4xx. After a 500, a sample may use up the time of a search before it is given up. */
const tellingReceivers: fc.Arbitrary<Behaviour> = fc.constantFrom(prometheus, mimir, thanos);

const settings = {
  phases,
  receiver: receivers,
  bad: fc.uniqueArray(fc.nat(seriesCount - 1), { maxLength: 4 }),
  latencyMs: fc.constantFrom(1, 50, 3000),
  /** Whether the caller flushes each second without waiting, instead of the interval timer. */
  isManual: fc.boolean(),
  options: fc.record({
    protocol: fc.constantFrom("auto" as const, "1.0" as const),
    shards: fc.integer({ min: 1, max: 2 }),
    capacity: fc.constantFrom(15, 60, 500_000),
    overflow: fc.constantFrom("drop-oldest" as const, "block" as const),
    maxSamplesPerSend: fc.constantFrom(3, 2000),
    retryDeadlineMs: fc.constantFrom(5000, 60_000, 300_000, Infinity),
    timeoutMs: fc.constantFrom(5000, 30_000),
  }),
};

/** Runs the phases, with these samples each second. Returns the reports, what was made, and the total of each series. */
async function run(
  setting: Run,
  { phases, isManual, each = 1, closeTimeoutMs, outageAfterMs }: {
    readonly phases: readonly Phase[];
    readonly isManual: boolean;
    readonly each?: number;
    readonly closeTimeoutMs: number;
    /** How long the last outage lasts after the end of the run. */
    readonly outageAfterMs: number;
  },
): Promise<{ report: DeliveryReport; flushes: DeliveryReport[]; totals: Map<number, number>; made: number }> {
  const { clock, receiver, output } = setting;
  const totals = new Map<number, number>();
  const flushes: Promise<DeliveryReport>[] = [];
  let made = 0;
  if (!isManual) output.start();
  for (const { seconds, series, fault } of phases) {
    receiver.meet(fault);
    for (let second = 0; second < seconds; second++) {
      for (let index = 0; index < each; index++) {
        output.add(counts(seriesCount, clock.now() + index).filter((_, n) => series.includes(n)));
        made += series.length;
        for (const n of series) totals.set(n, (totals.get(n) ?? 0) + 1);
      }
      if (isManual) flushes.push(output.flush());
      await clock.advance(1000);
    }
  }
  const closing = output.close({ timeoutMs: closeTimeoutMs });
  await clock.advance(outageAfterMs);
  receiver.meet({ kind: "pass" });
  const report = await clock.settle(closing);
  return { report, flushes: await clock.settle(Promise.all(flushes)), totals, made };
}

/** What holds in every run. */
function assertTrue(
  { clock, receiver, output }: Run,
  report: DeliveryReport,
  flushes: readonly DeliveryReport[],
): void {
  for (const each of [report, ...flushes]) assertAddsUp(each);
  for (const [name, value] of Object.entries(report)) assert.ok(!(value < 0), `${name} is ${value}`);
  assert.equal(clock.timers, 0, "a timer is left");
  assert.equal(output.stats.samplesPending, 0);
  assert.deepEqual(receiver.violations, []);
  for (const [series, samples] of receiver.stored) {
    for (const [index, { time }] of samples.entries()) {
      assert.ok(time > (samples[index - 1]?.time ?? 0), `${series} is stored out of order`);
    }
  }
  assert.ok(report.delivered <= receiver.count, `delivered ${report.delivered}, stored ${receiver.count}`);
}

function withBad(behaviour: Behaviour, bad: readonly number[]): Behaviour {
  return { ...behaviour, bad: new Set(bad.map(seriesName)) };
}

test("whatever outages, bad series and a full queue do to a run, no total of a good series is lost if there is time at the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ ...settings, receiver: tellingReceivers }),
      async ({ phases, receiver, bad, latencyMs, isManual, options }) => {
        // The batches of a producer that waits share one deadline.
        const output = options.overflow === "block" ? { ...options, retryDeadlineMs: 300_000 } : options;
        const setting = startRun({ behaviour: { ...withBad(receiver, bad), latencyMs }, output });
        const { report, flushes, totals, made } = await run(setting, {
          phases,
          isManual,
          closeTimeoutMs: Infinity,
          outageAfterMs: 0,
        });
        assertTrue(setting, report, flushes);
        assert.ok(report.samples + mergedOf(report) <= made);
        assert.equal(report.deferred, 0, JSON.stringify(report));
        for (const [n, total] of totals) {
          const expected = bad.includes(n) ? undefined : total;
          assert.equal(setting.receiver.totals.get(seriesName(n)), expected, seriesName(n));
        }
      },
    ),
    { seed, numRuns: slowRuns(20) },
  );
});

test("whatever ends a run too early, its report is true", async () => {
  const plan = fc.record({
    ...settings,
    each: fc.integer({ min: 1, max: 3 }),
    mapping: fc.constantFrom("prometheus" as const, "raw" as const),
    maxRequestsPerFlush: fc.constantFrom(2, Infinity),
    closeTimeoutMs: fc.constantFrom(0, 1000, 10_000, 60_000),
    outageAfterMs: fc.constantFrom(0, 500, 30_000),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ receiver, bad, latencyMs, options, mapping, maxRequestsPerFlush, ...plan }) => {
      const behaviour = { ...withBad(receiver, bad), latencyMs };
      const setting = startRun({ behaviour, output: { ...options, mapping, maxRequestsPerFlush } });
      const { report, flushes, made } = await run(setting, plan);
      assertTrue(setting, report, flushes);
      if (mapping === "raw") assert.equal(report.samples, made);
      const perhaps = report.delivered + report.unknown + report.failed;
      if (receiver.onBad === "rollsBack" || bad.length === 0) {
        assert.ok(setting.receiver.count <= perhaps, `stored ${setting.receiver.count}, perhaps ${perhaps}`);
      }
    }),
    { seed, numRuns: slowRuns(20) },
  );
});
