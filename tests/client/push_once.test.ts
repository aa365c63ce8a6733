import assert from "node:assert/strict";
import { test } from "node:test";
import { pushOnce, type TimeSeries } from "../../mod.ts";
import { receivedValues, strictReceiver } from "../support/strict_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

function series(name: string, value: number): TimeSeries {
  return { labels: [{ name: "__name__", value: name }], samples: [{ value, timestamp: 1_700_000_000_000 }] };
}

const url = "http://receiver.test/api/v1/write";

test("pushOnce delivers the series, reports them as delivered, and leaves no timer", async () => {
  const receiver = strictReceiver();
  const clock = new VirtualClock();
  const { now, sleep } = clock;
  const report = await pushOnce([series("a", 1), series("b", 2)], { url, fetch: receiver.fetch, now, sleep });
  assert.deepEqual(receivedValues(receiver), ["a=1", "b=2"]);
  assert.equal(report.delivered, 2);
  assert.equal(report.requests, 1);
  assert.equal(clock.timers, 0);
});

test("pushOnce sends nothing for no series", async () => {
  const receiver = strictReceiver();
  const report = await pushOnce([], { url, fetch: receiver.fetch });
  assert.deepEqual([report.samples, report.requests, receiver.writes.length], [0, 0, 0]);
});

for (const protocol of ["1.0", "2.0"] as const) {
  test(`values that should be strings, as JavaScript may pass them, are sent as strings in ${protocol}`, async () => {
    const receiver = strictReceiver();
    const timeSeries = {
      labels: [
        { name: "__name__", value: "a" },
        { name: "code", value: 200 },
        { name: "none", value: null },
        { name: "empty", value: [] },
      ],
      samples: [{ value: 1, timestamp: 1_700_000_000_000 }],
      exemplars: [{ labels: [{ name: 7, value: "x" }], value: 1, timestamp: 1_700_000_000_000 }],
      metadata: { type: "gauge", help: 5, unit: null },
    } as unknown as TimeSeries;
    const { delivered } = await pushOnce([timeSeries], { url, protocol, fetch: receiver.fetch });
    assert.equal(delivered, 1);
    const [sent] = receiver.writes.flatMap((write) => write.timeSeries);
    assert.deepEqual(sent?.labels, [{ name: "__name__", value: "a" }, { name: "code", value: "200" }]);
    if (protocol === "2.0") assert.deepEqual(sent?.metadata, { type: "gauge", help: "5" });
  });
}

test("a refusal is reported, not thrown", async () => {
  const refused = (): Response => new Response("this tenant is closed", { status: 403 });
  const report = await pushOnce([series("a", 1)], {
    url,
    fetch: strictReceiver({ answer: refused }).fetch,
    onWarning: () => {},
  });
  assert.deepEqual(report.reasons, [{ outcome: "failed", reason: "status 403: this tenant is closed", samples: 1 }]);
});

test("maxRequests limits the requests, including retries, and the other samples are deferred", async () => {
  const busy = (request: number): Response | undefined =>
    request === 0 ? new Response("busy", { status: 503 }) : undefined;
  const receiver = strictReceiver({ answer: busy });
  const given = [series("a", 1), series("b", 2), series("c", 3)];
  const report = await pushOnce(given, {
    url,
    fetch: receiver.fetch,
    maxSamplesPerSend: 1,
    maxRequests: 3,
    random: () => 0,
    onWarning: () => {},
  });
  assert.deepEqual(receivedValues(receiver), ["a=1", "b=2"]);
  const { delivered, deferred, requests, retries } = report;
  assert.deepEqual({ delivered, deferred, requests, retries }, { delivered: 2, deferred: 1, requests: 3, retries: 1 });
});

test("a signal ends a push, and the samples of the open request have failed", async () => {
  const abort = new AbortController();
  const fetch: typeof globalThis.fetch = (_, init) =>
    new Promise((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      abort.abort();
    });
  const { failed, deferred } = await pushOnce([series("a", 1)], { url, fetch, signal: abort.signal });
  assert.deepEqual({ failed, deferred }, { failed: 1, deferred: 0 });
});

test("a push ends by itself if the endpoint never recovers", async () => {
  const clock = new VirtualClock(0);
  const down = (): Response => new Response("down", { status: 503 });
  const pushed = pushOnce([series("a", 1)], {
    url,
    fetch: strictReceiver({ answer: down }).fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    onWarning: () => {},
  });
  const { failed } = await clock.settle(pushed);
  assert.equal(failed, 1);
  assert.ok(clock.now() <= 15_000, `it took ${clock.now()} ms`);
  assert.equal(clock.timers, 0);
});

test("wrong options, and series that cannot be sent, are errors", async () => {
  await assert.rejects(pushOnce([], { url, maxRequests: 0 }), {
    name: "ConfigurationError",
    message: /maxRequests\b.*0.*number from 1/,
  });
  await assert.rejects(pushOnce([{ labels: [], samples: [{ value: 1, timestamp: 1 }] }], { url }), {
    name: "FormatError",
  });
});
