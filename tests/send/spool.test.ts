import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RemoteWriteForwarder } from "../../src/gateway/mod.ts";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import type { Sample } from "../../src/k6/sample.ts";
import { createSpool, type OpenSpool } from "../../src/send/spool.ts";
import { MemorySpool } from "../support/memory_spool.ts";
import { postV1 } from "../support/requests.ts";
import { slowRuns } from "../support/runs.ts";
import { prometheus, ScriptedReceiver } from "../support/scripted_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const maxBytes = 1024 * 1024 * 1024;

/** An endpoint, the disk of a machine, and the processes that run there one after the other. */
class Machine {
  readonly clock: VirtualClock = new VirtualClock();
  readonly receiver: ScriptedReceiver = new ScriptedReceiver({ clock: this.clock, ...prometheus });
  readonly store: MemorySpool = new MemorySpool();
  readonly warnings: string[] = [];
  isDown = false;
  #process = 0;

  /** Ends the process. What it still does reaches neither the endpoint nor the files. */
  kill(): void {
    this.#process++;
  }

  /** Starts a process, after the end of the one before it. */
  start(
    { maxBytes: limit = maxBytes, ...changes }: RemoteWriteOutputOptions & { readonly maxBytes?: number } = {},
  ): { readonly output: RemoteWriteOutput; readonly spool: OpenSpool } {
    const process = ++this.#process;
    const { files } = this.store;
    const store = new MemorySpool();
    for (const [name, bytes] of files) store.files.set(name, bytes);
    store.tears = true;
    store.onChange = () => {
      if (process !== this.#process) throw new Error("this process was killed");
      this.store.onChange();
      this.store.changes++;
    };
    Object.assign(this.store, { files: store.files });
    const spool = createSpool(store, { maxBytes: limit });
    const output = new RemoteWriteOutput({
      ...{ protocol: "1.0", retryDeadlineMs: Infinity, random: () => 0.5, spool },
      ...{ now: this.clock.now, monotonicNow: this.clock.monotonicNow, sleep: this.clock.sleep },
      fetch: (input, init) => {
        if (process !== this.#process) return new Promise(() => {});
        return this.isDown ? Promise.resolve(new Response(null, { status: 503 })) : this.receiver.fetch(input, init);
      },
      onWarning: (message) => {
        if (process === this.#process) this.warnings.push(message);
      },
      ...changes,
    });
    return { output, spool };
  }

  /** The stored values of each series. */
  get stored(): Record<string, number[]> {
    return Object.fromEntries([...this.receiver.stored].map(([name, list]) => [name, list.map(({ value }) => value)]));
  }

  sample(name: string, value: number): Sample {
    return { metric: { name, type: "gauge", contains: "default" }, time: this.clock.now(), value, tags: {} };
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

for (const mapping of ["raw", "prometheus"] as const) {
  test(`a process that is killed at any change of its files loses nothing that it had stored (${mapping})`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
        async (changes, down) => {
          const kills = [...changes];
          const machine = new Machine();
          const { store, clock } = machine;
          const taken: number[] = [];
          let { output } = machine.start({ mapping });
          let left = kills.shift() ?? Infinity;
          let isKilled = false;
          store.onChange = () => {
            if (--left > 0) return;
            left = Infinity;
            isKilled = true;
            machine.kill();
            throw new Error("this process is killed");
          };
          for (const [window, isDown] of down.entries()) {
            machine.isDown = isDown;
            output.add(machine.sample("vus", window));
            void output.flush();
            // Nothing but the kill can keep a window out of the files.
            if (!isKilled) taken.push(window);
            await clock.advance(1000);
            if (!isKilled) continue;
            isKilled = false;
            left = kills.shift() ?? Infinity;
            for (;;) {
              try {
                ({ output } = machine.start({ mapping }));
                break;
              } catch {
                // It was killed while it opened the spool.
                [left, isKilled] = [kills.shift() ?? Infinity, false];
              }
            }
          }
          machine.isDown = false;
          left = Infinity;
          await clock.settle(output.close());
          const values = machine.stored.k6_vus ?? [];
          assert.deepEqual(taken.filter((window) => !values.includes(window)), []);
          assert.deepEqual(values, [...values].sort((a, b) => a - b), "out of order");
          assert.deepEqual([...machine.store.files.keys()], []);
        },
      ),
      { numRuns: slowRuns(150) },
    ));
}

test("what an earlier process left is sent first, and reported separately", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const first = machine.start();
  for (const value of range(0, 5)) {
    first.output.add(machine.sample("vus", value));
    void first.output.flush();
    await machine.clock.advance(1000);
  }
  machine.isDown = false;
  const { output, spool } = machine.start();
  assert.equal(spool.contents.found, 5);
  output.add(machine.sample("vus", 5));
  const report = await machine.clock.settle(output.close());
  assert.deepEqual([report.samples, report.delivered], [1, 1]);
  assert.equal(spool.contents.earlier.delivered, 5);
  assert.deepEqual(machine.stored, { k6_vus: range(0, 6) });
  assert.deepEqual([...machine.store.files.keys()], []);
});

test("an outage of any length loses nothing, and little memory is used: the rest waits in the files (on one runtime)", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const { output } = machine.start({ mapping: "raw", capacity: 20 });
  const windows = 30;
  for (const value of range(0, windows)) {
    output.add([machine.sample("vus", value), machine.sample("iterations", value)]);
    void output.flush();
    await machine.clock.advance(60_000);
  }
  assert.equal(output.stats.samplesPending, 2 * windows);
  assert.equal(output.stats.lagMs, windows * 60_000);
  machine.isDown = false;
  const report = await machine.clock.settle(output.close());
  assert.deepEqual([report.delivered, report.samples], [2 * windows, 2 * windows]);
  assert.deepEqual(machine.stored, { k6_vus: range(0, windows), k6_iterations: range(0, windows) });
});

test("what cannot be sent before the end is left to the next process, which sends it", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const { output, spool } = machine.start({ closeTimeoutMs: 5000 });
  for (const value of range(0, 3)) {
    output.add(machine.sample("vus", value));
    void output.flush();
    await machine.clock.advance(1000);
  }
  const report = await machine.clock.settle(output.close());
  assert.deepEqual([report.samples, report.deferred, report.failed], [3, 3, 0]);
  assert.equal(spool.contents.kept, 3);
  machine.isDown = false;
  const next = machine.start();
  await machine.clock.settle(next.output.close());
  assert.deepEqual(machine.stored, { k6_vus: range(0, 3) });
  assert.deepEqual([next.spool.contents.earlier.delivered, next.spool.contents.kept], [3, 0]);
});

test("a full spool leaves out the oldest values first, and never the newest total of a series (on one runtime)", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const limit = 60_000;
  const { output } = machine.start({ maxBytes: limit });
  const windows = 100;
  const series = range(0, 200);
  const metrics = series.map((number) => ({ name: `c${number}`, type: "counter", contains: "default" }) as const);
  for (const window of range(0, windows)) {
    // Half of the series end early: their totals are in old windows only.
    for (const number of series) {
      if (window > 10 && number % 2 === 0) continue;
      const metric = metrics[number];
      if (metric !== undefined) output.add({ metric, time: machine.clock.now(), value: 1, tags: {} });
    }
    void output.flush();
    await machine.clock.advance(1000);
    assert.ok(machine.store.bytes <= 1.1 * limit, `${machine.store.bytes} bytes`);
  }
  machine.isDown = false;
  const report = await machine.clock.settle(output.close());
  assert.equal(report.delivered, report.samples);
  assert.ok(report.merged > 3000, `${report.merged} merged`);
  const { stored } = machine;
  for (const number of series) {
    assert.equal(stored[`k6_c${number}_total`]?.at(-1), number % 2 === 0 ? 11 : windows);
  }
  const odd = stored.k6_c1_total ?? [];
  const newest = odd.slice(-20);
  assert.deepEqual(newest, range(windows - 19, windows + 1), "the newest values are complete");
  assert.deepEqual(machine.warnings.filter((message) => message.startsWith("The spool is full")).length, 1);
});

test("a full spool drops the oldest raw samples, counts them, and says so once (on one runtime)", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const { output } = machine.start({ mapping: "raw", maxBytes: 60_000 });
  const windows = 40;
  for (const value of range(0, windows)) {
    output.add(range(0, 300).map((number) => machine.sample(`g${number}_${value}`, value)));
    void output.flush();
    await machine.clock.advance(100);
  }
  machine.isDown = false;
  const report = await machine.clock.settle(output.close());
  assert.ok(report.dropped > 100, `${report.dropped} dropped`);
  assert.equal(report.dropped + report.delivered, 300 * windows);
  assert.equal(output.stats.samplesDroppedTotal.queue_full, report.dropped);
  assert.deepEqual(machine.stored[`k6_g0_${windows - 1}`], [windows - 1]);
  assert.equal(machine.stored.k6_g0_20, undefined);
  assert.equal(machine.warnings.filter((message) => message.startsWith("The spool is full")).length, 1);
});

test("after a failure of the store, one warning says so, and the samples are sent from memory", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const { output } = machine.start();
  for (const value of range(0, 10)) {
    if (value === 4) {
      machine.store.onChange = () => {
        throw new Error("no space left on device");
      };
    }
    output.add(machine.sample("vus", value));
    void output.flush();
    await machine.clock.advance(1000);
  }
  machine.isDown = false;
  const report = await machine.clock.settle(output.close());
  assert.equal(report.delivered, 10);
  assert.deepEqual(machine.stored, { k6_vus: range(0, 10) });
  const failures = machine.warnings.filter((message) => message.startsWith("Cannot write the spool"));
  assert.deepEqual(failures, [
    "Cannot write the spool: no space left on device. From now on, samples wait in memory, and the end of the process loses them.",
  ]);
});

test("a process with other shards sends the samples of each series in their order", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const add = (output: RemoteWriteOutput, value: number): void => {
    output.add(range(0, 10).map((number) => machine.sample(`g${number}`, value)));
    void output.flush();
  };
  let { output } = machine.start({ shards: 3 });
  for (const value of range(0, 3)) {
    add(output, value);
    await machine.clock.advance(1000);
  }
  machine.isDown = false;
  ({ output } = machine.start({ shards: 2 }));
  for (const value of range(3, 6)) add(output, value);
  await machine.clock.settle(output.close());
  for (const number of range(0, 10)) {
    assert.deepEqual(machine.stored[`k6_g${number}`]?.slice(0, 3), [0, 1, 2], `g${number}`);
    assert.deepEqual(machine.stored[`k6_g${number}`]?.at(-1), 5, `g${number}`);
  }
  assert.deepEqual(machine.receiver.violations, []);
});

test("with the overflow block, ready() waits until the spool has room, and nothing is left out", async () => {
  const machine = new Machine();
  machine.isDown = true;
  const { output } = machine.start({ overflow: "block", maxBytes: 2000 });
  let added = 0;
  let isOver = false;
  const adding = (async () => {
    while (added < 40) {
      output.add(machine.sample("vus", added++));
      void output.flush();
      await output.ready();
    }
    isOver = true;
  })();
  await machine.clock.advance(60_000);
  assert.ok(added > 10 && !isOver, `${added} added`);
  machine.isDown = false;
  await machine.clock.settle(adding);
  const report = await machine.clock.settle(output.close());
  assert.deepEqual([report.delivered, report.samples], [40, 40]);
  assert.deepEqual(machine.stored, { k6_vus: range(0, 40) });
});

test("a forwarder with a full spool accepts nothing more", async () => {
  const clock = new VirtualClock();
  const store = new MemorySpool();
  const forwarder = new RemoteWriteForwarder({
    ...{ now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep, onWarning: () => {} },
    fetch: () => Promise.resolve(new Response(null, { status: 503 })),
    spool: createSpool(store, { maxBytes: 1000 }),
  });
  const statuses: number[] = [];
  for (const time of range(1, 30)) {
    const timeseries = [{
      labels: [{ name: "__name__", value: "a" }],
      samples: [{ value: time, timestamp: BigInt(time) }],
    }];
    statuses.push((await forwarder.handle(postV1({ timeseries }))).status);
  }
  const accepted = statuses.filter((status) => status === 204).length;
  assert.ok(accepted > 5 && accepted < 20, `${accepted} accepted`);
  assert.deepEqual(new Set(statuses.slice(accepted)), new Set([429]));
  await clock.settle(forwarder.close({ timeoutMs: 1000 }));
  assert.equal(createSpool(store, { maxBytes }).contents.found, accepted);
});

test("a spool and what does not go with it are an error", () => {
  const spool = createSpool(new MemorySpool(), { maxBytes });
  const wrong: readonly (readonly [RemoteWriteOutputOptions, RegExp])[] = [
    [{ spool, windows: "event" }, /Cannot use the option spool: .*none if windows is "event"/],
    [{ spool, maxRequestsPerFlush: 3 }, /maxRequestsPerFlush.*none together with a spool/],
  ];
  for (const [options, message] of wrong) assert.throws(() => new RemoteWriteOutput(options), { message });
  assert.throws(() => new RemoteWriteOutput(JSON.parse('{"spool": "folder"}')), /expected a spool of createSpool/);
});
