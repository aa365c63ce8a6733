// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import { withFlagAdvice } from "../../src/cli/flag_advice.ts";
import { type CheckpointOptions, DeliveryError, type DeliveryReport, pushOnce, RemoteWriteClient } from "../../mod.ts";
import { type Fault, page, plainHttpPage, ScriptedReceiver } from "../support/scripted_receiver.ts";
import {
  assertAddsUp,
  clientOptions,
  counts,
  live,
  mergedOf,
  type Run,
  sampleRequests,
  seriesName,
  startRun,
  timeSeries,
} from "../support/scripted_run.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

type SettledWindow = Parameters<CheckpointOptions["onWindow"]>[0];

/** Refusals by the endpoint, and what a warning says about their likely cause. */
const refusals: readonly (readonly [title: string, fault: Fault, cause: RegExp])[] = [
  ["401", { kind: "answer", status: 401, body: "no" }, /credential/i],
  ["403", { kind: "answer", status: 403, body: "no" }, /credential/i],
  ["404", { kind: "answer", status: 404, body: "no" }, /path|URL/],
  ["405", { kind: "answer", status: 405, body: "no" }, /path|URL/],
  ["redirect", { kind: "answer", status: 302, headers: { Location: "http://login.test/" } }, /host|log.?in/i],
  ["page", page, /host|log.?in/i],
];

/** In 2.0, a 400 may mean that the receiver knows only 1.0, so that one more request shows what it means. */
const refusalsIn1: typeof refusals = [
  ...refusals,
  ["page with the status 400", plainHttpPage, /https:/],
];

const seriesCount = 5;
const protocols = ["1.0", "auto"] as const;

for (const protocol of protocols) {
  for (const [title, fault] of protocol === "1.0" ? refusalsIn1 : refusals) {
    test(`after a ${title}, a client and pushOnce give up at once, after one request (${protocol})`, async () => {
      const clock = new VirtualClock();
      const receiver = new ScriptedReceiver({ clock, latencyMs: 10 });
      receiver.meet(fault);
      const options = { ...clientOptions({ clock, receiver }), protocol };
      const startMs = clock.now();
      const client = new RemoteWriteClient(options);
      await assert.rejects(clock.settle(client.write(timeSeries(seriesCount, startMs))), DeliveryError);
      assert.equal(receiver.requests.length, 1);
      const report = await clock.settle(pushOnce(timeSeries(seriesCount, startMs), options));
      assertAddsUp(report);
      assert.equal(report.delivered, 0);
      assert.equal(receiver.requests.length, 2);
      assert.ok(clock.now() - startMs < 1000, `it took ${clock.now() - startMs} ms`);
    });
  }
}

/** Replays so many windows of five series; the file is read as far as the output takes it. */
async function replay(
  { windows, faults, checkpoint, previous }: {
    readonly windows: number;
    readonly faults?: readonly Fault[];
    readonly checkpoint?: CheckpointOptions;
    readonly previous?: Run;
  },
  fault?: Fault,
): Promise<Run & { readonly report: DeliveryReport; readonly tookMs: number }> {
  const run = startRun({
    behaviour: { latencyMs: 10 },
    faults,
    previous,
    output: {
      protocol: "1.0",
      windows: "event",
      overflow: "block",
      capacity: 10 * seriesCount,
      closeTimeoutMs: Infinity,
      checkpoint,
    },
  });
  const { clock, output } = run;
  if (fault !== undefined) run.receiver.meet(fault);
  const startMs = clock.now();
  for (let window = 0; window < windows; window++) {
    output.add(counts(seriesCount, Date.UTC(2025, 11, 31) + window * 1000));
    await clock.settle(output.ready());
  }
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  return { ...run, report, tookMs: clock.now() - startMs };
}

for (const [title, fault] of refusalsIn1) {
  test(`after a ${title}, a replay of 1,500 windows stops at once: one request, nothing delivered`, async () => {
    const { report, receiver, warnings, tookMs } = await replay({ windows: 1500 }, fault);
    assert.equal(receiver.requests.length, 1);
    assert.equal(report.delivered, 0);
    assert.ok(tookMs < 5000, `it took ${tookMs} ms`);
    assert.equal(warnings.length, 1, JSON.stringify(warnings));
  });
}

for (const [title, fault] of refusalsIn1) {
  test(`after a ${title}, the checkpoint stays where it is, and the same replay sends everything later`, async () => {
    const recorded: { readonly index: number; readonly acknowledged: boolean }[] = [];
    const onWindow = (window: (typeof recorded)[number]): void => void recorded.push(window);
    const first = await replay({ windows: 30, checkpoint: { onWindow } }, fault);
    assert.deepEqual(recorded.filter(({ acknowledged }) => acknowledged), []);
    assert.equal(first.receiver.requests.length, 1);
    const windowsSent = recorded.filter(({ acknowledged }) => acknowledged).length;
    const second = await replay({ windows: 30, checkpoint: { windowsSent, onWindow } });
    assert.deepEqual([second.receiver.count, second.report.delivered], [30 * seriesCount, 30 * seriesCount]);
  });

  test(`a ${title} in the middle of a replay stops it there: what was sent before is recorded, the rest is sent later`, async () => {
    const recorded: { readonly index: number; readonly acknowledged: boolean }[] = [];
    const onWindow = (window: (typeof recorded)[number]): void => void recorded.push(window);
    const faults = [...Array.from({ length: 6 }, (): Fault => ({ kind: "pass" })), fault];
    // The metadata of 1.0 is sent as well, after the first window.
    const first = await replay({ windows: 30, faults, checkpoint: { onWindow } });
    const windowsSent = recorded.filter(({ acknowledged }) => acknowledged).length;
    assert.equal(windowsSent * seriesCount, first.receiver.count);
    assert.ok(windowsSent >= 5 && windowsSent <= 6, `${windowsSent} windows are recorded`);
    assert.equal(first.receiver.requests.length, 7);
    const later = await replay({ windows: 30, checkpoint: { windowsSent, onWindow }, previous: first });
    assert.equal(first.receiver.count, 30 * seriesCount);
    assert.equal(later.report.delivered, (30 - windowsSent) * seriesCount);
  });
}

const outage = 130;

/** All but the warning that says by how much the sender is behind. */
function aboutRefusals(warnings: readonly string[]): string[] {
  return warnings.filter((warning) => !warning.includes("behind"));
}

for (const [title, fault, cause] of refusalsIn1) {
  test(`while a live run meets a ${title}, there is one request for each back-off and one warning, and afterwards the totals arrive`, async () => {
    const run = startRun({ behaviour: { latencyMs: 10 }, output: { protocol: "1.0" } });
    const { clock, receiver, output, warnings } = run;
    let during = 0;
    await live(run, 10 + outage + 70, (second) => {
      if (second === 10) receiver.meet(fault, outage * 1000);
      if (second === 10) during = receiver.requests.length;
      if (second === 10 + outage) during = receiver.requests.length - during;
      output.add(counts(seriesCount, clock.now()));
    });
    // From 1 s doubling to 60 s, with or without jitter: at 0, 1, 3, 7, 15, 31, 63, 123 s.
    assert.ok(during >= 6 && during <= 14, `${during} requests in ${outage} s`);
    const beforeClose = receiver.totals.get(seriesName(0));
    assert.ok((beforeClose ?? 0) >= 10 + outage, `the total that is stored before the end is ${beforeClose}`);
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    for (let n = 0; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), 10 + outage + 70);
    assert.deepEqual([report.rejected, report.failed, report.dropped, report.deferred], [0, 0, 0, 0]);
    assert.equal(report.delivered, receiver.count);
    assert.equal(report.delivered + mergedOf(report), (10 + outage + 70) * seriesCount);
    const [warning = "", ...others] = aboutRefusals(warnings);
    // The command adds the likely cause.
    assert.match(withFlagAdvice(warning), cause);
    assert.deepEqual(others, []);
  });
}

test("a live run that the endpoint refuses from its beginning to its end says so in time, after few requests", async () => {
  for (const [title, fault] of refusals) {
    const run = startRun({ behaviour: { latencyMs: 10 } });
    const { clock, receiver, output, warnings } = run;
    receiver.meet(fault);
    await live(run, 40, () => output.add(counts(seriesCount, clock.now())));
    const closingMs = clock.now();
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.equal(report.delivered, 0, title);
    assert.ok(clock.now() - closingMs <= 30_000, `${title}: close() took ${clock.now() - closingMs} ms`);
    assert.ok(receiver.requests.length <= 12, `${title}: ${receiver.requests.length} requests`);
    assert.equal(aboutRefusals(warnings).length, 1, `${title}: ${JSON.stringify(warnings)}`);
    assert.equal(clock.timers, 0, "a timer is left");
  }
});

test("close() tries once more after a refusal by the endpoint: credentials that are right by then deliver the totals", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 }, output: { protocol: "1.0" } });
  const { clock, receiver, output } = run;
  receiver.meet({ kind: "answer", status: 401, body: "no" }, 39_999);
  await live(run, 40, () => output.add(counts(seriesCount, clock.now())));
  await clock.settle(output.close());
  for (let n = 0; n < seriesCount; n++) assert.equal(receiver.totals.get(seriesName(n)), 40);
});

test("the samples of a request that was refused by the endpoint are not lost: a live run sends them again", async () => {
  const run = startRun({ behaviour: { latencyMs: 10 }, output: { protocol: "1.0" } });
  const { clock, receiver, output } = run;
  receiver.meet({ kind: "answer", status: 403, body: "no" }, 5000);
  await live(run, 30, (second) => {
    // One series has a single sample, in the window that is refused first.
    if (second === 0) output.add(counts(seriesCount, clock.now()));
    else output.add(counts(seriesCount - 1, clock.now()));
  });
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.equal(receiver.totals.get(seriesName(seriesCount - 1)), 1);
  assert.equal(report.delivered, report.samples);
  assert.ok(sampleRequests(receiver).length > 3);
});
