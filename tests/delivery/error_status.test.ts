import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientOptions, DeliveryError, type DeliveryReport, pushOnce, RemoteWriteClient } from "../../mod.ts";
import { type Behaviour, mimir, openTelemetryCollector, page, ScriptedReceiver } from "../support/scripted_receiver.ts";
import { assertAddsUp, clientOptions, sampleRequests, timeSeries } from "../support/scripted_run.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const seriesCount = 10;
/** Three of the ten series are bad. */
const bad: Behaviour["bad"] = ({ labels }) => labels.some(({ name, value }) => name === "n" && Number(value) >= 7);

/** Pushes ten series once, and returns what happened to them. */
async function push(
  behaviour: Behaviour,
  options: ClientOptions = {},
): Promise<{ report: DeliveryReport; receiver: ScriptedReceiver }> {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, ...behaviour });
  const series = timeSeries(seriesCount, clock.now());
  const report = await clock.settle(pushOnce(series, { ...clientOptions({ clock, receiver }), ...options }));
  assertAddsUp(report);
  return { report, receiver };
}

/** Writes ten series with a client; its report, whether it resolves or rejects. */
async function write(
  behaviour: Behaviour,
  options: ClientOptions = {},
): Promise<{ report: DeliveryReport; rejects: boolean; receiver: ScriptedReceiver }> {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, ...behaviour });
  const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), retryDeadlineMs: 10_000, ...options });
  const { report, rejects } = await clock.settle(
    client.write(timeSeries(seriesCount, clock.now())).then(
      (report) => ({ report, rejects: false }),
      (error: unknown) => {
        if (!(error instanceof DeliveryError)) throw error;
        return { report: error.report, rejects: true };
      },
    ),
  );
  assertAddsUp(report);
  return { report, rejects, receiver };
}

const onBad = ["rollsBack", "storesGoodPart"] as const;

for (const protocol of ["2.0", "auto"] as const) {
  for (const partial of onBad) {
    for (const badStatus of [400, 422, 409] as const) {
      test(`a ${badStatus} that counts everything sent as written is no success: the report says what is stored (${protocol}, the receiver ${partial})`, async () => {
        const behaviour = { ...mimir, bad, badStatus, onBad: partial };
        const pushed = await push(behaviour, { protocol });
        assert.deepEqual([pushed.report.delivered, pushed.report.rejected], [7, 3]);
        assert.equal(pushed.receiver.count, 7);
        const written = await write(behaviour, { protocol });
        assert.ok(written.rejects, "write() resolved although samples were refused");
        assert.deepEqual([written.report.delivered, written.report.rejected], [7, 3]);
        assert.equal(written.receiver.count, 7);
      });
    }
  }
}

for (const status of [400, 401, 403, 404, 405, 409, 413, 415, 422, 500] as const) {
  test(`MUST NOT take a ${status} for success, whatever its Written headers say, where nothing is stored (2.0)`, async () => {
    const counts = { "X-Prometheus-Remote-Write-Samples-Written": String(seriesCount) };
    const clock = new VirtualClock();
    const receiver = new ScriptedReceiver({ clock });
    receiver.meet({ kind: "answer", status, headers: counts, body: "no" });
    const options = { ...clientOptions({ clock, receiver }), protocol: "2.0" as const };
    const report = await clock.settle(pushOnce(timeSeries(seriesCount, clock.now()), options));
    assertAddsUp(report);
    assert.equal(report.delivered, 0);
  });
}

test("SHOULD believe Written counts of a 400 that are smaller than what was sent, and not send anything again", async () => {
  const { report, receiver } = await push({ onBad: "storesGoodPart", written: "stored", bad }, { protocol: "2.0" });
  assert.deepEqual([report.delivered, report.rejected], [7, 3]);
  assert.equal(receiver.count, 7);
  assert.equal(receiver.requests.length, 1);
});

test("Written counts of a 400 that are smaller than what was sent are believed in auto, too, and show that 2.0 is known", async () => {
  const { report, receiver } = await push({ onBad: "storesGoodPart", written: "stored", bad });
  assert.deepEqual([report.delivered, report.rejected], [7, 3]);
  assert.deepEqual(receiver.requests.map(({ version }) => version), ["2.0"]);
});

test("a 400 to 2.0 without Written headers says nothing about what is stored: the good series are found (2.0)", async () => {
  for (const partial of onBad) {
    const behaviour: Behaviour = { onBad: partial, written: "stored", refusalWritten: "none", bad };
    const { report, receiver } = await push(behaviour, { protocol: "2.0" });
    assert.deepEqual([report.delivered, report.rejected, receiver.count], [7, 3, 7], partial);
  }
});

for (const v2 of [200, 204] as const) {
  test(`in auto, a first ${v2} without Written headers means that the receiver does not know 2.0: it gets 1.0 for good`, async () => {
    const { report, rejects, receiver } = await write({ v2 });
    assert.deepEqual([report.delivered, rejects, receiver.count], [10, false, 10]);
    const versions = sampleRequests(receiver).map(({ version }) => version);
    assert.deepEqual(versions, ["2.0", "1.0"]);
  });
}

test("in auto, a first 2xx whose Written counts are all 0 causes a fallback to 1.0, and nothing is lost", async () => {
  const { report, rejects, receiver } = await write({ written: "zero" });
  assert.deepEqual([report.delivered, rejects, receiver.count], [10, false, 10]);
  assert.deepEqual(sampleRequests(receiver).map(({ version }) => version), ["2.0", "1.0"]);
});

test("a 2xx whose Written counts are all 0 is not delivered where 2.0 is asked for", async () => {
  const { report, rejects } = await write({ written: "zero" }, { protocol: "2.0" });
  assert.deepEqual([report.delivered, rejects], [0, true]);
});

test("a 2xx whose Written counts are all 0, after 2.0 was confirmed, causes no fallback and is not delivered", async () => {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock });
  const client = new RemoteWriteClient(clientOptions({ clock, receiver }));
  await clock.settle(client.write(timeSeries(seriesCount, clock.now())));
  receiver.behave({ written: "zero" });
  await assert.rejects(clock.settle(client.write(timeSeries(seriesCount, clock.now() + 1))), DeliveryError);
  assert.deepEqual(receiver.requests.map(({ version }) => version), ["2.0", "2.0"]);
});

for (const protocol of ["auto", "1.0", "2.0"] as const) {
  test(`a 200 with a page is a refusal by the endpoint: nothing is delivered, after one request (${protocol})`, async () => {
    const clock = new VirtualClock();
    const receiver = new ScriptedReceiver({ clock });
    receiver.meet(page);
    const options = { ...clientOptions({ clock, receiver }), protocol };
    const report = await clock.settle(pushOnce(timeSeries(seriesCount, clock.now()), options));
    assertAddsUp(report);
    assert.equal(report.delivered, 0);
    assert.equal(receiver.requests.length, 1);
    assert.match(report.reasons[0]?.reason ?? "", /page|text\/html/);
    const client = new RemoteWriteClient(options);
    await assert.rejects(clock.settle(client.write(timeSeries(seriesCount, clock.now()))), DeliveryError);
    assert.equal(receiver.requests.length, 2);
  });
}

test("a 200 that is not a page is a success in 1.0: MUST ignore the body of a 2xx", async () => {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock });
  for (const type of ["text/plain; charset=utf-8", "application/json", "application/x-protobuf"]) {
    receiver.meet({ kind: "answer", status: 200, stored: true, headers: { "Content-Type": type }, body: "refused" });
    const options = { ...clientOptions({ clock, receiver }), protocol: "1.0" as const };
    const report = await clock.settle(pushOnce(timeSeries(seriesCount, clock.now()), options));
    assert.equal(report.delivered, 10, type);
  }
});

test("MUST NOT retry a 2xx: a receiver that counts refused samples as written is believed", async () => {
  const { report, receiver } = await push({ ...openTelemetryCollector, bad }, { protocol: "2.0" });
  assert.deepEqual([report.delivered, receiver.count, receiver.requests.length], [10, 7, 1]);
});
