// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
/** Requests with several samples of a series: a receiver that stores the good part refuses the older ones when they come again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryError, type DeliveryReport, RemoteWriteClient, type TimeSeries } from "../../mod.ts";
import { type Behaviour, mimir, prometheus, ScriptedReceiver, thanos } from "../support/scripted_receiver.ts";
import { assertAddsUp, clientOptions } from "../support/scripted_run.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const seriesCount = 100;
const samplesEach = 4;

/** Every twentieth series is bad. */
const isBad = (n: number): boolean => n % 20 === 7;
const bad: Behaviour["bad"] = ({ labels }) => labels.some(({ name, value }) => name === "n" && isBad(Number(value)));
const badCount = 5;

/** Returns series with a sample for each of these times. */
function write(times: readonly number[], count = seriesCount): TimeSeries[] {
  return Array.from({ length: count }, (_, n) => ({
    labels: [{ name: "__name__", value: "c" }, { name: "n", value: String(n) }],
    samples: times.map((timestamp) => ({ value: timestamp, timestamp })),
  }));
}

/** A client in front of a receiver. Its calls resolve with the report, also if samples were refused. */
function start(
  behaviour: Behaviour,
  protocol: "1.0" | "2.0",
): { readonly receiver: ScriptedReceiver; readonly send: (series: readonly TimeSeries[]) => Promise<DeliveryReport> } {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock, ...behaviour });
  const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), protocol });
  const send = (series: readonly TimeSeries[]): Promise<DeliveryReport> =>
    clock.settle(
      client.write(series).catch((error: unknown) => {
        if (!(error instanceof DeliveryError)) throw error;
        return error.report;
      }),
    );
  return { receiver, send };
}

const times = (window: number): number[] =>
  Array.from({ length: samplesEach }, (_, index) => Date.UTC(2026, 0, 1) + 1000 * (window * samplesEach + index));

const receivers: readonly (readonly [title: string, protocol: "1.0" | "2.0", Behaviour])[] = [
  ["1.0, stores the good part as Mimir", "1.0", mimir],
  ["1.0, 409 and stores the good part as Thanos", "1.0", thanos],
  ["2.0, counts what was received as Mimir", "2.0", mimir],
  ["1.0, rolls back as Prometheus", "1.0", prometheus],
  ["2.0, counts what it stored as Prometheus", "2.0", prometheus],
];

for (const [title, protocol, behaviour] of receivers) {
  const isPartial = behaviour.onBad === "storesGoodPart";
  test(`several samples of a good series are never rejected because a bad series is among them (${title})`, async () => {
    const { receiver, send } = start({ ...behaviour, bad }, protocol);
    const good = (seriesCount - badCount) * samplesEach;
    const first = await send(write(times(0)));
    assertAddsUp(first);
    assert.equal(receiver.count, good);
    assert.equal(first.rejected, badCount * samplesEach);
    assert.equal(first.delivered + first.unknown, good);
    // It is not known whether the older samples of a series were refused because they were stored.
    assert.equal(first.unknown > 0, isPartial, `${first.unknown} unknown`);
    assert.ok(first.requests < 120, `${first.requests} requests`);
    const second = await send(write(times(1)));
    assert.deepEqual(
      [second.delivered, second.rejected],
      [good, badCount * samplesEach],
      "a good series is in quarantine",
    );
    assert.ok(second.requests <= 2);
  });
}

/** Times before this one are too old. */
const limit = times(1)[0] ?? 0;
const tooOld: Behaviour["bad"] = ({ time }) => time < limit;

test("samples of a series that are too old are rejected, and the newer ones are delivered, if the receiver rolls back", async () => {
  const { receiver, send } = start({ ...prometheus, bad: tooOld }, "1.0");
  const report = await send(write([...times(0), ...times(1)], 10));
  assertAddsUp(report);
  assert.deepEqual([report.delivered, report.rejected, receiver.count], [40, 40, 40]);
});

test("if only older samples are bad and the receiver stores the good part, not all of them count as perhaps stored", async () => {
  const { receiver, send } = start({ ...mimir, bad: tooOld }, "1.0");
  const report = await send(write([...times(0), ...times(1)], 10));
  assertAddsUp(report);
  assert.equal(receiver.count, 40);
  assert.equal(report.delivered, 10, "the newest sample of each series");
  assert.ok(report.rejected >= 1, "the refusal has a cause, so that the exit code is not 0");
  assert.ok(report.unknown >= 30);
  const next = await send(write(times(2), 10));
  assert.equal(next.delivered, 40, "no series is in quarantine");
});

test("if every sample of every series is refused, every sample is rejected", async () => {
  for (const behaviour of [mimir, prometheus]) {
    const { receiver, send } = start({ ...behaviour, bad: () => true }, "1.0");
    const report = await send(write(times(0), 10));
    assert.deepEqual([report.rejected, receiver.count], [40, 0]);
  }
});
