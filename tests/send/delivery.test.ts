import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryJob } from "../../src/send/delivery_job.ts";
import type { Fault } from "../support/scripted_receiver.ts";
import { createSending, jsonCodecs, oneEach, SeriesNames, setUpDelivery, sizes } from "../support/sending.ts";

const none = { rejected: 0, failed: 0, unknown: 0, dropped: 0, deferred: 0, merged: 0, retries: 0, reasons: [] };

test("a batch is cut by the number of samples, in order", async () => {
  const setting = setUpDelivery({ maxSamplesPerSend: 4 });
  const { bytes, ...report } = await setting.deliver(oneEach(10));
  assert.deepEqual(report, { ...none, samples: 10, delivered: 10, requests: 3 });
  assert.equal(bytes, setting.stats.snapshot().bytesTotal);
  assert.deepEqual(sizes(setting), [4, 4, 2]);
  assert.deepEqual(
    setting.receiver.requests.flatMap(({ samples }) => samples.map(({ value }) => value)),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test("an empty batch needs no request", async () => {
  const setting = setUpDelivery();
  assert.deepEqual(await setting.deliver(oneEach(0)), { ...none, samples: 0, delivered: 0, requests: 0, bytes: 0 });
  assert.deepEqual(sizes(setting), []);
});

test("a batch is cut by compressed and by decoded bytes", async () => {
  const body = jsonCodecs["1.0"].encode({ batch: oneEach(4), from: 0, to: 4 });
  for (const limit of [{ maxBodyBytes: body.body.length }, { maxDecodedBytes: body.decodedBytes }]) {
    const setting = setUpDelivery(limit);
    assert.equal((await setting.deliver(oneEach(8))).delivered, 8);
    assert.deepEqual(sizes(setting), [4, 4]);
  }
});

test("a single sample that is too large is not sent, and the report has the reason", async () => {
  const setting = setUpDelivery({ maxBodyBytes: 100 });
  const series = new SeriesNames();
  const report = await setting.deliver(series.batch([["a", 1, 1], ["l".repeat(200), 1, 2], ["b", 1, 3]]));
  assert.equal(report.delivered, 2);
  assert.equal(report.rejected, 1);
  assert.match(report.reasons[0]?.reason ?? "", /A sample of "l+" is not sent: it takes 234 bytes/);
  assert.deepEqual(setting.stats.snapshot().samplesDroppedTotal, { too_large: 1 });
  assert.equal(setting.messages.length, 1);
});

test("a sample that cannot be encoded is not sent, but the others are", async () => {
  const encode: typeof jsonCodecs["1.0"]["encode"] = (slice) => {
    for (let index = slice.from; index < slice.to; index++) {
      if (slice.batch.values[index] === 5) throw new RangeError("5 is not liked");
    }
    return jsonCodecs["1.0"].encode(slice);
  };
  const setting = setUpDelivery({ codecs: { "1.0": { encode }, "2.0": { encode } } });
  const report = await setting.deliver(oneEach(10));
  assert.equal(report.delivered, 9);
  assert.deepEqual(report.reasons, [
    { outcome: "rejected", reason: 'A sample of "s5" is not sent: it cannot be encoded: 5 is not liked.', samples: 1 },
  ]);
});

test("a 413 halves the size of requests for good, and nothing is lost", async () => {
  const series = new SeriesNames();
  const setting = setUpDelivery({ faults: [{ kind: "answer", status: 413 }, { kind: "answer", status: 413 }] });
  const report = await setting.deliver(oneEach(1000, series));
  assert.equal(report.delivered, 1000);
  // 1000 and the first 500 were refused.
  assert.deepEqual(sizes(setting), [1000, 500, 250, 250, 250, 250]);
  await setting.deliver(oneEach(1000, series, 2));
  assert.deepEqual(sizes(setting).slice(6), [250, 250, 250, 250]);
});

test("a single sample is tried even if it is larger than the learned limit", async () => {
  const setting = setUpDelivery({ faults: [{ kind: "answer", status: 413 }] });
  const series = new SeriesNames();
  const report = await setting.deliver(series.batch([["l".repeat(30_000), 1, 1], ["a", 1, 2], ["b", 1, 3]]));
  assert.equal(report.delivered, 3);
  assert.deepEqual(sizes(setting), [3, 1, 2]);
});

test("a receiver that refuses every size does not get requests without end", async () => {
  const faults = Array<Fault>(1000).fill({ kind: "answer", status: 413 });
  const setting = setUpDelivery({ faults });
  const report = await setting.deliver(oneEach(2000));
  assert.equal(report.rejected, 2000);
  assert.ok(report.requests < 30, String(report.requests));
  assert.deepEqual(report.reasons, [{
    outcome: "rejected",
    reason: "status 413: status 413 by script",
    samples: 2000,
  }]);
});

test("a refused request is bisected until the bad series stand alone", async () => {
  const setting = setUpDelivery({ bad: new Set(["s700", "s1999"]) });
  const report = await setting.deliver(oneEach(2000));
  assert.equal(report.delivered, 1998);
  assert.equal(report.rejected, 2);
  assert.equal(setting.receiver.count, 1998);
  assert.deepEqual(report.reasons, [
    { outcome: "rejected", reason: "status 400: label of series {s700} is not liked", samples: 2 },
  ]);
  assert.deepEqual(setting.messages, [
    "Not delivered: 1 sample (status 400: label of series {s700} is not liked), such as s700. Further samples of this kind are only counted.",
  ]);
  // For each bad series, 2 log2(2000) requests.
  assert.ok(report.requests <= 45, String(report.requests));
  assert.equal(setting.stats.snapshot().samplesFailedTotal, 2);
});

test("refusals of samples are bisected; a refusal by the endpoint ends the delivery after one request", async () => {
  for (const status of [400, 409, 422]) {
    const refusing = setUpDelivery({ faults: [{ kind: "answer", status }] });
    assert.equal((await refusing.deliver(oneEach(4))).delivered, 4);
    assert.deepEqual(sizes(refusing), [4, 2, 2]);
  }
  for (const status of [401, 403, 404, 405, 408, 410, 415, 421, 302]) {
    const setting = setUpDelivery({ faults: [{ kind: "answer", status }], maxSamplesPerSend: 4 });
    const { failed, reasons } = await setting.deliver(oneEach(10));
    assert.equal(failed, 10);
    assert.equal(reasons.length, 1);
    assert.deepEqual(sizes(setting), [4]);
  }
});

test("bisection can be switched off", async () => {
  const setting = setUpDelivery({ bad: new Set(["s1"]), bisect: false });
  const report = await setting.deliver(oneEach(4));
  assert.equal(report.rejected, 4);
  assert.equal(report.requests, 1);
});

test("a search is limited by time: parts that were not tried are still sent, and what is refused then was not tried alone", async () => {
  const faults = Array<Fault>(3).fill({ kind: "slow", ms: 400 });
  const setting = setUpDelivery({ bad: new Set(["s0"]), searchMs: 300, faults });
  const report = await setting.deliver(oneEach(16));
  // The search begins after 400 ms, and ends after 700 ms.
  assert.deepEqual(sizes(setting), [16, 8, 4, 4, 8]);
  assert.deepEqual([report.delivered, report.rejected], [12, 4]);
  assert.match(
    report.reasons[0]?.reason ?? "",
    /^refused together with others, and not tried alone: status 400: label of/,
  );
});

test("while searches save nothing, they may last for a shorter and shorter time", async () => {
  const series = new SeriesNames();
  const faults = Array<Fault>(200).fill({ kind: "slow", ms: 1000 });
  const bad = new Set(Array.from({ length: 4096 }, (_, index) => `s${index}`));
  const setting = setUpDelivery({ bad, searchMs: 40_000, maxSamplesPerSend: 4096, faults });
  const requests: number[] = [];
  for (let time = 1; time <= 4; time++) {
    requests.push((await setting.deliver(oneEach(4096, series, time))).requests);
  }
  assert.ok((requests[0] ?? 0) > 40 && (requests[0] ?? 0) < 60, requests.join());
  assert.ok((requests[1] ?? 0) < 35 && (requests[3] ?? 0) < 25, requests.join());
});

test("series that were refused alone are sent after the others from then on, in one request, with back-off", async () => {
  const series = new SeriesNames();
  const setting = setUpDelivery({ bad: new Set(["s3", "s40"]) });
  const requests: number[] = [];
  for (let time = 1; time <= 10; time++) {
    const report = await setting.deliver(oneEach(64, series, time));
    assert.deepEqual([report.delivered, report.rejected], [62, 2]);
    requests.push(report.requests);
  }
  // Both are tried in the second window. Then each is tried alone, after twice as many windows each time.
  assert.deepEqual(requests.slice(1), [2, 1, 2, 2, 1, 1, 2, 2, 1]);
  assert.deepEqual(setting.stats.snapshot().samplesDroppedTotal, { quarantined: 12 });
});

test("a refusal after an attempt with an unknown outcome counts as unknown, and the other samples are delivered", async () => {
  const setting = setUpDelivery({ bad: new Set(["s3"]), faults: [{ kind: "answer", status: 504 }] });
  const report = await setting.deliver(oneEach(8));
  assert.equal(report.delivered, 7);
  assert.equal(report.unknown, 1);
  assert.equal(report.rejected, 0);
  assert.match(setting.messages.at(-1) ?? "", /^Refused on a retry, perhaps stored before: 1 sample \(/);
});

test("samples of one series that are stored and then refused on a retry do not count as lost", async () => {
  const setting = setUpDelivery({ faults: [{ kind: "hang", stored: true }] });
  const series = new SeriesNames();
  const report = await setting.deliver(series.batch([["a", 1, 1], ["a", 2, 2], ["a", 3, 3], ["b", 1, 1]]));
  assert.equal(setting.receiver.count, 4);
  assert.equal(report.rejected, 0);
  // The receiver accepts the last sample of each series again, and refuses the others.
  assert.equal(report.delivered, 2);
  assert.equal(report.unknown, 2);
});

test("a single sample of a series that is stored and then sent again counts as delivered", async () => {
  const setting = setUpDelivery({ faults: [{ kind: "reset", stored: true }] });
  const report = await setting.deliver(oneEach(3));
  assert.equal(report.delivered, 3);
  assert.equal(report.retries, 1);
  assert.equal(setting.receiver.duplicates, 3);
  assert.equal(setting.receiver.count, 3);
});

test("a request that is always answered 500 does not block: the bad sample is found, and the others are delivered", async () => {
  const setting = setUpDelivery({ poison: new Set(["s5"]) });
  const report = await setting.deliver(oneEach(8));
  assert.equal(report.delivered, 7);
  assert.equal(report.failed, 1);
  assert.deepEqual(report.reasons, [
    { outcome: "failed", reason: "status 500: histogram's counts do not add up", samples: 1 },
  ]);
  // Four of the requests contain the bad sample: those with 8, 4 and 2 samples, and the one with this sample alone. The sender is
  // less patient with the last one, because the receiver accepted others in the meantime.
  assert.equal(report.requests, 4 * 10 + 3);
});

test("samples are given up at the deadline, and the rest of the batch has the time that is left", async () => {
  const faults = Array<Fault>(1000).fill({ kind: "refuse" });
  const setting = setUpDelivery({ faults, retryDeadlineMs: 1000, maxSamplesPerSend: 2, random: () => 1 });
  const report = await setting.deliver(oneEach(6));
  assert.equal(report.failed, 6);
  // The requests are at 0, 30, 90, 210, 450 and 930 ms, then at 930 and 960 ms, then at 960 and 990 ms.
  assert.equal(report.requests, 6 + 2 + 2);
  assert.deepEqual(report.reasons, [{ outcome: "failed", reason: "the connection was refused", samples: 6 }]);
  assert.ok(setting.clock.now() - Date.UTC(2026, 0, 1) <= 1000);
});

test("after the signal, the samples of the current request have failed, and the rest is deferred", async () => {
  const faults: Fault[] = [{ kind: "pass" }, { kind: "hang" }];
  const { clock, delivery } = createSending({ faults, maxSamplesPerSend: 2 });
  const controller = new AbortController();
  const pending = delivery.deliver(new DeliveryJob({ batch: oneEach(6), from: 0, to: 6 }), controller.signal);
  await clock.advance(10);
  controller.abort();
  const { delivered, failed, deferred, reasons } = await pending;
  assert.deepEqual({ delivered, failed, deferred }, { delivered: 2, failed: 2, deferred: 2 });
  assert.equal(reasons[0]?.reason, "given up while the sender waited for an answer");
  assert.equal(clock.timers, 0);
});

test("the statistics count the requests and their samples", async () => {
  const setting = setUpDelivery({
    bad: new Set(["s1"]),
    faults: [{ kind: "answer", status: 503 }, { kind: "slow", ms: 2000 }],
  });
  const batch = oneEach(2, new SeriesNames(), 1234);
  await setting.deliver(batch);
  const { requestDuration, bytesTotal, ...stats } = setting.stats.snapshot();
  // Both samples are sent twice together, then one by one.
  assert.deepEqual(stats, {
    samplesTotal: 6,
    samplesFailedTotal: 1,
    samplesRetriedTotal: 4,
    samplesDroppedTotal: {},
    samplesPending: 0,
    requestsTotal: 4,
    highestSentTimestampMs: 1234,
  });
  assert.ok(bytesTotal > 0);
  assert.equal(requestDuration.count, 4);
  assert.equal(requestDuration.sum, 2);
  assert.equal(requestDuration.counts[requestDuration.bounds.indexOf(2.5)], 1);
});
