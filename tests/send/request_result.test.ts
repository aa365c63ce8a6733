import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefusalByEndpoint, type RequestResult } from "../../src/send/request_result.ts";
import { type Fault, ScriptedReceiver } from "../support/scripted_receiver.ts";
import {
  assertAddsUp,
  clientOptions,
  counts,
  live,
  seriesName,
  startRun,
  timeSeries,
} from "../support/scripted_run.ts";
import { answer, answering, send } from "../support/sending.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { pushOnce } from "../../mod.ts";

/** The client errors of https://www.iana.org/assignments/http-status-codes, and some that proxies invented. */
const clientErrors: readonly number[] = [
  ...Array.from({ length: 19 }, (_, index) => 400 + index),
  ...[420, 421, 422, 423, 424, 425, 426, 428, 429, 431, 440, 444, 451, 460, 494, 495, 496, 497, 499],
];

/** The statuses with which receivers refuse samples, as the facts about the protocol list them. */
const ofSamples: readonly number[] = [400, 409, 413, 422];

test("a 4xx is a refusal of samples, a refusal by the endpoint, or (429) about the time", async () => {
  for (const status of clientErrors) {
    const result = await send({ fetch: answering(answer(status)).fetch });
    assert.equal(result.kind, status === 429 ? "failed" : "rejected", `${status}`);
    const expected = status !== 429 && !ofSamples.includes(status);
    assert.equal(isRefusalByEndpoint(result), expected, `${status}`);
  }
});

test("a page is a refusal by the endpoint, but an answer without a body is no page, and a 413 is about the size", async () => {
  const html = { "Content-Type": "text/html; charset=utf-8" };
  const resultOf = (
    status: number,
    body: string | null,
    headers: Record<string, string> = {},
  ): Promise<RequestResult> =>
    send({ fetch: () => Promise.resolve(new Response(body, { status, headers: { ...html, ...headers } })) });
  for (const status of [200, 400, 409, 422]) {
    assert.equal(isRefusalByEndpoint(await resultOf(status, "<html>Log in</html>")), true, `${status}`);
  }
  assert.equal((await resultOf(204, null)).kind, "written");
  // As the frameworks answer whose usual type is a page.
  assert.equal((await resultOf(200, "", { "Content-Length": "0" })).kind, "written");
  const tooLarge = await resultOf(413, "<html>413 Request Entity Too Large</html>");
  assert.deepEqual([tooLarge.kind, isRefusalByEndpoint(tooLarge)], ["rejected", false]);
});

for (const status of [408, 410, 421, 425] as const) {
  test(`a ${status} costs a live run no sample`, async () => {
    const run = startRun({ behaviour: { latencyMs: 10 }, output: { protocol: "1.0" } });
    const { clock, receiver, output } = run;
    await live(run, 60, (second) => {
      if (second === 10) receiver.meet({ kind: "answer", status }, 5000);
      output.add(counts(second === 10 ? 5 : 1, clock.now()));
    });
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.equal(report.delivered, report.samples);
    for (let n = 1; n < 5; n++) assert.equal(receiver.totals.get(seriesName(n)), 1);
  });

  test(`MUST NOT retry a ${status}: pushOnce sends one request, and reports its samples as failed`, async () => {
    const clock = new VirtualClock();
    const receiver = new ScriptedReceiver({ clock });
    receiver.meet({ kind: "answer", status });
    const report = await clock.settle(pushOnce(timeSeries(5, clock.now()), clientOptions({ clock, receiver })));
    assert.deepEqual([report.failed, report.requests], [5, 1]);
  });
}

/** Replays 30 windows in front of an endpoint that refuses the seventh and later requests for a while. */
async function replay(fault: Fault, forMs: number): Promise<{ readonly delivered: number; readonly requests: number }> {
  const run = startRun({
    behaviour: { latencyMs: 10 },
    output: { protocol: "1.0", windows: "event", overflow: "block", capacity: 20, closeTimeoutMs: Infinity },
  });
  const { clock, receiver, output } = run;
  for (let window = 0; window < 30; window++) {
    if (window === 10) receiver.meet(fault, forMs);
    output.add(counts(2, Date.UTC(2025, 11, 31) + window * 1000));
    await clock.settle(output.ready());
  }
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  return { delivered: report.delivered, requests: receiver.requests.length };
}

for (const status of [408, 421, 425] as const) {
  test(`a replay goes on after a ${status}, which passes by itself, but not if it lasts longer than retryDeadlineMs`, async () => {
    assert.equal((await replay({ kind: "answer", status }, 3000)).delivered, 60);
    const { delivered, requests } = await replay({ kind: "answer", status }, 3_600_000);
    assert.ok(delivered < 60 && requests < 30, `${delivered} samples, ${requests} requests`);
  });
}

test("a replay stops after a 410", async () => {
  assert.ok((await replay({ kind: "answer", status: 410 }, 3000)).delivered < 60);
});
