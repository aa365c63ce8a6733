/**
 * Compares the aggregator with a plain recomputation from all requests, and with what the senders counted.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memory } from "../../src/gateway/mod.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";
import { bodyOf, bucketOf, bucketsOf, float, labelsOf, nativeOf, startAggregator } from "../support/aggregator.ts";
import { slowRuns } from "../support/runs.ts";
import { type Fault, prometheus, ScriptedReceiver } from "../support/scripted_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

interface Point {
  readonly series: string;
  readonly sender: string;
  readonly value: number;
  readonly timestamp: number;
  readonly startTimestamp: number | undefined;
}

const t0 = Date.UTC(2026, 0, 1);

/** Any points in any order: repetitions, late ones and resets come by themselves, because the ranges are small. */
const arbitraryRequest: fc.Arbitrary<readonly Point[]> = fc.uniqueArray(
  fc.record({
    series: fc.constantFrom("x_total", "y_total", "sum", "min", "max", "last"),
    sender: fc.constantFrom("a", "b", "c"),
    value: fc.integer({ min: 0, max: 9 }),
    // Never the same of two senders, between which the rule "last" could not decide.
    timestamp: fc.integer({ min: 0, max: 30 }).map((ms) => t0 - 3 * ms),
    startTimestamp: fc.option(fc.integer({ min: 0, max: 90 }).map((ms) => t0 - ms), { nil: undefined }),
  }),
  { maxLength: 6, selector: ({ series, sender, timestamp }) => `${series} ${sender} ${timestamp}` },
).map((points) =>
  points.map((point) => ({ ...point, timestamp: point.timestamp + ["a", "b", "c"].indexOf(point.sender) }))
);

/** Recomputes the sums from all points: of each sender, those that were newer than all before. */
function recompute(requests: readonly (readonly Point[])[]): Map<string, number> {
  const points = requests.flatMap((request) => request.toSorted((a, b) => a.timestamp - b.timestamp));
  const sums = new Map<string, number>();
  for (const series of new Set(points.map(({ series }) => series))) {
    let sum = 0;
    const newest: Point[] = [];
    for (const sender of new Set(points.map(({ sender }) => sender))) {
      const own = points.filter((point) => point.series === series && point.sender === sender);
      const counted = own.filter((point, at) => own.slice(0, at).every(({ timestamp }) => timestamp < point.timestamp));
      counted.forEach((point, at) => {
        const before = counted[at - 1];
        const starts = counted.slice(0, at).map(({ startTimestamp = 0 }) => startTimestamp);
        const { value, startTimestamp: start = 0 } = point;
        const isRestart = before !== undefined && start >= before.timestamp && start > Math.max(...starts);
        sum += before === undefined || value < before.value || isRestart ? value : value - before.value;
      });
      newest.push(...counted.slice(-1));
    }
    const values = newest.map(({ value }) => value);
    const gauges: Readonly<Record<string, number | undefined>> = {
      sum: values.reduce((a, b) => a + b, 0),
      min: Math.min(...values),
      max: Math.max(...values),
      last: newest.toSorted((a, b) => a.timestamp - b.timestamp).at(-1)?.value,
    };
    sums.set(series, gauges[series] ?? sum);
  }
  return sums;
}

function toTimeSeries(points: readonly Point[]): TimeSeries[] {
  // A start later than its sample has no meaning, and the encoder leaves it out.
  return points.map(({ series, sender, ...sample }) => float(series, { instance: sender }, sample));
}

test("sums and gauges are those of a plain recomputation, for any requests in any order, with repetitions, resets and restarts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(arbitraryRequest, fc.constantFrom("1.0", "2.0"), fc.constantFrom("", "", "restart", "flush")), {
        maxLength: 20,
      }),
      async (steps) => {
        const setting = startAggregator({ store: memory(), gauges: { sum: "sum", min: "min", max: "max" } });
        const seen: Point[][] = [];
        for (const [points, version, then] of steps) {
          const valid = points.map((point) => ({
            ...point,
            startTimestamp: version === "2.0" && (point.startTimestamp ?? Infinity) <= point.timestamp
              ? point.startTimestamp
              : undefined,
          }));
          seen.push(valid);
          assert.equal(await setting.send(toTimeSeries(valid), version), 204);
          if (then === "restart") setting.restart();
          if (then === "flush") await setting.totals();
        }
        assert.deepEqual(new Map(await setting.totals()), recompute(seen));
      },
    ),
    { numRuns: slowRuns(400) },
  );
});

/** What a sender does, and what happens to a request that it sent. */
const arbitraryStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("count"), sender: fc.nat(4), value: fc.integer({ min: 1, max: 50 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("send"), sender: fc.nat(4), value: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("repeat"), sender: fc.nat(4), value: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("begin again"), sender: fc.nat(4), value: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart"), sender: fc.nat(4), value: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flush"), sender: fc.nat(4), value: fc.nat(1) }) },
);

test("the sums are what the senders counted, as counters, classic and native histograms", async () => {
  const schemas = [3, 0, 5, 3, -1];
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryStep, { maxLength: 60 }), async (steps) => {
      const setting = startAggregator({ store: memory() });
      const { clock } = setting;
      /** What each sender has counted since it began, and what all have counted that was sent. */
      const own = schemas.map((schema) => ({ schema, observed: [0].slice(1), sent: 0, startMs: clock.now() }));
      const truth: number[] = [];
      const bodies: Uint8Array<ArrayBuffer>[] = [];
      for (const step of steps) {
        const sender = own[step.sender];
        if (sender === undefined) continue;
        await clock.advance(1);
        if (step.do === "count") sender.observed.push(step.value);
        // It has lost what it did not send.
        if (step.do === "begin again") Object.assign(sender, { observed: [], sent: 0, startMs: clock.now() });
        if (step.do === "restart") setting.restart();
        if (step.do === "flush") await setting.totals();
        if (step.do === "repeat") {
          const body = bodies[step.value % bodies.length];
          if (body !== undefined) assert.equal((await setting.post(body)).status, 204);
        }
        if (step.do !== "send") continue;
        await clock.advance(1);
        const { observed, schema, startMs: startTimestamp } = sender;
        const common = { timestamp: clock.now(), startTimestamp };
        const instance = `${step.sender}`;
        const below = (bound: number): number => observed.filter((value) => value <= bound).length;
        const body = bodyOf([
          float("hits_total", { instance }, { value: observed.length, ...common }),
          float("d_sum", { instance }, { value: observed.reduce((a, b) => a + b, 0), ...common }),
          float("d_bucket", { instance, le: "10" }, { value: below(10), ...common }),
          float("d_bucket", { instance, le: "+Inf" }, { value: below(Infinity), ...common }),
          { labels: labelsOf("d", { instance }), histograms: [{ ...nativeOf(observed, schema, 0), ...common }] },
        ]);
        bodies.push(body);
        truth.push(...observed.slice(sender.sent));
        sender.sent = observed.length;
        for (let time = 0; time < step.value; time++) assert.equal((await setting.post(body)).status, 204);
      }
      const totals = await setting.totals();
      if (bodies.length === 0) return;
      assert.deepEqual(
        ["hits_total", "d_sum", 'd_bucket{le="10"}', 'd_bucket{le="+Inf"}'].map((series) => totals.get(series)),
        [truth.length, truth.reduce((a, b) => a + b, 0), truth.filter((value) => value <= 10).length, truth.length],
      );
      const histogram = setting.target.writes.flatMap(({ timeSeries }) =>
        timeSeries.flatMap(({ histograms = [] }) => histograms)
      ).at(-1);
      assert.ok(histogram);
      assert.deepEqual([histogram.count, histogram.sum], [truth.length, truth.reduce((a, b) => a + b, 0)]);
      const buckets = new Map<number, number>();
      for (const value of truth) {
        const index = bucketOf(value, histogram.schema);
        buckets.set(index, (buckets.get(index) ?? 0) + 1);
      }
      assert.deepEqual(bucketsOf(histogram), new Map([...buckets].sort(([a], [b]) => a - b)));
    }),
    { numRuns: slowRuns(300) },
  );
});

/** What goes wrong next, and for how long. */
const arbitraryFault: fc.Arbitrary<readonly [fault: Fault, ms: number]> = fc.tuple(
  fc.constantFrom<Fault>(
    { kind: "refuse" },
    { kind: "reset", stored: true },
    { kind: "reset" },
    { kind: "answer", status: 503, body: "busy" },
    { kind: "answer", status: 500, body: "error" },
  ),
  fc.nat(20_000),
);

test("each sum begins with 0, never falls and is complete in the end, whatever fails and whenever", async () => {
  const arbitraryAction = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("count" as const), series: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(10_000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("flush" as const), storeFails: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("fail" as const), fault: arbitraryFault }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-9000, 9000, 86_400_000) }),
    },
  );
  const arbitraryOptions = fc.record({
    retryDeadlineMs: fc.constantFrom(0, 5000, Infinity),
    shards: fc.integer({ min: 1, max: 2 }),
    maxSamplesPerSend: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryAction, { maxLength: 40 }), arbitraryOptions, async (actions, options) => {
      const clock = new VirtualClock();
      const t0 = clock.now();
      const receiver = new ScriptedReceiver({ clock, ...prometheus, bad: ({ time }) => time > t0 + 43_200_000 });
      const store = memory();
      let fails = false;
      const setting = startAggregator({
        ...options,
        ...{ now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep, fetch: receiver.fetch },
        store: {
          ...store,
          append: (record) => fails ? Promise.reject(new Error("disk full")) : store.append(record),
          replace: (records) => fails ? Promise.reject(new Error("disk full")) : store.replace(records),
        },
      });
      const counts = new Map<string, number>();
      let jumpedMs = 0;
      const flush = (): Promise<unknown> => setting.aggregator.flush().catch(() => {});
      for (const action of actions) {
        await clock.advance(1);
        if (action.do === "wait") await clock.advance(action.ms);
        if (action.do === "fail") receiver.meet(...action.fault);
        if (action.do === "count") {
          const name = `hits_${action.series}_total`;
          const value = (counts.get(name) ?? 0) + 1;
          counts.set(name, value);
          // The clock of the sender is right.
          const timestamp = clock.now() - jumpedMs;
          await setting.send([float(name, { instance: "a" }, { value, timestamp })]);
        }
        if (action.do === "flush") {
          fails = action.storeFails;
          void flush();
          await clock.advance(0);
          fails = false;
        }
        if (action.do === "jump") {
          const ms = jumpedMs === 0 ? action.ms : -jumpedMs;
          clock.jump(ms);
          jumpedMs += ms;
        }
      }
      clock.jump(-jumpedMs);
      receiver.meet({ kind: "pass" });
      // The last totals of the senders arrive, and then what is on its way.
      for (let round = 0; round < 3; round++) {
        await clock.advance(400_000);
        for (const [name, value] of counts) {
          await setting.send([float(name, { instance: "a" }, { value, timestamp: clock.now() })]);
        }
        await clock.settle(flush());
      }
      for (const [name, count] of counts) {
        const values = receiver.stored.get(name)?.map(({ value }) => value) ?? [];
        assert.deepEqual([values[0], values.at(-1)], [0, count], `${name}: ${values}`);
        assert.deepEqual(values, values.toSorted((a, b) => a - b));
      }
    }),
    { numRuns: slowRuns(400) },
  );
});
