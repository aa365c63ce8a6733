import assert from "node:assert/strict";
import { test } from "node:test";
import type { EncodedRequest, Failed, RequestResult, Send } from "../../src/send/request_result.ts";
import { type RetryOptions, withRetry } from "../../src/send/retry.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { firstAttempt } from "../support/sending.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const request: EncodedRequest = { version: "1.0", body: new Uint8Array(1), samples: 1, ...firstAttempt };
const once = { attempts: 1, unknownBefore: false } as const;
const written: RequestResult = { kind: "written", status: 204, written: undefined, ...once };
const failure: Failed = {
  kind: "failed",
  status: 503,
  reason: "busy",
  retryAfterMs: undefined,
  unknown: false,
  disconnected: false,
  ...once,
};
const rejected: RequestResult = { kind: "rejected", status: 400, reason: "bad", written: undefined, ...once };

const retryOptions = { timeoutMs: 30_000, retryOn429: true, random: () => 1, warnings: new Warnings(() => {}) };

/** A `send` that returns these results in turn, and the last one again and again. It records times and attempt numbers. */
function scripted(
  clock: VirtualClock,
  ...results: readonly RequestResult[]
): { send: Send; times: number[]; attempts: number[] } {
  const times: number[] = [];
  const attempts: number[] = [];
  const start = clock.now();
  const send: Send = ({ attempt }) => {
    times.push(clock.now() - start);
    attempts.push(attempt);
    return Promise.resolve(results[Math.min(times.length, results.length) - 1] ?? written);
  };
  return { send, times, attempts };
}

async function run(
  results: readonly RequestResult[],
  options: Partial<RetryOptions> = {},
  changes: Partial<EncodedRequest> = {},
): Promise<{ result: RequestResult; times: number[]; attempts: number[] }> {
  const clock = new VirtualClock();
  const script = scripted(clock, ...results);
  const send = withRetry(script.send, { ...retryOptions, ...clock, ...options });
  const retryUntilMs = clock.monotonicNow() + (changes.retryUntilMs ?? Infinity);
  const result = await clock.settle(send({ ...request, ...changes, retryUntilMs }, new AbortController().signal));
  assert.equal(clock.timers, 0);
  return { result, times: script.times, attempts: script.attempts };
}

test("pauses double from 30 ms up to 5 s", async () => {
  const { result, times, attempts } = await run([...Array<RequestResult>(11).fill(failure), written]);
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.deepEqual(pauses, [30, 60, 120, 240, 480, 960, 1920, 3840, 5000, 5000, 5000]);
  assert.deepEqual(attempts, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(result, { ...written, attempts: 12 });
});

test("jitter goes from no pause to the whole pause", async () => {
  const { times } = await run([failure, failure, failure, written], { random: () => 0.25 });
  assert.deepEqual(times, [0, 7.5, 22.5, 52.5]);
  assert.deepEqual((await run([failure, written], { random: () => 0 })).times, [0, 0]);
});

test("Retry-After overrides the back-off, up to a minute", async () => {
  const asking = (retryAfterMs: number): RequestResult => ({ ...failure, status: 429, retryAfterMs });
  const { times } = await run([asking(2000), asking(7_200_000), asking(0), written], { random: () => 0.5 });
  assert.deepEqual(times, [0, 2000, 62_000, 62_060]);
});

test("MUST NOT retry what is refused; MUST NOT retry 2xx", async () => {
  assert.deepEqual((await run([rejected])).times, [0]);
  assert.deepEqual((await run([written])).times, [0]);
});

test("a 429 is a refusal if retryOn429 is false", async () => {
  const { result, times } = await run([{ ...failure, status: 429 }], { retryOn429: false });
  assert.deepEqual(result, { ...rejected, status: 429, reason: "busy" });
  assert.deepEqual(times, [0]);
});

test("the first broken connection of a request is tried again at once, the next with a pause", async () => {
  const broken: RequestResult = { ...failure, status: undefined, disconnected: true, unknown: true };
  const { times, result } = await run([failure, broken, broken, broken, written]);
  assert.deepEqual(times, [0, 30, 30, 90, 210]);
  assert.equal(result.unknownBefore, true);
});

test("an unknown outcome is remembered until the end", async () => {
  const unknown: RequestResult = { ...failure, status: 504, unknown: true };
  assert.equal((await run([unknown, failure, rejected])).result.unknownBefore, true);
  assert.equal((await run([failure, rejected])).result.unknownBefore, false);
  // The answer to this one could not be read.
  assert.equal((await run([{ ...rejected, unknownBefore: true }])).result.unknownBefore, true);
  // The last attempt is not an attempt before the last.
  const { result } = await run([failure, unknown], {}, { retryUntilMs: 40 });
  assert.equal(result.kind === "failed" && result.unknown, true);
  assert.equal(result.unknownBefore, false);
});

test("no retry begins after the deadline, and the sender does not wait for the deadline", async () => {
  const { result, times } = await run([failure], {}, { retryUntilMs: 1000 });
  assert.deepEqual(times, [0, 30, 90, 210, 450, 930]);
  assert.deepEqual(result, { ...failure, attempts: 6 });
  assert.deepEqual((await run([failure], {}, { retryUntilMs: -1 })).times, [0]);
});

test("the number of 500 answers is limited, that of others is not", async () => {
  const internal: RequestResult = { ...failure, status: 500, unknown: true };
  const { result, times } = await run([internal, failure, internal], {}, { maxServerErrors: 3 });
  assert.equal(result.kind, "failed");
  assert.equal(times.length, 4);
  const patient = await run([...Array<RequestResult>(100).fill({ ...failure, status: 502 }), written]);
  assert.equal(patient.result.kind, "written");
  const forAMinute = await run([...Array<RequestResult>(20).fill(internal), written]);
  assert.ok((forAMinute.times.at(-1) ?? 0) > 60_000);
  assert.equal(forAMinute.result.kind, "written");
});

test("if Retry-After is beyond the deadline, the last attempt is at the deadline", async () => {
  const busy: RequestResult = { ...failure, retryAfterMs: 15_000 };
  const { result, times } = await run([busy, written], {}, { retryUntilMs: 10_000 });
  assert.deepEqual(times, [0, 10_000]);
  assert.equal(result.kind, "written");
  assert.deepEqual((await run([busy], {}, { retryUntilMs: 10_000 })).times, [0, 10_000]);
});

test("an attempt during which the process was stopped is not the last one, once", async () => {
  const clock = new VirtualClock();
  const start = clock.monotonicNow();
  const times: number[] = [];
  const stopping: Send = () => {
    times.push(clock.monotonicNow() - start);
    void clock.stop(60_000);
    return Promise.resolve(failure);
  };
  const send = withRetry(stopping, { ...retryOptions, ...clock });
  const retryUntilMs = start + 1000;
  const result = await clock.settle(send({ ...request, retryUntilMs }, new AbortController().signal));
  assert.deepEqual(times, [0, 60_030]);
  assert.deepEqual(result, { ...failure, attempts: 2 });
});

test("an attempt that took longer than it can was interrupted, even if no timer noticed it", async () => {
  for (const [ms, attempts] of [[30_999, 1], [31_001, 2]] as const) {
    const clock = new VirtualClock();
    const slow: Send = async (_, signal) => {
      await clock.sleep(ms, signal);
      return failure;
    };
    const send = withRetry(slow, { ...retryOptions, ...clock });
    const retryUntilMs = clock.monotonicNow() + 1000;
    const result = await clock.settle(send({ ...request, retryUntilMs }, new AbortController().signal));
    assert.equal(result.attempts, attempts);
  }
});

test("a signal ends the pause at once", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const send = withRetry(scripted(clock, { ...failure, unknown: true }).send, { ...retryOptions, ...clock });
  const pending = send(request, controller.signal);
  await clock.advance(10);
  assert.equal(clock.timers, 1);
  controller.abort();
  const aborted = { kind: "aborted", unknown: false, attempts: 1, unknownBefore: true };
  assert.deepEqual(await pending, { ...aborted, failure: "status 503: busy" });
  assert.equal(clock.timers, 0);
});

test("a request that was sent before continues to count its attempts", async () => {
  const { attempts, result } = await run([failure, written], {}, { attempt: 3 });
  assert.deepEqual(attempts, [3, 4]);
  assert.equal(result.attempts, 2);
});

test("a failure gives one warning, and the request is tried again", async () => {
  const messages: string[] = [];
  const warnings = new Warnings((message) => messages.push(message));
  await run([failure, failure, { ...failure, status: undefined, reason: "the connection was refused" }, written], {
    warnings,
  });
  assert.deepEqual(messages, [
    "Sending fails (status 503: busy); the sender tries again.",
    "Sending fails (no answer: the connection was refused); the sender tries again.",
  ]);
});
