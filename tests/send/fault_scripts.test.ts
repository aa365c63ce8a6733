import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliveryReport } from "../../src/model/delivery_report.ts";
import { mergeReports } from "../../src/send/report_builder.ts";
import { anyFault, passingFault } from "../support/arbitrary_faults.ts";
import type { ReceivedSample, V2Support } from "../support/scripted_receiver.ts";
import { createSending, type Sending, type SendingOptions, SeriesNames } from "../support/sending.ts";
import { slowRuns } from "../support/runs.ts";

const seed = 20260301;
const shards = 3;
const seriesPerShard = 4;
/** The batches that may be in a full queue: for each shard, the one that is being sent and the newest. */
const undroppable = 2 * shards;
/** The estimated size of the largest batch here. */
const largestBytes = 4000;
const names = Array.from({ length: shards * seriesPerShard }, (_, index) => `s${index}`);

interface Push {
  readonly shard: number;
  /** The number of the series within its shard. */
  readonly series: readonly number[];
  readonly pauseMs: number;
}

const pushes: fc.Arbitrary<Push[]> = fc.array(
  fc.record({
    shard: fc.integer({ min: 0, max: shards - 1 }),
    series: fc.uniqueArray(fc.integer({ min: 0, max: seriesPerShard - 1 }), { minLength: 1 }),
    pauseMs: fc.constantFrom(0, 0, 1, 1000, 20_000),
  }),
  { minLength: 1, maxLength: 12 },
);

const v2 = fc.constantFrom<V2Support[]>("known", 204, 415, 400, 500);
const subset = fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 });

/** Pushes the samples and closes the queue. Returns what was pushed and what the reports say about it. */
async function run(
  options: SendingOptions,
  plan: { readonly pushes: readonly Push[]; readonly samplesPerSeries: number; readonly closeTimeoutMs: number },
): Promise<{ pushed: ReceivedSample[]; report: DeliveryReport; sending: Sending }> {
  const { capacity = 500_000, maxQueueBytes = 64 * 1024 * 1024, overflow } = options;
  const sending = createSending(options);
  const { clock } = sending;
  const series = new SeriesNames();
  const pushed: ReceivedSample[] = [];
  const reports: Promise<DeliveryReport>[] = [];
  const largest = seriesPerShard * plan.samplesPerSeries;
  let time = clock.now();
  for (const { shard, series: indices, pauseMs } of plan.pushes) {
    const samples = indices.flatMap((index) => {
      const name = names[shard * seriesPerShard + index] ?? "";
      return Array.from(
        { length: plan.samplesPerSeries },
        (_, sample) => [name, time + sample, pushed.length + sample] as const,
      );
    });
    time += plan.samplesPerSeries;
    pushed.push(...samples.map(([name, at, value]) => ({ series: name, labels: [], time: at, value })));
    reports.push(sending.queue.push(shard, series.batch(samples)));
    if (overflow !== "block") {
      const { samples, bytes } = sending.queue.size;
      assert.ok(samples <= Math.max(capacity, undroppable * largest), "more samples than the capacity");
      assert.ok(bytes <= Math.max(maxQueueBytes, undroppable * largestBytes), "more bytes than allowed");
    }
    await clock.advance(pauseMs);
  }
  const closed = await clock.settle(sending.queue.close({ timeoutMs: plan.closeTimeoutMs }));
  const settled = await clock.settle(Promise.all(reports));
  for (const report of settled) {
    const { samples, delivered, rejected, failed, unknown, dropped, deferred } = report;
    assert.equal(delivered + rejected + failed + unknown + dropped + deferred, samples);
  }
  const all = mergeReports(settled);
  assert.equal(all.samples, pushed.length, "a sample is not accounted for");
  // What waited after a refusal by the endpoint is reported once more by close(), with its end.
  const report = mergeReports([{ ...all, deferred: all.deferred - closed.samples }, closed]);
  return { pushed, report, sending };
}

/** Checks what must hold in every case. */
function assertOrder(
  pushed: readonly ReceivedSample[],
  { receiver }: Sending,
): void {
  assert.deepEqual(receiver.violations, [], "disorder or a duplicate in a request, or two requests of a shard at once");
  for (const [name, stored] of receiver.stored) {
    const wanted = pushed.filter(({ series }) => series === name);
    assert.deepEqual(stored, wanted.filter(({ time }) => stored.some((sample) => sample.time === time)), name);
  }
}

test("whatever the network does, each sample is delivered once or counted, in order and within the limits (on one runtime)", async () => {
  const scenario = fc.record({
    pushes,
    faults: fc.array(anyFault, { maxLength: 40 }),
    samplesPerSeries: fc.constantFrom(1, 1, 3),
    bad: subset,
    poison: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 1 }),
    v2,
    protocol: fc.constantFrom("auto" as const, "1.0" as const, "2.0" as const),
    capacity: fc.constantFrom(6, 20, 500_000),
    maxQueueBytes: fc.constantFrom(12_000, 64 * 1024 * 1024),
    maxSamplesPerSend: fc.integer({ min: 1, max: 8 }),
    searchMs: fc.constantFrom(0, 5000, 60_000),
    retryDeadlineMs: fc.constantFrom(Infinity, 0, 5000),
    closeTimeoutMs: fc.constantFrom(0, 1000, 10_000_000),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ bad, poison, v2, random, ...plan }) => {
      const { pushed, report, sending } = await run(
        { ...plan, bad: new Set(bad), poison: new Set(poison), v2, random: () => random },
        plan,
      );
      const { clock, receiver } = sending;
      assert.equal(report.samples, pushed.length, "a sample is not accounted for");
      assertOrder(pushed, sending);
      const silent = v2 === 204 && plan.protocol !== "1.0";
      assert.ok(report.delivered <= receiver.count, "a sample counts as delivered and is not stored");
      const perhaps = report.delivered + report.unknown + report.failed;
      assert.ok(receiver.count <= perhaps, `stored ${receiver.count}, at most ${perhaps} are said to be`);
      if (silent && plan.protocol === "2.0") assert.equal(report.delivered, 0);
      assert.equal(clock.timers, 0, "a timer is left");
      assert.deepEqual(sending.queue.size, { samples: 0, bytes: 0 });
      const stats = sending.stats.snapshot();
      const { samplesTotal, samplesRetriedTotal, samplesFailedTotal, samplesPending, samplesDroppedTotal } = stats;
      assert.equal(samplesPending, 0);
      // Samples of series that were refused before are not sent.
      const { quarantined = 0 } = samplesDroppedTotal;
      const neverAnswered = report.failed + report.unknown + report.rejected - quarantined;
      const once = samplesTotal - samplesRetriedTotal - report.delivered - neverAnswered;
      assert.ok(once >= 0 && once <= report.deferred + report.dropped, "samples sent, each counted once");
      assert.equal(samplesFailedTotal, neverAnswered);
    }),
    { seed, numRuns: slowRuns(600) },
  );
});

test("a patient sender delivers every sample if all faults pass", async () => {
  const scenario = fc.record({
    pushes,
    faults: fc.array(passingFault, { maxLength: 60 }),
    v2,
    protocol: fc.constantFrom("auto" as const, "1.0" as const),
    maxSamplesPerSend: fc.integer({ min: 1, max: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async (plan) => {
      const { pushed, report, sending } = await run(
        plan,
        { ...plan, samplesPerSeries: 1, closeTimeoutMs: Infinity },
      );
      const { receiver } = sending;
      assert.equal(report.delivered, pushed.length);
      assert.equal(receiver.count, pushed.length);
      assertOrder(pushed, sending);
    }),
    { seed, numRuns: slowRuns(500) },
  );
});

test("with few requests in each flush, every sample is delivered in the end", async () => {
  const scenario = fc.record({
    pushes,
    faults: fc.array(passingFault, { maxLength: 30 }),
    maxSamplesPerSend: fc.integer({ min: 1, max: 8 }),
    maxRequestsPerFlush: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ pushes, ...options }) => {
      const { queue, clock, receiver } = createSending(options);
      const series = new SeriesNames();
      let pushed = 0;
      const flush = async (pushes: readonly Push[]): Promise<void> => {
        const before = receiver.requests.length;
        const resumed = queue.resume();
        const reports = pushes.map(({ shard, series: indices }) => {
          pushed += indices.length;
          return queue.push(shard, series.batch(indices.map((index) => [`${shard}/${index}`, pushed, pushed])));
        });
        await clock.settle(Promise.all([resumed, ...reports]));
        assert.ok(receiver.requests.length - before <= options.maxRequestsPerFlush);
        assert.equal(clock.timers, 0, "a flush leaves a timer");
      };
      for (const push of pushes) await flush([push]);
      while (queue.size.samples > 0) await flush([]);
      assert.equal(receiver.count, pushed);
      assert.deepEqual(receiver.violations, []);
    }),
    { seed, numRuns: slowRuns(300) },
  );
});
