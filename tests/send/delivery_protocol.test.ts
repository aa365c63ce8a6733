import assert from "node:assert/strict";
import { test } from "node:test";
import { oneEach, setUp, sizes, versions } from "../support/delivering.ts";
import { FakePrometheus } from "../support/fake_prometheus.ts";
import { createSending } from "../support/sending.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

test("auto begins with 2.0 and stays with it where it is known", async () => {
  const setting = setUp({ protocol: "auto" });
  await setting.deliver(oneEach(3));
  assert.equal(setting.delivery.version, "2.0");
  assert.deepEqual(versions(setting), ["2.0.0"]);
});

test("auto falls back to 1.0, once and for good, and nothing is lost", async () => {
  for (const ignorance of ["silent 204", "415", "400"] as const) {
    const setting = setUp({ protocol: "auto", ignorance, maxSamplesPerSend: 4, bad: new Set(["s6"]) });
    const report = await setting.deliver(oneEach(8));
    assert.equal(report.delivered, 7, ignorance);
    assert.equal(report.rejected, 1, ignorance);
    assert.equal(setting.receiver.count, 7);
    assert.deepEqual(versions(setting).slice(0, 3), ["2.0.0", "0.1.0", "0.1.0"]);
    assert.equal(versions(setting).filter((version) => version === "2.0.0").length, 1);
    assert.equal(setting.delivery.version, "1.0");
    assert.match(
      setting.messages[0] ?? "",
      /^The receiver does not take remote write 2\.0 \(.*\); it gets 1\.0 from now on/,
    );
  }
});

test("a fixed version is never left", async () => {
  for (const ignorance of ["silent 204", "415", "400"] as const) {
    const setting = setUp({ protocol: "2.0", ignorance, bisect: false });
    const report = await setting.deliver(oneEach(2));
    assert.equal(report.rejected, 2, ignorance);
    assert.equal(report.reasons.length, 1);
    assert.deepEqual(versions(setting), ["2.0.0"]);
  }
});

test("MUST NOT resend what a 2.0 receiver stored of a request it answers with 400", async () => {
  const setting = setUp({ protocol: "auto", bad: new Set(["s1", "s2"]) });
  const report = await setting.deliver(oneEach(8));
  assert.equal(report.delivered, 6);
  assert.equal(report.rejected, 2);
  assert.equal(report.requests, 1);
  assert.equal(setting.receiver.count, 6);
  assert.equal(setting.delivery.version, "2.0");
});

test("a 400 without Written headers, to a receiver known to take 2.0, is bisected and no reason to fall back", async () => {
  const setting = setUp({
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
  const clock = new VirtualClock();
  const receiver = new FakePrometheus();
  const answer = receiver.write.bind(receiver);
  receiver.write = (samples, version) => answer(samples.slice(1), version);
  const { delivery, messages } = createSending({ clock, receiver, protocol: "auto" });
  const pending = delivery.deliver({ batch: oneEach(5), from: 0, to: 5 }, new AbortController().signal);
  const report = await clock.settle(pending);
  assert.equal(report.delivered, 4);
  assert.equal(report.rejected, 1);
  assert.match(report.reasons[0]?.reason ?? "", /stored less than it was sent \(status 204\)/);
  assert.equal(messages.length, 1);
});

test("a 400 whose Written headers say 0 still shows that 2.0 is known", async () => {
  const setting = setUp({
    protocol: "auto",
    bad: new Set(["s0"]),
    faults: [{ kind: "pass" }, { kind: "answer", status: 400 }],
  });
  assert.equal((await setting.deliver(oneEach(1))).rejected, 1);
  assert.equal((await setting.deliver(oneEach(4))).delivered, 3);
  assert.equal(setting.delivery.version, "2.0");
});
