import assert from "node:assert/strict";
import { test } from "node:test";
import { Delivery } from "../../src/send/delivery.ts";
import type { DeliveryReport } from "../../src/model/delivery_report.ts";
import { Liveness } from "../../src/send/liveness.ts";
import { Outage } from "../../src/send/outage.ts";
import { mergeReports } from "../../src/send/report_builder.ts";
import { SendStats } from "../../src/send/stats.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { TotalsQueue } from "../../src/send/totals_queue.ts";
import type { CloseOptions } from "../../src/send/write_queue.ts";
import { Batch } from "../../src/protocol/batch.ts";
import type { Fault } from "../support/scripted_receiver.ts";
import {
  createSending,
  defaultLimits,
  jsonCodecs,
  type Sending,
  type SendingOptions,
  SeriesNames,
} from "../support/sending.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

interface Setting extends Sending {
  readonly series: SeriesNames;
  /** Returns a batch of this number of samples, each of another series of the shard. */
  batch(count: number, options?: { readonly time?: number; readonly shard?: number }): Batch;
  /** Closes the queue. Returns what happened to everything that was in it. */
  close(options?: CloseOptions): Promise<DeliveryReport>;
}

function setUp(options: SendingOptions = {}): Setting {
  const series = new SeriesNames();
  const sending = createSending(options);
  const { queue } = sending;
  const pending = new Set<Promise<DeliveryReport>>();
  const push = queue.push.bind(queue);
  queue.push = (...given) => {
    const report = push(...given);
    pending.add(report);
    void report.then(() => pending.delete(report));
    return report;
  };
  const close: Setting["close"] = async (options = {}) => {
    const waiting = [...pending];
    return mergeReports([await queue.close({ timeoutMs: 30_000, ...options }), ...await Promise.all(waiting)]);
  };
  const batch: Setting["batch"] = (count, { time = 1, shard = 0 } = {}) =>
    series.batch(Array.from({ length: count }, (_, index) => [`shard${shard}_${index}`, time, index]));
  return { ...sending, series, batch, close };
}

/** Returns the counts of a report, without zeros and requests. */
function outcomes(report: DeliveryReport): Partial<DeliveryReport> {
  const { requests: _, retries: __, bytes: ___, reasons: ____, samples: _____, ...counts } = report;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

const hang: Fault = { kind: "hang" };
const sentValues = ({ receiver }: Setting): number[][] =>
  receiver.requests.map(({ samples }) => samples.map(({ time }) => time));

test("push returns at once, and its promise resolves with what happened to the batch", async () => {
  const setting = setUp();
  const pushed = setting.queue.push(0, setting.batch(3));
  assert.deepEqual(setting.queue.size.samples, 3);
  assert.equal(setting.stats.snapshot().samplesPending, 3);
  assert.deepEqual(outcomes(await pushed), { delivered: 3 });
  assert.deepEqual(setting.queue.size, { samples: 0, bytes: 0 });
  assert.equal(setting.stats.snapshot().samplesPending, 0);
  assert.equal(setting.clock.timers, 0);
});

test("the batches of a shard are sent one after the other, and shards do not wait for each other", async () => {
  const setting = setUp({ faults: [{ kind: "slow", ms: 100 }, { kind: "slow", ms: 10 }] });
  const { queue, batch, clock, receiver } = setting;
  const reports = [
    queue.push(0, batch(2, { time: 1 })),
    queue.push(0, batch(2, { time: 2 })),
    queue.push(1, batch(1, { time: 3, shard: 1 })),
    queue.push(1, batch(1, { time: 4, shard: 1 })),
  ];
  await clock.advance(9);
  assert.deepEqual(sentValues(setting), [[1, 1], [3]]);
  await clock.advance(1);
  assert.deepEqual(sentValues(setting), [[1, 1], [3], [4]]);
  await clock.advance(90);
  assert.deepEqual(sentValues(setting), [[1, 1], [3], [4], [2, 2]]);
  await Promise.all(reports);
  assert.deepEqual(receiver.violations, []);
});

test("a full queue drops and counts the oldest batches that wait, but not the one that is being sent", async () => {
  const setting = setUp({ capacity: 10, faults: [hang] });
  const { queue, batch, clock, messages, stats } = setting;
  const reports = [1, 2, 3, 4, 5].map((time) => queue.push(0, batch(3, { time })));
  assert.equal(queue.size.samples, 9);
  await clock.settle(queue.close({ timeoutMs: Infinity }));
  assert.deepEqual((await Promise.all(reports)).map(outcomes), [
    { delivered: 3 },
    { dropped: 3 },
    { dropped: 3 },
    { delivered: 3 },
    { delivered: 3 },
  ]);
  assert.deepEqual(stats.snapshot().samplesDroppedTotal, { queue_full: 6 });
  assert.equal(messages.filter((message) => message.startsWith("The queue is full (10 samples")).length, 1);
});

test("a full queue drops the oldest batch of all shards", async () => {
  const setting = setUp({ capacity: 4, faults: [hang, hang] });
  const { queue, batch, clock } = setting;
  const reports = [
    queue.push(0, batch(1, { time: 1 })),
    queue.push(1, batch(1, { time: 1, shard: 1 })),
    queue.push(1, batch(1, { time: 2, shard: 1 })),
    queue.push(0, batch(1, { time: 2 })),
    queue.push(1, batch(1, { time: 3, shard: 1 })),
  ];
  await clock.settle(queue.close({ timeoutMs: Infinity }));
  const dropped = (await Promise.all(reports)).map(({ dropped }) => dropped);
  assert.deepEqual(dropped, [0, 0, 1, 0, 0]);
});

test("a batch that is larger than the queue is sent if nothing waits before it", async () => {
  const setting = setUp({ capacity: 10 });
  assert.deepEqual(outcomes(await setting.queue.push(0, setting.batch(11))), { delivered: 11 });
  const flush = [0, 1, 2].map((shard) => setting.queue.push(shard, setting.batch(9, { time: 2, shard })));
  assert.deepEqual((await Promise.all(flush)).map(outcomes), Array(3).fill({ delivered: 9 }));
});

test("the newest batch of a shard is never dropped, because it has the latest totals", async () => {
  const { queue, batch, clock } = setUp({ capacity: 10, faults: [hang, hang] });
  const reports = [1, 2, 3].flatMap((time) => [0, 1].map((shard) => queue.push(shard, batch(8, { time, shard }))));
  assert.equal(queue.size.samples, 4 * 8);
  await clock.settle(queue.close({ timeoutMs: Infinity }));
  assert.deepEqual((await Promise.all(reports)).map(outcomes), [
    { delivered: 8 },
    { delivered: 8 },
    { dropped: 8 },
    { dropped: 8 },
    { delivered: 8 },
    { delivered: 8 },
  ]);
});

test("with a shared deadline, the queue waits only once for an endpoint that is down", async () => {
  const faults = Array<Fault>(1000).fill({ kind: "refuse" });
  const { queue, batch, clock } = setUp({ sharedDeadline: true, retryDeadlineMs: 60_000, overflow: "block", faults });
  const reports = [1, 2, 3, 4, 5].map((time) => queue.push(0, batch(2, { time })));
  await clock.settle(queue.close({ timeoutMs: Infinity }));
  for (const report of await Promise.all(reports)) {
    assert.deepEqual(outcomes(report), { failed: 2 });
    assert.deepEqual(report.reasons, [{ outcome: "failed", reason: "the connection was refused", samples: 2 }]);
  }
  assert.ok(clock.now() - Date.UTC(2026, 0, 1) <= 60_000);
});

test("batches that wait are given up with an endpoint that never answers, and later ones try again", async () => {
  const faults = Array<Fault>(3).fill(hang);
  const options = { sharedDeadline: true, retryDeadlineMs: 50_000, maxSamplesPerSend: 1, overflow: "block" } as const;
  const setting = setUp({ ...options, faults });
  const { queue, batch, clock, receiver, stats } = setting;
  const reports = [1, 2, 3].map((time) => queue.push(0, batch(4, { time })));
  assert.deepEqual((await clock.settle(Promise.all(reports))).map(outcomes), Array(3).fill({ failed: 4 }));
  // There are two timeouts of 30 seconds, and a back-off between them.
  assert.equal(receiver.requests.length, 2);
  assert.ok(clock.now() - Date.UTC(2026, 0, 1) <= 61_000);
  assert.equal(stats.snapshot().samplesFailedTotal, 12);
  const later = [4, 5].map((time) => queue.push(0, batch(4, { time })));
  assert.deepEqual((await clock.settle(Promise.all(later))).map(outcomes), Array(2).fill({ failed: 4 }));
  assert.equal(receiver.requests.length, 3, "one attempt shows that it is still down");
  // All faults are used up, so the endpoint is up again, and the batch has its whole deadline.
  assert.deepEqual(outcomes(await clock.settle(queue.push(0, batch(4, { time: 6 })))), { delivered: 4 });
  assert.equal(clock.timers, 0);
});

test("an endpoint that answers now and then gives each batch its whole time", async () => {
  const down = Array<Fault>(9).fill({ kind: "answer", status: 503 });
  const faults: Fault[] = [...down, { kind: "pass" }, ...down, { kind: "pass" }, ...down];
  const options = { sharedDeadline: true, retryDeadlineMs: 20_000, timeoutMs: 1000, overflow: "block" } as const;
  const { queue, batch, clock } = setUp({ ...options, faults, random: () => 1 });
  const reports = [1, 2, 3].map((time) => queue.push(0, batch(2, { time })));
  // Nine pauses from 30 ms up to 5 s take 12.65 s. Together, they are longer than the deadline.
  assert.deepEqual((await clock.settle(Promise.all(reports))).map(outcomes), Array(3).fill({ delivered: 2 }));
});

test("a batch that makes slow progress has its whole time after each answer, and so do the batches behind it", async () => {
  const slow: Fault = { kind: "slow", ms: 10_000 };
  const faults: Fault[] = [...Array<Fault>(7).fill(slow), { kind: "answer", status: 503 }];
  const options = { sharedDeadline: true, retryDeadlineMs: 60_000, maxSamplesPerSend: 1, overflow: "block" } as const;
  const { queue, batch, clock } = setUp({ ...options, faults });
  const reports = [1, 2, 3].map((time) => queue.push(0, batch(10, { time })));
  assert.deepEqual((await clock.settle(Promise.all(reports))).map(outcomes), Array(3).fill({ delivered: 10 }));
});

test("with a short deadline, a failure affects only its own batch", async () => {
  const faults: Fault[] = [{ kind: "answer", status: 503 }];
  const options = { sharedDeadline: true, retryDeadlineMs: 0, overflow: "block" } as const;
  const { queue, batch, clock } = setUp({ ...options, faults });
  const reports = [1, 2, 3].map((time) => queue.push(0, batch(2, { time })));
  const settled = (await clock.settle(Promise.all(reports))).map(outcomes);
  assert.deepEqual(settled, [{ failed: 2 }, { delivered: 2 }, { delivered: 2 }]);
});

test("without a shared deadline, each batch has its own", async () => {
  const faults = Array<Fault>(4).fill(hang);
  const { queue, batch, clock } = setUp({ retryDeadlineMs: 50_000, faults });
  const reports = [1, 2, 3].map((time) => queue.push(0, batch(2, { time })));
  const settled = (await clock.settle(Promise.all(reports))).map(outcomes);
  assert.deepEqual(settled, [{ failed: 2 }, { failed: 2 }, { delivered: 2 }]);
});

test("memory is limited too, even for many small batches", async () => {
  const setting = setUp({ maxQueueBytes: 50_000, faults: [hang] });
  const { queue, batch, clock, stats } = setting;
  for (let time = 1; time <= 100; time++) {
    void queue.push(0, batch(1, { time }));
    assert.ok(queue.size.bytes <= 50_000);
  }
  assert.ok(queue.size.samples > 5);
  await clock.settle(queue.close({ timeoutMs: Infinity }));
  assert.ok((stats.snapshot().samplesDroppedTotal["queue_full"] ?? 0) > 50);
});

test("the unused capacity of a batch counts as memory", () => {
  const { queue, series } = setUp({ faults: [hang] });
  const sizes = [1, 1000].map((capacity) => {
    const batch = new Batch(capacity);
    batch.push(series.get("a"), 1, 1);
    const before = queue.size.bytes;
    void queue.push(0, batch);
    return queue.size.bytes - before;
  });
  // Two columns of float64.
  assert.equal((sizes[1] ?? 0) - (sizes[0] ?? 0), 999 * 16);
});

test("block: nothing is dropped, and ready() waits for room", async () => {
  const setting = setUp({ capacity: 4, overflow: "block", faults: [{ kind: "slow", ms: 100 }] });
  const { queue, batch, clock } = setting;
  await queue.ready();
  const reports = [queue.push(0, batch(3, { time: 1 })), queue.push(0, batch(3, { time: 2 }))];
  let ready = false;
  void queue.ready().then(() => ready = true);
  await clock.advance(99);
  assert.equal(ready, false);
  await clock.advance(1);
  assert.equal(ready, true);
  assert.deepEqual((await Promise.all(reports)).map(outcomes), [{ delivered: 3 }, { delivered: 3 }]);
});

test("ready() resolves when its signal fires and when the queue is closed", async () => {
  const { queue, batch, clock } = setUp({ capacity: 1, overflow: "block", faults: [hang] });
  void queue.push(0, batch(1));
  const controller = new AbortController();
  const waiting = queue.ready(controller.signal);
  controller.abort();
  await waiting;
  await queue.ready(controller.signal);
  const other = queue.ready();
  const closing = queue.close({ timeoutMs: 10 });
  await other;
  await clock.settle(closing);
});

test("close() waits for the batches in the queue, and the queue accepts no more", async () => {
  const setting = setUp({ faults: [{ kind: "slow", ms: 500 }] });
  const { queue, batch, clock } = setting;
  const pushed = [queue.push(0, batch(2, { time: 1 })), queue.push(0, batch(2, { time: 2 }))];
  const closing = queue.close({ timeoutMs: 30_000 });
  assert.equal(queue.close({ timeoutMs: 0 }), closing);
  assert.deepEqual(outcomes(await queue.push(0, batch(5, { time: 3 }))), { deferred: 5 });
  assert.deepEqual(outcomes(await clock.settle(closing)), {}, "push() reports what happened to these batches");
  assert.deepEqual((await Promise.all(pushed)).map(outcomes), [{ delivered: 2 }, { delivered: 2 }]);
  assert.deepEqual(outcomes(await queue.push(0, batch(1, { time: 4 }))), { deferred: 1 });
  assert.equal(clock.timers, 0);
  assert.equal(clock.now(), Date.UTC(2026, 0, 1) + 500);
  assert.deepEqual(setting.stats.snapshot().samplesDroppedTotal, { closed: 6 });
});

test("close() reports why sending failed, unless an answer came since", async () => {
  const busy: Fault = { kind: "answer", status: 503 };
  const setting = setUp({ faults: [{ kind: "pass" }, ...Array<Fault>(1000).fill(busy)] });
  const { clock } = setting;
  const hanging = setUp({ faults: [busy, { kind: "pass" }, ...Array<Fault>(1000).fill(hang)] });
  for (const { queue, batch } of [setting, hanging]) {
    void queue.push(0, batch(1, { time: 1 }));
    void queue.push(0, batch(2, { time: 2 }));
    void queue.push(0, batch(3, { time: 3 }));
  }
  const report = await clock.settle(setting.close({ timeoutMs: 1000 }));
  assert.deepEqual(report.reasons, [
    {
      outcome: "deferred",
      reason: "the queue was closed while sending failed: status 503: status 503 by script",
      samples: 5,
    },
  ]);
  const other = await hanging.clock.settle(hanging.close({ timeoutMs: 1000 }));
  assert.deepEqual(other.reasons.filter(({ outcome }) => outcome === "deferred"), [
    { outcome: "deferred", reason: "the queue was closed", samples: 3 },
  ]);
});

test("close() of an idle queue takes no time and leaves no timer", async () => {
  const { close, clock } = setUp();
  assert.deepEqual(outcomes(await close()), {});
  assert.equal(clock.timers, 0);
});

test("close() gives up at its timeout and reports what was not sent", async () => {
  const setting = setUp({ faults: [{ kind: "pass" }, hang] });
  const { queue, batch, clock } = setting;
  const pushed = [1, 2, 3].map((time) => queue.push(0, batch(2, { time })));
  const report = await clock.settle(setting.close({ timeoutMs: 1000 }));
  assert.deepEqual(outcomes(report), { delivered: 2, failed: 2, deferred: 2 });
  assert.deepEqual((await Promise.all(pushed)).map(outcomes), [{ delivered: 2 }, { failed: 2 }, { deferred: 2 }]);
  assert.equal(clock.now(), Date.UTC(2026, 0, 1) + 1000);
  assert.equal(clock.timers, 0);
  assert.deepEqual(queue.size, { samples: 0, bytes: 0 });
});

test("samples that an earlier request may have stored have failed when close() gives up, and are not deferred", async () => {
  const setting = setUp({ timeoutMs: 15_000, faults: [{ kind: "hang", stored: true }, { kind: "pass" }, hang, hang] });
  const { queue, series, clock, receiver } = setting;
  // The retry is refused, because its samples are stored. The request is cut in halves, and the second half is not reached.
  void queue.push(0, series.batch([["a", 1, 1], ["a", 2, 2], ["b", 1, 3], ["b", 2, 4]]));
  const report = await clock.settle(setting.close({ timeoutMs: 40_000 }));
  assert.equal(receiver.count, 4);
  assert.deepEqual(outcomes(report), { failed: 4 });
  assert.equal(setting.stats.snapshot().samplesFailedTotal, 4);
});

test("close() gives up when its signal fires, even during a back-off", async () => {
  const setting = setUp({ faults: Array<Fault>(100).fill({ kind: "refuse" }) });
  const { queue, batch, clock } = setting;
  void queue.push(0, batch(2));
  const controller = new AbortController();
  const closing = setting.close({ signal: controller.signal });
  await clock.advance(5000);
  controller.abort();
  assert.deepEqual(outcomes(await closing), { deferred: 2 });
  assert.equal(clock.timers, 0);

  const late = setUp({ faults: [hang] });
  void late.queue.push(0, late.batch(1));
  await late.clock.advance(0);
  assert.deepEqual(outcomes(await late.close({ signal: AbortSignal.abort() })), { failed: 1 });

  const deferred = setUp();
  void deferred.queue.push(0, deferred.batch(1));
  assert.deepEqual(outcomes(await deferred.close({ signal: AbortSignal.abort() })), { deferred: 1 });
  assert.equal(deferred.receiver.requests.length, 0);
});

test("a flush has a limited number of requests, and the next flush continues in order", async () => {
  const setting = setUp({ maxRequestsPerFlush: 3, maxSamplesPerSend: 2, faults: [{ kind: "answer", status: 503 }] });
  const { queue, batch, clock, receiver } = setting;
  const flush = async (time: number, count: number): Promise<Partial<DeliveryReport>[]> => {
    const resumed = queue.resume();
    const pushed = queue.push(0, batch(count, { time }));
    return (await clock.settle(Promise.all([resumed, pushed]))).map(outcomes);
  };
  assert.deepEqual(await flush(1, 6), [{}, { delivered: 4, deferred: 2 }]);
  assert.equal(receiver.requests.length, 3);
  assert.equal(queue.size.samples, 6);
  assert.deepEqual(await flush(2, 6), [{ delivered: 2 }, { delivered: 4, deferred: 2 }]);
  assert.equal(receiver.requests.length, 6);
  assert.deepEqual(await flush(3, 0), [{ delivered: 2 }, {}]);
  assert.deepEqual(sentValues(setting), [[1, 1], [1, 1], [1, 1], [1, 1], [2, 2], [2, 2], [2, 2]]);
  assert.equal(clock.timers, 0);
});

test("a retry that waits for the next flush keeps its number and its unknown outcome", async () => {
  const setting = setUp({ maxRequestsPerFlush: 1, faults: [{ kind: "hang", stored: true }] });
  const { queue, series, clock, receiver } = setting;
  const first = queue.push(0, series.batch([["a", 1, 1], ["a", 2, 2]]));
  assert.deepEqual(outcomes(await clock.settle(first)), { deferred: 2 });
  assert.equal(clock.timers, 0);
  const reports = [];
  for (let flush = 0; flush < 3; flush++) reports.push(outcomes(await clock.settle(queue.resume())));
  assert.deepEqual(receiver.requests.map(({ headers }) => headers.get("retry-attempt")), [null, "1", null, null]);
  // The first attempt is stored, the second is refused, and then the samples are sent one by one.
  assert.deepEqual(reports, [{ deferred: 2 }, { unknown: 1, deferred: 1 }, { delivered: 1 }]);
});

test("a batch that waits for the next flush keeps its deadline", async () => {
  const faults = Array<Fault>(9).fill({ kind: "answer", status: 503 });
  const { queue, batch, clock } = setUp({ maxRequestsPerFlush: 1, retryDeadlineMs: 1000, faults });
  assert.deepEqual(outcomes(await clock.settle(queue.push(0, batch(2)))), { deferred: 2 });
  await clock.advance(2000);
  assert.deepEqual(outcomes(await clock.settle(queue.resume())), { failed: 2 });
});

test("close() adds no requests to the budget, so what the last flush deferred is given up", async () => {
  const { queue, batch, clock, receiver, stats, close } = setUp({ maxRequestsPerFlush: 2, maxSamplesPerSend: 1 });
  assert.deepEqual(outcomes(await clock.settle(queue.push(0, batch(5)))), { delivered: 2, deferred: 3 });
  assert.deepEqual(outcomes(await clock.settle(close())), { deferred: 3 });
  assert.equal(receiver.requests.length, 2);
  assert.deepEqual(queue.size, { samples: 0, bytes: 0 });
  assert.deepEqual(stats.snapshot().samplesDroppedTotal, { closed: 3 });
  assert.equal(clock.timers, 0);
});

test("a deferred batch that may have been stored has failed when the queue is closed, and close() reports it", async () => {
  const setting = setUp({ maxRequestsPerFlush: 1, maxSamplesPerSend: 2, faults: [{ kind: "reset", stored: true }] });
  const { queue, batch, clock, stats } = setting;
  assert.deepEqual(outcomes(await clock.settle(queue.push(0, batch(3)))), { deferred: 3 });
  assert.deepEqual(outcomes(await clock.settle(queue.close({ timeoutMs: 30_000 }))), { failed: 2, deferred: 1 });
  assert.equal(stats.snapshot().samplesFailedTotal, 2);
});

test("a batch whose predecessor fails leaves the queue as deferred, so that there is room", async () => {
  const { queue, batch, clock, receiver } = setUp({ capacity: 2, overflow: "block" });
  const broken = Promise.reject(new Error("not recorded"));
  const pushed = queue.push(0, batch(2), { after: broken });
  const ready = queue.ready();
  const report = await clock.settle(pushed);
  assert.deepEqual(outcomes(report), { deferred: 2 });
  assert.equal(report.reasons[0]?.reason, "the window before it was not acknowledged");
  await clock.settle(ready);
  assert.equal(receiver.requests.length, 0);
});

test("a delivery that throws does not stop its shard", async () => {
  const clock = new VirtualClock();
  let calls = 0;
  const common = {
    ...defaultLimits,
    ...clock,
    codecs: jsonCodecs,
    protocol: "1.0",
    bisect: true,
    retryDeadlineMs: Infinity,
    overflow: "block",
    stats: new SendStats(),
    warnings: new Warnings(() => {}),
  } as const;
  const outage = new Outage({ ...common, sharedDeadline: false });
  const delivery = new Delivery({
    ...common,
    outage,
    send: () => {
      if (++calls === 1) throw new Error("boom");
      return Promise.resolve({ kind: "written", status: 204, written: undefined, attempts: 1, unknownBefore: false });
    },
  });
  const liveness = new Liveness(clock.monotonicNow, clock.sleep);
  const queue = new TotalsQueue({ ...common, onRefusal: "defer", outage, delivery, liveness });
  const series = new SeriesNames();
  const reports = [1, 2].map((time) => queue.push(0, series.batch([["a", time, 1]])));
  const [broken, fine] = await Promise.all(reports);
  assert.deepEqual(broken?.reasons, [{ outcome: "failed", reason: "the delivery broke: boom", samples: 1 }]);
  assert.equal(fine?.delivered, 1);
});

test("block: ready() resolves if everything waits for the next flush, which its caller begins", async () => {
  const options = { capacity: 2, overflow: "block" } as const;
  const limited = setUp({ ...options, maxRequestsPerFlush: 1, maxSamplesPerSend: 1 });
  const refused = setUp({ ...options, faults: [{ kind: "answer", status: 401 }] });
  for (const { queue, batch, clock } of [limited, refused]) {
    const pushed = [1, 2].map((time) => queue.push(0, batch(2, { time })));
    const ready = queue.ready(undefined, { untilDeferred: true });
    // No timer runs.
    await clock.settle(ready);
    await Promise.all(pushed);
    assert.equal(queue.isFull, true);
    await queue.ready(undefined, { untilDeferred: true });
    let isReady = false;
    void queue.ready().then(() => isReady = true);
    await clock.advance(10_000);
    assert.equal(isReady, false, "with the interval timer, the next flush begins by itself");
    for (let flush = 0; flush < 3; flush++) await clock.settle(queue.resume());
    assert.equal(isReady, true);
  }
});
