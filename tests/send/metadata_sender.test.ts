import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import type { Metric } from "../../src/k6/metric.ts";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";
import type { Metadata } from "../../src/model/time_series.ts";
import { type Fault, ScriptedReceiver } from "../support/scripted_receiver.ts";
import { type StrictReceiver, strictReceiver } from "../support/strict_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const counter: Metric = { name: "iterations", type: "counter", contains: "default" };
const gauge: Metric = { name: "vus", type: "gauge", contains: "default" };

interface Setting {
  readonly clock: VirtualClock;
  readonly output: RemoteWriteOutput;
  readonly receiver: StrictReceiver;
  readonly warnings: string[];
}

function setUp(options: RemoteWriteOutputOptions = {}): Setting {
  const clock = new VirtualClock(0);
  const receiver = strictReceiver();
  const warnings: string[] = [];
  const output = new RemoteWriteOutput({
    protocol: "1.0",
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    random: () => 0.5,
    onWarning: (text) => warnings.push(text),
    fetch: receiver.fetch,
    ...options,
  });
  return { clock, output, receiver, warnings };
}

/** A receiver's fetch that gives this answer to requests with metadata. */
function metadataAnswered(receiver: StrictReceiver, status: number): { fetch: typeof fetch; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    fetch: async (input, init) => {
      const before = receiver.writes.length;
      const response = await receiver.fetch(input, init);
      if ((receiver.writes[before]?.metadata.size ?? 0) === 0) return response;
      asked++;
      return new Response("no metadata here", { status });
    },
  };
}

const metadataNamesOf = ({ receiver }: Setting): string[][] =>
  receiver.writes.filter(({ metadata }) => metadata.size > 0).map(({ metadata }) => [...metadata.keys()]);

test("a 1.0 receiver gets metadata at the start, new metadata at each flush, and everything once a minute", async () => {
  const setting = setUp({ flushPeriodMs: 10_000 });
  const { clock, output } = setting;
  output.start();
  const add = (metric: Metric): void => output.add({ metric, time: clock.now() + 1, value: 1, tags: {} });
  for (let tick = 0; tick < 8; tick++) {
    add(counter);
    if (tick >= 2) add(gauge);
    await clock.advance(10_000);
  }
  await output.close();
  assert.deepEqual(metadataNamesOf(setting), [["k6_iterations_total"], ["k6_vus"], ["k6_iterations_total", "k6_vus"]]);
  assert.deepEqual(
    setting.receiver.writes.find(({ metadata }) => metadata.size > 0)?.metadata.get("k6_iterations_total"),
    {
      type: "counter",
      help: "Iterations completed.",
    },
  );
  assert.equal(clock.timers, 0);
});

test("a 2.0 receiver gets no requests with metadata", async () => {
  const setting = setUp({ protocol: "2.0" });
  setting.output.add({ metric: counter, time: 1, value: 1, tags: {} });
  await setting.output.close();
  assert.deepEqual(metadataNamesOf(setting), []);
});

test("a receiver that refuses metadata gets none any more, and no sample is lost", async () => {
  const receiver = strictReceiver();
  const { fetch, asked } = metadataAnswered(receiver, 400);
  const { clock, output, warnings } = setUp({ fetch });
  for (let minute = 0; minute < 3; minute++) {
    output.add({ metric: counter, time: 1 + clock.now(), value: 1, tags: {} });
    assert.deepEqual((await clock.settle(output.flush())).delivered, 1);
    await clock.advance(60_000);
  }
  const { samples, delivered } = await output.close();
  assert.deepEqual([samples, delivered, asked()], [3, 3, 1]);
  assert.deepEqual(warnings, [
    "The receiver does not accept metadata (no metadata here); the sender sends none any more.",
  ]);
});

test("if metadata cannot be sent, there is a warning, and it is sent again after the minute", async () => {
  const receiver = strictReceiver();
  const { fetch, asked } = metadataAnswered(receiver, 503);
  const { clock, output, warnings } = setUp({ fetch });
  const flush = async (): Promise<number> => {
    output.add({ metric: counter, time: 1 + clock.now(), value: 1, tags: {} });
    const before = clock.now();
    assert.equal((await clock.settle(output.flush())).delivered, 1);
    return clock.now() - before;
  };
  const took = await flush();
  assert.ok(took > 1000 && took <= 5000, `${took} ms`);
  const first = asked();
  assert.ok(first > 3);
  await flush();
  assert.equal(asked(), first, "not before the minute is over");
  await clock.advance(60_000);
  await flush();
  assert.ok(asked() > first);
  const { samples, delivered } = await clock.settle(output.close());
  assert.deepEqual([samples, delivered], [3, 3]);
  assert.match(
    warnings.join("\n"),
    /Metadata could not be sent \(no metadata here\); the sender tries again within a minute/,
  );
});

test("close() waits for metadata and for samples within the same time", async () => {
  const receiver = strictReceiver();
  const { clock, output } = setUp({
    fetch: async (input, init) => {
      const before = receiver.writes.length;
      const response = await receiver.fetch(input, init);
      return (receiver.writes[before]?.metadata.size ?? 0) === 0 ? response : await new Promise(() => {});
    },
  });
  output.add({ metric: counter, time: 1, value: 1, tags: {} });
  const { delivered } = await clock.settle(output.close({ timeoutMs: 700 }));
  assert.deepEqual([delivered, clock.now()], [1, 700]);
  assert.equal(clock.timers, 0);
});

test("a flush neither waits for the metadata of an earlier flush, nor sends them a second time", async () => {
  const receiver = strictReceiver();
  let asked = 0;
  let answer = (): void => {};
  const setting = setUp({
    fetch: async (input, init) => {
      const before = receiver.writes.length;
      const response = await receiver.fetch(input, init);
      const isFirst = (receiver.writes[before]?.metadata.size ?? 0) > 0 && ++asked === 1;
      if (isFirst) await new Promise<void>((resolve) => answer = resolve);
      return response;
    },
  });
  const { clock, output } = setting;
  output.add({ metric: counter, time: 1, value: 1, tags: {} });
  let ended = false;
  const first = output.flush().then(() => ended = true);
  await clock.advance(1000);
  output.add({ metric: counter, time: 2, value: 1, tags: {} });
  output.add({ metric: gauge, time: 2, value: 1, tags: {} });
  await clock.settle(output.flush());
  assert.deepEqual([ended, clock.now()], [false, 1000]);
  answer();
  await clock.settle(first);
  await clock.settle(output.close());
  assert.deepEqual(metadataNamesOf({ ...setting, receiver }), [["k6_iterations_total"], ["k6_vus"]]);
  assert.equal(clock.timers, 0);
});

test("close() does not wait for metadata whose request was cancelled before: in workerd, they never end", async () => {
  const receiver = strictReceiver();
  const never = new Promise<never>(() => {});
  let requests = 0;
  let isCancelled = false;
  const { clock, output } = setUp({
    sleep: (ms, signal) => isCancelled ? never : clock.sleep(ms, signal),
    fetch: (input, init) => {
      // The first request has the sample.
      isCancelled = ++requests === 2;
      return isCancelled ? never : receiver.fetch(input, init);
    },
  });
  output.add({ metric: counter, time: 1, value: 1, tags: {} });
  void output.flush();
  await clock.advance(1);
  isCancelled = false;
  await clock.advance(60_000);
  const startMs = clock.now();
  const { samples, delivered } = await clock.settle(output.close());
  assert.deepEqual([samples, delivered, clock.now() - startMs], [1, 1, 0]);
});

test("after a fallback to 1.0, the receiver gets metadata", async () => {
  const receiver = strictReceiver({ acceptVersions: ["1.0"] });
  const setting = { ...setUp({ protocol: "auto", fetch: receiver.fetch }), receiver };
  setting.output.add({ metric: counter, time: 1, value: 1, tags: {} });
  await setting.output.close();
  assert.deepEqual(metadataNamesOf(setting), [["k6_iterations_total"]]);
});

test("the client sends metadata to a 1.0 receiver, once a minute", async () => {
  const clock = new VirtualClock(0);
  const receiver = strictReceiver();
  const faults: Fault[] = [{ kind: "pass" }, { kind: "answer", status: 429, body: "later" }];
  const { fetch } = new ScriptedReceiver({ clock, faults, behind: receiver.fetch });
  const client = new RemoteWriteClient({
    protocol: "1.0",
    fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    onWarning: () => {},
  });
  const write = async (timestamp: number, metadata?: Metadata): Promise<void> => {
    const labels = [{ name: "__name__", value: "x_bucket" }, { name: "le", value: "+Inf" }];
    await clock.settle(client.write([{ labels, samples: [{ value: 1, timestamp }], metadata }]));
  };
  await write(1, { type: "histogram", help: "X." });
  await write(2, { type: "histogram", help: "X." });
  await write(3);
  const sent = receiver.writes.filter(({ metadata }) => metadata.size > 0).map(({ metadata }) => [...metadata]);
  assert.deepEqual(sent, [[["x", { type: "histogram", help: "X." }]]]);
});

test("requests with metadata stay within the limits, whatever the amount of metadata", async () => {
  const clock = new VirtualClock(0);
  const receiver = strictReceiver({ maxDecodedBytes: 4000 });
  const limits = [{ maxDecodedBytes: 4000 }, { maxBodyBytes: 1024 }];
  // Compression makes these strings only a little smaller.
  const text = (number: number): string =>
    Array.from({ length: 90 }, (_, index) => Math.imul(1 + number * 100 + index, 0x9e3779b1).toString(36)).join(" ");
  for (const [index, limit] of limits.entries()) {
    const client = new RemoteWriteClient({
      protocol: "1.0",
      fetch: receiver.fetch,
      now: clock.now,
      monotonicNow: clock.monotonicNow,
      ...limit,
    });
    const series = Array.from({ length: 10 }, (_, number) => ({
      labels: [{ name: "__name__", value: `x${number}` }],
      samples: [{ value: 1, timestamp: index + 1 }],
      metadata: { type: "gauge", help: text(number).slice(0, 900) } as const,
    }));
    await client.write(series);
  }
  const sent = receiver.writes.filter(({ metadata }) => metadata.size > 0);
  assert.equal(sent.reduce((sum, { metadata }) => sum + metadata.size, 0), 20);
  assert.ok(sent.slice(-5).every(({ bodyBytes }) => bodyBytes <= 1024));
  assert.ok(sent.length > 10, `${sent.length} requests`);
});
