import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryJob } from "../../src/send/delivery_job.ts";
import type { Fault } from "../support/scripted_receiver.ts";
import { createSending, oneEach, SeriesNames, setUpDelivery, sizes, versions } from "../support/sending.ts";

test("auto begins with 2.0, and keeps it if the receiver knows 2.0", async () => {
  const setting = setUpDelivery({ protocol: "auto" });
  await setting.deliver(oneEach(3));
  assert.equal(setting.delivery.version, "2.0");
  assert.deepEqual(versions(setting), ["2.0.0"]);
});

test("auto falls back to 1.0 once, even if several shards have 2.0 requests under way", async () => {
  for (const v2 of [204, 415, 400, 500] as const) {
    const { queue, clock, receiver, delivery, messages } = createSending({ v2, protocol: "auto" });
    const series = new SeriesNames();
    const pushed = [0, 1, 2, 3].flatMap((shard) =>
      [1, 2].map((time) => queue.push(shard, series.batch([[`s${shard}`, time, time]])))
    );
    const reports = await clock.settle(Promise.all(pushed));
    assert.deepEqual(reports.map(({ delivered, samples }) => [delivered, samples]), pushed.map(() => [1, 1]));
    assert.equal(receiver.count, 8, String(v2));
    assert.equal(delivery.version, "1.0");
    assert.equal(
      messages.filter((message) => message.includes("the sender uses 1.0 from now on")).length,
      1,
      String(v2),
    );
    const sent = receiver.requests.map(({ headers }) => headers.get("x-prometheus-remote-write-version"));
    // Each shard sends one 2.0 request, which is tried again after a 500. After the fallback, nothing is encoded as 2.0.
    const attempts = v2 === 500 ? 10 : 1;
    assert.equal(sent.filter((version) => version === "2.0.0").length, 4 * attempts);
    assert.equal(sent.filter((version) => version === "0.1.0").length, 8);
    await clock.settle(queue.close({ timeoutMs: 0 }));
  }
});

test("a lasting 500 causes a fallback only if no answer showed that the receiver knows 2.0", async () => {
  const once = { kind: "answer", status: 500 } as const;
  const setting = setUpDelivery({
    protocol: "auto",
    faults: [{ kind: "pass" }, ...Array.from({ length: 40 }, () => once)],
  });
  assert.equal((await setting.deliver(oneEach(1))).delivered, 1);
  assert.equal((await setting.deliver(oneEach(1, undefined, 2))).failed, 1);
  assert.equal(setting.delivery.version, "2.0");
});

test("an outcome that was unknown before the fallback stays unknown", async () => {
  const faults: Fault[] = [{ kind: "reset" }, { kind: "answer", status: 200 }, { kind: "answer", status: 400 }];
  const { unknown, rejected } = await setUpDelivery({ protocol: "auto", faults }).deliver(oneEach(1));
  assert.deepEqual({ unknown, rejected }, { unknown: 1, rejected: 0 });
});

test("exemplars that a receiver does not store cause a warning, and no loss", async () => {
  const { clock, delivery, messages } = createSending({ protocol: "auto" });
  const batch = oneEach(2);
  batch.setExemplars(1, [{ labels: [{ name: "trace_id", value: "a" }], value: 1, timestamp: 1 }]);
  const pending = delivery.deliver(new DeliveryJob({ batch, from: 0, to: 2 }), new AbortController().signal);
  assert.equal((await clock.settle(pending)).delivered, 2);
  assert.deepEqual(messages, ["The receiver stored 0 of 1 exemplars."]);
});

test("auto falls back to 1.0, once and for good, and nothing is lost", async () => {
  for (const v2 of [204, 415, 400] as const) {
    const setting = setUpDelivery({ protocol: "auto", v2, maxSamplesPerSend: 4, bad: new Set(["s6"]) });
    const report = await setting.deliver(oneEach(8));
    assert.equal(report.delivered, 7, String(v2));
    assert.equal(report.rejected, 1, String(v2));
    assert.equal(setting.receiver.count, 7);
    assert.deepEqual(versions(setting).slice(0, 3), ["2.0.0", "0.1.0", "0.1.0"]);
    assert.equal(versions(setting).filter((version) => version === "2.0.0").length, 1);
    assert.equal(setting.delivery.version, "1.0");
    assert.match(
      setting.messages[0] ?? "",
      /^The receiver does not accept remote write 2\.0 \(.*\); the sender uses 1\.0 from now on/,
    );
  }
});

test("a fixed version never changes", async () => {
  for (const v2 of [204, 415, 400] as const) {
    const setting = setUpDelivery({ protocol: "2.0", v2, bisect: false });
    const report = await setting.deliver(oneEach(2));
    // A 415 is a refusal of all requests, whatever they contain.
    assert.equal(v2 === 415 ? report.failed : report.rejected, 2, String(v2));
    assert.equal(report.reasons.length, 1);
    assert.deepEqual(versions(setting), ["2.0.0"]);
  }
});

test("a 2.0 receiver that counts nothing leaves the outcome unknown, until it has counted a sample", async () => {
  const header = "X-Prometheus-Remote-Write-Samples-Written";
  const counting = (samples: number): Fault => ({
    kind: "answer",
    status: 204,
    headers: { [header]: String(samples) },
  });
  const faults = [counting(0), counting(0), counting(1), counting(0)];
  const setting = setUpDelivery({ protocol: "2.0", faults });
  const outcomes: string[] = [];
  for (let time = 1; time <= 4; time++) {
    const { delivered, rejected, unknown } = await setting.deliver(oneEach(1, undefined, time));
    outcomes.push(delivered === 1 ? "delivered" : rejected === 1 ? "rejected" : unknown === 1 ? "unknown" : "other");
  }
  assert.deepEqual(outcomes, ["unknown", "unknown", "delivered", "rejected"]);
  assert.equal(setting.messages.filter((message) => message.includes("unknown whether")).length, 1);
});

test("MUST NOT resend what a 2.0 receiver stored of a request it answers with 400", async () => {
  const setting = setUpDelivery({ protocol: "auto", bad: new Set(["s1", "s2"]) });
  const report = await setting.deliver(oneEach(8));
  assert.equal(report.delivered, 6);
  assert.equal(report.rejected, 2);
  assert.equal(report.requests, 1);
  assert.equal(setting.receiver.count, 6);
  assert.equal(setting.delivery.version, "2.0");
});

test("a 400 without Written headers from a receiver that knows 2.0 is bisected, and causes no fallback", async () => {
  const setting = setUpDelivery({
    protocol: "auto",
    faults: [{ kind: "pass" }, { kind: "answer", status: 400 }],
    maxSamplesPerSend: 4,
  });
  const report = await setting.deliver(oneEach(8));
  assert.equal(report.delivered, 8);
  assert.deepEqual(sizes(setting), [4, 4, 2, 2]);
  assert.equal(setting.delivery.version, "2.0");
});

test("samples that a 2xx to a 2.0 request leaves out are counted and reported", async () => {
  const { clock, receiver, delivery, messages } = createSending({ protocol: "auto" });
  const take = receiver.take.bind(receiver);
  receiver.take = ({ samples, ...request }) => take({ ...request, samples: samples.slice(1) });
  const pending = delivery.deliver(
    new DeliveryJob({ batch: oneEach(5), from: 0, to: 5 }),
    new AbortController().signal,
  );
  const report = await clock.settle(pending);
  assert.equal(report.delivered, 4);
  assert.equal(report.rejected, 1);
  assert.match(report.reasons[0]?.reason ?? "", /stored less than it was sent \(status 204\)/);
  assert.equal(messages.length, 1);
});

test("a 400 with Written headers of 0 still shows that the receiver knows 2.0", async () => {
  const setting = setUpDelivery({
    protocol: "auto",
    bad: new Set(["s0"]),
    faults: [{ kind: "pass" }, { kind: "answer", status: 400 }],
  });
  assert.equal((await setting.deliver(oneEach(1))).rejected, 1);
  assert.equal((await setting.deliver(oneEach(4))).delivered, 3);
  assert.equal(setting.delivery.version, "2.0");
});
