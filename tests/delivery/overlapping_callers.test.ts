import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryError, type DeliveryReport, RemoteWriteClient, RemoteWriteOutput } from "../../mod.ts";
import { type Behaviour, type Fault, ScriptedReceiver } from "../support/scripted_receiver.ts";
import {
  assertAddsUp,
  clientOptions,
  counts,
  sampleRequests,
  seriesName,
  startRun,
  timeSeries,
} from "../support/scripted_run.ts";
import { idle, VirtualClock } from "../support/virtual_clock.ts";
import { slowRuns } from "../support/runs.ts";

/** A client and its receiver, which takes a shorter time for each request than for the one before. */
function startClient(
  { faults, behaviour = { latencyMs: (request) => Math.max(10, 1000 - 100 * request) } }: {
    readonly faults?: readonly Fault[];
    readonly behaviour?: Behaviour;
  } = {},
): { clock: VirtualClock; receiver: ScriptedReceiver; client: RemoteWriteClient } {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, faults, ...behaviour });
  return { clock, receiver, client: new RemoteWriteClient(clientOptions({ clock, receiver })) };
}

/** The values that are stored of the first series. */
function valuesOf(receiver: ScriptedReceiver, series = `c{n="0"}`): number[] {
  return receiver.stored.get(series)?.map(({ value }) => value) ?? [];
}

test("write() calls of one client that overlap are sent in their order: the receiver refuses none of them", async () => {
  const { clock, receiver, client } = startClient();
  const startMs = clock.now();
  const writes = Array.from({ length: 20 }, (_, index) => client.write(timeSeries(3, startMs + index, index)));
  const results = await clock.settle(Promise.allSettled(writes));
  const refused = results.filter(({ status }) => status === "rejected").length;
  assert.equal(refused, 0, `${refused} of 20 writes are refused`);
  assert.deepEqual(valuesOf(receiver), Array.from({ length: 20 }, (_, index) => index));
  assert.deepEqual(receiver.violations, []);
  for (const result of results) {
    if (result.status === "fulfilled") assert.deepEqual([result.value.samples, result.value.delivered], [3, 3]);
  }
});

test("a write that is sent again goes before the writes that were called after it", async () => {
  const faults: readonly Fault[] = [{ kind: "answer", status: 503 }, { kind: "reset" }, {
    kind: "answer",
    status: 503,
  }];
  const { clock, receiver, client } = startClient({ faults, behaviour: {} });
  const startMs = clock.now();
  const writes = Array.from({ length: 5 }, (_, index) => client.write(timeSeries(1, startMs + index, index)));
  const results = await clock.settle(Promise.allSettled(writes));
  assert.deepEqual(results.map(({ status }) => status), Array<string>(5).fill("fulfilled"));
  assert.deepEqual(valuesOf(receiver), [0, 1, 2, 3, 4]);
});

test("a write that is refused does not stop the writes that were called after it", async () => {
  const bad: Behaviour["bad"] = ({ series }) => series.includes(`n="1"`);
  const { clock, receiver, client } = startClient({ behaviour: { latencyMs: (request) => 100 - 10 * request, bad } });
  const startMs = clock.now();
  // Only the third one has the bad series.
  const writes = [1, 1, 2, 1, 1].map((series, index) => client.write(timeSeries(series, startMs + index, index)));
  const results = await clock.settle(Promise.allSettled(writes));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
  assert.deepEqual(valuesOf(receiver), [0, 1, 2, 3, 4]);
});

test("a write whose signal fires while it waits for its turn rejects at once and is not sent; the others are", async () => {
  const { clock, receiver, client } = startClient({ behaviour: { latencyMs: 1000 } });
  const startMs = clock.now();
  const controller = new AbortController();
  const first = client.write(timeSeries(1, startMs, 0));
  const second = client.write(timeSeries(1, startMs + 1, 1), { signal: controller.signal });
  const third = client.write(timeSeries(1, startMs + 2, 2));
  const ends: Promise<unknown>[] = [first, second, third].map((write) => write.catch((error: unknown) => error));
  let ended = false;
  void ends[1]?.then(() => {
    ended = true;
  });
  await clock.advance(100);
  controller.abort();
  await idle();
  assert.ok(ended, "the second write waits although its signal fired");
  await clock.settle(Promise.all(ends));
  assert.deepEqual(valuesOf(receiver), [0, 2]);
  await assert.rejects(second);
});

test("the outcome of a write is known if the endpoint refuses the rest of it, also while the next write begins", async () => {
  const behaviour: Behaviour = { latencyMs: 100 };
  const faults: Fault[] = [{ kind: "pass" }, { kind: "answer", status: 401, body: "no" }];
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, ...behaviour, faults });
  const options = { protocol: "1.0", maxSamplesPerSend: 1 } as const;
  const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), ...options });
  const series = timeSeries(2, clock.now()).map((each) => ({ ...each, metadata: { type: "counter" as const } }));
  const first = client.write(series).catch((error: unknown) => error);
  const second = client.write(timeSeries(2, clock.now() + 1)).catch((error: unknown) => error);
  const error = await clock.settle(first);
  await clock.settle(second);
  assert.ok(error instanceof DeliveryError);
  assert.deepEqual([error.report.delivered, error.report.failed, error.outcomeUnknown], [1, 1, false]);
});

test("flush() calls of one output that overlap keep the order, and together report each sample once", async () => {
  const { clock, receiver, output } = startRun({
    behaviour: { latencyMs: (request) => Math.max(10, 1000 - 100 * request) },
  });
  const flushes: Promise<DeliveryReport>[] = [];
  for (let window = 0; window < 20; window++) {
    output.add(counts(3, clock.now() + window));
    flushes.push(output.flush());
  }
  const reports = await clock.settle(Promise.all(flushes));
  for (const report of reports) assertAddsUp(report);
  assert.deepEqual(valuesOf(receiver, seriesName(0)), Array.from({ length: 20 }, (_, window) => window + 1));
  const whole = await clock.settle(output.close());
  assert.deepEqual([whole.samples, whole.delivered], [60, 60]);
  assert.equal(reports.reduce((sum, { samples }) => sum + samples, 0), 60);
});

/**
 * An output that requests of a Worker share. While `cancelled` is true, what is begun never ends: neither a request nor a
 * timer, as in workerd after the request that began it was cancelled.
 */
function sharedOutput(): {
  clock: VirtualClock;
  receiver: ScriptedReceiver;
  output: RemoteWriteOutput;
  warnings: string[];
  cancel: (cancelled: boolean) => void;
} {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock });
  const warnings: string[] = [];
  let isCancelled = false;
  const never = new Promise<never>(() => {});
  const output = new RemoteWriteOutput({
    ...clientOptions({ clock, receiver, warnings }),
    sleep: (ms, signal) => isCancelled ? never : clock.sleep(ms, signal),
    timeoutMs: 10_000,
  });
  const cancel = (cancelled: boolean): void => {
    isCancelled = cancelled;
    receiver.meet(cancelled ? { kind: "hang", deaf: true } : { kind: "pass" });
  };
  return { clock, receiver, output, warnings, cancel };
}

test("if the request of a flush was cancelled, a later flush takes that flush over, and this is reported once", async () => {
  const { clock, receiver, output, warnings, cancel } = sharedOutput();
  output.add(counts(3, clock.now()));
  await clock.settle(output.flush());
  cancel(true);
  await clock.advance(1000);
  output.add(counts(3, clock.now()));
  void output.flush();
  await idle();
  cancel(false);
  const reports: DeliveryReport[] = [];
  for (let window = 0; window < 3; window++) {
    await clock.advance(1000);
    output.add(counts(3, clock.now()));
    reports.push(await clock.settle(output.flush()));
  }
  for (let n = 0; n < 3; n++) assert.equal(receiver.totals.get(seriesName(n)), 5);
  for (const report of reports) assertAddsUp(report);
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.ok(report.delivered + report.unknown + report.failed >= report.samples, JSON.stringify(report));
  assert.ok(report.delivered >= 12, JSON.stringify(report));
  assert.equal(warnings.length, 1, JSON.stringify(warnings));
});

test("a flush does not wait longer than timeoutMs for one whose request was cancelled", async () => {
  const { clock, receiver, output, cancel } = sharedOutput();
  output.add(counts(1, clock.now()));
  await clock.settle(output.flush());
  cancel(true);
  output.add(counts(1, clock.now() + 1));
  void output.flush();
  await idle();
  cancel(false);
  await clock.advance(1000);
  output.add(counts(1, clock.now()));
  const startMs = clock.now();
  const report = await clock.settle(output.flush());
  assert.ok(clock.now() - startMs <= 11_000, `it took ${clock.now() - startMs} ms`);
  assert.ok(report.delivered >= 1);
  assert.equal(receiver.totals.get(seriesName(0)), 3);
});

test("close() ends although the request of a flush was cancelled, and the totals arrive", async () => {
  const { clock, receiver, output, cancel } = sharedOutput();
  output.add(counts(1, clock.now()));
  cancel(true);
  void output.flush();
  await idle();
  cancel(false);
  await clock.advance(1000);
  output.add(counts(1, clock.now()));
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(receiver.totals.get(seriesName(0)), 2);
  assert.equal(clock.timers, 0, "a timer is left");
});

test("whichever flushes are cancelled, the totals arrive, and every sample is counted once", async () => {
  const plan = fc.array(
    fc.record({
      cancelled: fc.boolean(),
      waits: fc.boolean(),
      series: fc.integer({ min: 1, max: 4 }),
      pauseMs: fc.constantFrom(0, 100, 5000, 30_000),
    }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(plan, async (windows) => {
      const { clock, receiver, output, warnings, cancel } = sharedOutput();
      const totals = new Array<number>(4).fill(0);
      let made = 0;
      for (const { cancelled, waits, series, pauseMs } of windows) {
        cancel(cancelled);
        output.add(counts(series, clock.now()));
        for (let n = 0; n < series; n++) totals[n] = (totals[n] ?? 0) + 1;
        made += series;
        const flushed = output.flush();
        await idle();
        cancel(false);
        if (waits && !cancelled) await clock.settle(flushed);
        await clock.advance(pauseMs);
      }
      const report = await clock.settle(output.close());
      assertAddsUp(report);
      assert.equal(report.samples + report.merged, made);
      for (const [n, total] of totals.entries()) if (total > 0) assert.equal(receiver.totals.get(seriesName(n)), total);
      assert.ok(warnings.length <= 1, JSON.stringify(warnings));
      assert.deepEqual(receiver.violations.filter((violation) => !violation.startsWith("two requests at once")), []);
    }),
    { seed: 20261128, numRuns: slowRuns(200) },
  );
});

test("8 parallel and 6 serial flushes of one output end with the right totals in the receiver", async () => {
  const { clock, receiver, output } = startRun({ behaviour: { latencyMs: 200 } });
  const handle = async (): Promise<DeliveryReport> => {
    output.add(counts(2, clock.now()));
    return await output.flush();
  };
  const parallel = Array.from({ length: 8 }, handle);
  const reports = await clock.settle(Promise.all(parallel));
  for (let request = 0; request < 6; request++) {
    await clock.advance(50);
    reports.push(await clock.settle(handle()));
  }
  for (const report of reports) assert.equal(report.delivered, report.samples);
  assert.deepEqual([receiver.totals.get(seriesName(0)), receiver.totals.get(seriesName(1))], [14, 14]);
  assert.equal(sampleRequests(receiver).length, 14);
  await clock.settle(output.close());
});
