import assert from "node:assert/strict";
import { test } from "node:test";
import { type Mapping, type Metric, RemoteWriteOutput } from "../../../mod.ts";
import { createMetrics, createRunner } from "../../../src/k6/measure/mod.ts";
import { runInfo } from "../../../src/k6/run_metrics/run_info.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";
import { setUpOutput } from "../../support/output.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const gauge: Metric = { name: "vus", type: "gauge", contains: "default" };
const counter: Metric = { name: "c", type: "counter", contains: "default" };
const quiet = { onWarning: (): void => {} };
const minute = 60_000;

test("nothing is sent before flush(), whose report counts the samples", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ ...quiet, fetch: receiver.fetch });
  output.add({ metric: counter, time: 1000, value: 2, tags: { a: "b" } });
  assert.equal(receiver.writes.length, 0);
  const { samples, delivered, requests } = await output.flush();
  assert.deepEqual([samples, delivered, requests], [1, 1, 1]);
  assert.deepEqual([...receiver.samples], [['k6_c_total{a="b"}', [{ value: 2, timestamp: 1000 }]]]);
  assert.equal((await output.flush()).samples, 0);
});

test("samples in the millisecond that was sent last arrive with a time 1 ms later", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ ...quiet, fetch: receiver.fetch });
  output.add({ metric: counter, time: 1000, value: 1, tags: {} });
  await output.flush();
  output.add({ metric: counter, time: 1000, value: 1, tags: {} });
  await output.close();
  assert.deepEqual([...receiver.samples.values()], [[{ value: 1, timestamp: 1000 }, { value: 2, timestamp: 1001 }]]);
});

test("aggregation never waits for the network", async () => {
  const clock = new VirtualClock(0);
  let answers = 0;
  const output = new RemoteWriteOutput({
    ...quiet,
    fetch: () => {
      answers++;
      return new Promise(() => {});
    },
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    closeTimeoutMs: 100,
  });
  for (let second = 1; second <= 5; second++) {
    output.add({ metric: counter, time: second * 1000, value: 1, tags: {} });
    void output.flush();
  }
  assert.deepEqual([output.stats.samplesIn, output.stats.samplesPending], [5, 5]);
  const closed = output.close();
  await clock.advance(200);
  // The windows that wait are merged, because no answer is known.
  const { samples, merged, deferred, failed } = await closed;
  assert.deepEqual([answers, samples, merged, deferred, failed], [1, 2, 3, 1, 1]);
});

test("flush({ signal }) ends the waiting, not the sending", async () => {
  let answer = (): void => {};
  const answered = new Promise<Response>((resolve) => answer = () => resolve(new Response(null, { status: 204 })));
  const output = new RemoteWriteOutput({ ...quiet, protocol: "1.0", fetch: async () => (await answered).clone() });
  output.add({ metric: counter, time: 1000, value: 1, tags: {} });
  const end = new AbortController();
  const flushed = output.flush({ signal: end.signal });
  end.abort(new Error("enough"));
  await assert.rejects(flushed, /enough/);
  const closed = output.close();
  answer();
  assert.equal((await closed).delivered, 1);
});

test("after close(), samples are counted with one warning, and close() returns the same report", async () => {
  const receiver = strictReceiver();
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  await using output = new RemoteWriteOutput({ fetch: receiver.fetch, onWarning });
  const orders = createMetrics(output).counter("orders");
  const runner = createRunner(output);
  orders.add(1);
  const report = await output.close();
  assert.equal(report.delivered, 1);
  assert.equal(await output.close(), report);
  output.add({ metric: counter, time: 2, value: 1 });
  orders.add(1);
  assert.equal(runner.check("still works", true), true);
  assert.equal(await runner.iteration(() => 5), 5);
  assert.equal(output.stats.samplesRefused.closed, 9);
  assert.deepEqual(warnings, [
    "Rejected a sample of c: the output is closed, expected samples before close(). Further samples are only counted.",
  ]);
});

test("a sample without tags belongs to the series without tags", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ ...quiet, fetch: receiver.fetch });
  output.add([{ metric: counter, time: 1, value: 1 }, { metric: counter, time: 2, value: 2, tags: {} }]);
  await output.close();
  assert.deepEqual([...receiver.samples].map(([name, samples]) => [name, samples.at(-1)?.value]), [["k6_c_total", 3]]);
});

test("samples of a metric with an unknown type are counted, with one warning, and do not affect others", async () => {
  const warnings: string[] = [];
  const receiver = strictReceiver();
  const onWarning = (message: string): void => void warnings.push(message);
  const output = new RemoteWriteOutput({ fetch: receiver.fetch, onWarning });
  const metric = { name: "orders", type: "countr", contains: "default" } as unknown as Metric;
  output.add([{ metric, time: 1, value: 1 }, { metric: counter, time: 1, value: 1 }, { metric, time: 2, value: 1 }]);
  output.add({ metric: "orders" as unknown as Metric, time: 3, value: 1 });
  assert.equal((await output.close()).delivered, 1);
  assert.equal(output.stats.samplesRefused.invalidMetric, 3);
  assert.deepEqual(warnings, [
    "Rejected a sample of orders: the type of its metric is countr, expected counter, gauge, rate or trend. Further " +
    "samples are only counted.",
  ]);
});

test("start() flushes and sends heartbeats at intervals until close(), which sends staleness markers", async () => {
  const clock = new VirtualClock(0);
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    ...quiet,
    fetch: receiver.fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    flushPeriodMs: 1000,
    heartbeatMs: 3000,
    staleMarkers: true,
  });
  output.start();
  output.start();
  output.add({ metric: counter, time: 500, value: 1, tags: {} });
  await clock.advance(7500);
  await output.close();
  assert.deepEqual([...receiver.samples.values()].flat().map(({ timestamp, stale }) => [timestamp, stale ?? false]), [
    [500, false],
    // It was sent at 1000, so 3 s had passed at 4000.
    [3500, false],
    [6500, false],
    [6501, true],
  ]);
  assert.equal(clock.timers, 0, "no timer is left");
});

test("a series is idle if nothing was sent for heartbeatMs, even if k6's clock is minutes behind", async () => {
  const { output, clock, warnings, arrived } = setUpOutput({ flushPeriodMs: 1000, heartbeatMs: minute });
  const start = clock.now();
  const behind = 5 * minute;
  output.start();
  const expected: string[] = [];
  for (let second = 1; second <= 100; second++) {
    output.add({ metric: gauge, time: start + 1000 * second - behind, value: second, tags: {} });
    expected.push(`${second}@${1000 * second - behind}`);
    await clock.advance(1000);
  }
  assert.deepEqual(arrived("k6_vus"), expected);
  // It is idle for more than two minutes. Its time continues from the last sample's time.
  await clock.advance(2 * minute + 10_000);
  for (const minutes of [1, 2]) expected.push(`100@${100_000 - behind + minutes * minute}`);
  assert.deepEqual(arrived("k6_vus"), expected);
  output.add({ metric: gauge, time: start + 230_000 - behind, value: 0, tags: {} });
  await clock.settle(output.close());
  assert.deepEqual(arrived("k6_vus"), [...expected, `0@${230_000 - behind}`]);
  assert.deepEqual(warnings, []);
});

const noneRefused = {
  invalidValue: 0,
  invalidTime: 0,
  invalidMetric: 0,
  futureTime: 0,
  timeJump: 0,
  maxSeries: 0,
  closed: 0,
};

test("samples with invalid values and times are rejected and counted, with one warning per reason", async () => {
  const warnings: string[] = [];
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ fetch: receiver.fetch, onWarning: (message) => warnings.push(message) });
  for (const value of [NaN, Infinity]) output.add({ metric: counter, time: 1, value, tags: {} });
  output.add({ metric: counter, time: NaN, value: 1, tags: {} });
  assert.deepEqual(output.stats.samplesRefused, { ...noneRefused, invalidValue: 2, invalidTime: 1 });
  assert.deepEqual(warnings, [
    "Rejected a sample of c: its value is NaN, expected a finite number. Further samples are only counted.",
    "Rejected a sample of c: its time is NaN, expected milliseconds since 1970. Further samples are only counted.",
  ]);
  assert.equal((await output.close()).samples, 0);
});

test("a sample more than ten minutes ahead of the clock is rejected and does not delay later samples", async () => {
  const { output, clock, warnings, arrived } = setUpOutput({ runInfo: runInfo() });
  const start = clock.now();
  const times = [0, 10 * minute, 10 * minute + 1, 1440 * minute, 10 * minute - 1];
  for (const [value, time] of times.entries()) {
    output.add({ metric: gauge, time: start + time, value, tags: { n: String(value) } });
  }
  await clock.settle(output.flush());
  assert.deepEqual(output.stats.samplesRefused, { ...noneRefused, futureTime: 2 });
  assert.equal(output.stats.samplesIn, 5);
  assert.deepEqual(warnings, [
    `Rejected a sample of vus: its time is ${start + 10 * minute + 1}, expected milliseconds since 1970, at most 10 ` +
    "minutes ahead of the clock. Further samples are only counted.",
  ]);
  assert.deepEqual(arrived("k6_run_info"), [`1@${10 * minute}`]);
  await clock.advance(1);
  output.add({ metric: gauge, time: start + 10 * minute + 1, value: 9, tags: { n: "later" } });
  await clock.settle(output.close());
  assert.deepEqual(arrived('k6_vus{n="later"}'), [`9@${10 * minute + 1}`]);
});

test("recorded samples may have any time; a warning says that one delays later samples", async () => {
  const { output, clock, warnings, arrived } = setUpOutput({ windows: "event" });
  const start = clock.now();
  for (const [value, time] of [0, 1440 * minute, 1000, 2000].entries()) {
    output.add({ metric: gauge, time: start + time, value, tags: {} });
  }
  await clock.settle(output.close());
  const day = 1440 * minute;
  assert.deepEqual(arrived("k6_vus"), ["0@0", `1@${day}`, `2@${day + 1}`, `3@${day + 2}`]);
  assert.equal(output.stats.samplesRefused.futureTime, 0);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^A sample of k6_vus is sent with a time 86399 s after its own/);
});

test("a caller's own mapping defines what is sent", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({
    ...quiet,
    fetch: receiver.fetch,
    mapping: {
      name: "last and count",
      mapMetric: ({ name }) =>
        name === "ignored" ? undefined : {
          outputs: [
            { name: `my_${name}`, metadata: { type: "gauge" } },
            { name: `my_${name}`, labels: { of: "count" }, metadata: { type: "counter" } },
          ],
          createSink() {
            let [last, count] = [0, 0];
            return {
              add(value): void {
                last = value;
                count++;
              },
              collect(emit): void {
                emit(0, last);
                emit(1, count);
              },
            };
          },
        },
    },
  });
  output.add([5, 7].map((value) => ({ metric: counter, time: 1000, value, tags: {} })));
  output.add({ metric: { ...counter, name: "ignored" }, time: 1000, value: 1, tags: {} });
  await output.close();
  assert.deepEqual([...receiver.samples], [
    ["my_c", [{ value: 7, timestamp: 1000 }]],
    ['my_c{of="count"}', [{ value: 2, timestamp: 1000 }]],
  ]);
});

test("numbers in a mapping's labels and metadata, as JavaScript may pass them, are sent as strings", async () => {
  const mapping = {
    name: "mine",
    mapMetric: ({ name }: Metric) => ({
      outputs: [{ name, labels: { le: 5 }, metadata: { type: "gauge", help: 7 } }],
      createSink: () => ({ add(): void {}, collect: (emit: (output: number, value: number) => void) => emit(0, 1) }),
    }),
  } as unknown as Mapping;
  const { output, clock, arrived } = setUpOutput({ mapping });
  output.add({ metric: { ...gauge, name: "mine" }, time: clock.now(), value: 1, tags: {} });
  const { delivered } = await clock.settle(output.close());
  assert.equal(delivered, 1);
  assert.deepEqual(arrived('mine{le="5"}'), ["1@0"]);
});

test("flush() and close() do not reject if a mapping's sink fails: the lost samples are counted, with one warning", async () => {
  const mapping: Mapping = {
    name: "mine",
    mapMetric: ({ name }) => ({
      outputs: [{ name, metadata: { type: "gauge" } }],
      createSink: () => ({ add(): void {}, collect: (emit) => emit(name === "bad" ? 1 : 0, 7) }),
    }),
  };
  const { output, clock, warnings, arrived } = setUpOutput({ mapping });
  const start = clock.now();
  const reason = 'a sink of the mapping "mine" failed: Cannot collect: a sink emitted output 1, expected an index of ' +
    "its mapping's outputs";
  const add = (time: number): void => {
    for (const name of ["good", "bad"]) {
      output.add({ metric: { ...gauge, name }, time: start + time, value: 1, tags: {} });
    }
  };
  add(0);
  const first = await clock.settle(output.flush());
  assert.deepEqual([first.samples, first.delivered, first.dropped], [2, 1, 1]);
  assert.deepEqual(first.reasons, [{ outcome: "dropped", reason, samples: 1 }]);
  add(1000);
  const report = await clock.settle(output.close());
  assert.deepEqual([report.samples, report.delivered, report.dropped], [4, 2, 2]);
  assert.deepEqual(output.stats.samplesDroppedTotal, { sink_failed: 2 });
  assert.deepEqual(warnings, [`Samples lost: 1 (${reason}). Further samples of this kind are only counted.`]);
  assert.deepEqual(arrived("good"), ["7@0", "7@1000"]);
});

test("an error of onWarning does not disturb anything else", async () => {
  const warnings: string[] = [];
  const { output, clock } = setUpOutput({
    capacity: 1,
    // Its samples are dropped, not merged.
    mapping: "raw",
    onWarning: (message) => {
      warnings.push(message);
      throw new Error("the disk is full");
    },
  });
  const start = clock.now();
  output.add({ metric: gauge, time: NaN, value: 1, tags: {} });
  const flushes = [1, 2, 3].map((time) => {
    output.add({ metric: gauge, time: start + time, value: 1, tags: { "my-tag": "a" } });
    return output.flush();
  });
  await clock.settle(Promise.all(flushes));
  const { delivered, dropped } = await clock.settle(output.close());
  assert.deepEqual([delivered, dropped], [2, 1]);
  assert.deepEqual(warnings.map((message) => message.slice(0, 12)), ["Rejected a s", 'The tag "my-', "The queue is"]);
});
