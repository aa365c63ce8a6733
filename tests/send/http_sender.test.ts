import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Fetch } from "../../src/send/request_result.ts";
import { createHttpSender } from "../../src/send/http_sender.ts";
import { answer, answering, httpOptions, noContent, request, send } from "../support/sending.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

test("MUST send the headers of remote write 1.0 with a POST", async () => {
  const { fetch, calls } = answering(noContent());
  const result = await send({ fetch });
  assert.deepEqual(result, { kind: "written", status: 204, written: undefined, attempts: 1, unknownBefore: false });
  const [call] = calls;
  assert.equal(call?.url, "http://receiver.test/api/v1/write");
  assert.equal(call?.init.method, "POST");
  assert.equal(call?.init.redirect, "manual");
  assert.equal(call?.init.body, request.body);
  const version: unknown = JSON.parse(readFileSync("package.json", "utf8")).version;
  assert.deepEqual(Object.fromEntries(call?.headers ?? []), {
    "content-encoding": "snappy",
    "content-type": "application/x-protobuf",
    "user-agent": `k6-remote-write/${version}`,
    "x-prometheus-remote-write-version": "0.1.0",
  });
});

test("MUST send the exact content type and version of remote write 2.0", async () => {
  const { fetch, calls } = answering(noContent());
  await send({ fetch }, { version: "2.0" });
  assert.equal(calls[0]?.headers.get("content-type"), "application/x-protobuf;proto=io.prometheus.write.v2.Request");
  assert.equal(calls[0]?.headers.get("x-prometheus-remote-write-version"), "2.0.0");
});

test("custom headers are sent, but MUST NOT override those of the protocol", async () => {
  const { fetch, calls } = answering(noContent());
  const headers = {
    "X-Scope-OrgID": "a:b,c",
    "CONTENT-TYPE": "text/plain",
    "content-encoding": "gzip",
    "User-Agent": "me",
    "X-Prometheus-Remote-Write-Version": "9",
    "Retry-Attempt": "7",
  };
  await send({ fetch, headers });
  assert.deepEqual(Object.fromEntries(calls[0]?.headers ?? []), {
    "content-encoding": "snappy",
    "content-type": "application/x-protobuf",
    "user-agent": "k6-remote-write/0.1.0",
    "x-prometheus-remote-write-version": "0.1.0",
    "x-scope-orgid": "a:b,c",
  });
});

test("custom headers are accepted and normalized as RFC 9110 and the runtime's own Headers do", async () => {
  const characters = Array.from({ length: 0x102 }, (_, code) => String.fromCharCode(code));
  const cases = [
    ...characters.flatMap((character) => [
      ["x-a", `a${character}b`],
      ["x-a", `${character}ab${character}`],
      [`x${character}a`, "b"],
    ]),
    ["", "a"],
    ["x-a", ""],
    ["X-A", "\t a  b \r\n"],
  ] as const;
  const takenBy = (name: string, value: string): string | undefined => {
    try {
      return new Headers([[name, value]]).get(name) ?? undefined;
    } catch {
      return undefined;
    }
  };
  for (const [name, value] of cases) {
    const { fetch, calls } = answering(noContent());
    const sending = send({ fetch, headers: { [name]: value } });
    // Headers accepts control characters, but no fetch sends a request with them.
    // deno-lint-ignore no-control-regex
    const expected = /[\x00-\x08\x0a-\x1f\x7f]/.test(value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, ""))
      ? undefined
      : takenBy(name, value);
    const titled = JSON.stringify([name, value]);
    if (expected === undefined) await assert.rejects(sending, /^ConfigurationError: Cannot send: the header "/, titled);
    else assert.equal((await sending, calls[0]?.headers.get(name)), expected, titled);
  }
});

test("a 2xx counts at once, even if its body does not end", async () => {
  const clock = new VirtualClock();
  const endless = new ReadableStream({ start: (controller) => controller.enqueue(Uint8Array.of(1)) });
  const { fetch } = answering(() => new Response(endless, { status: 200 }));
  const result = await clock.settle(send({ fetch, sleep: clock.sleep, now: clock.now }));
  assert.equal(result.kind, "written");
  assert.equal(clock.now(), Date.UTC(2026, 0, 1) + 100);
});

test("a retry sends its number", async () => {
  const { fetch, calls } = answering(noContent());
  await send({ fetch }, { attempt: 2 });
  assert.equal(calls[0]?.headers.get("retry-attempt"), "2");
});

test("a missing Written header counts as 0, and an invalid one as missing", async () => {
  const cases: readonly (readonly [Record<string, string>, unknown])[] = [
    [{ "X-Prometheus-Remote-Write-Samples-Written": "5" }, { samples: 5, histograms: 0, exemplars: 0 }],
    [
      {
        "x-prometheus-remote-write-samples-written": "0",
        "x-prometheus-remote-write-histograms-written": "2",
        "x-prometheus-remote-write-exemplars-written": "3",
      },
      { samples: 0, histograms: 2, exemplars: 3 },
    ],
    [{ "X-Prometheus-Remote-Write-Samples-Written": "-1" }, undefined],
    [{}, undefined],
  ];
  for (const [headers, written] of cases) {
    const { fetch } = answering(noContent(headers));
    const result = await send({ fetch }, { version: "2.0" });
    assert.equal(result.kind, "written");
    assert.deepEqual(result.kind === "written" && result.written, written);
    const refused = await send({ fetch: answering(answer(400, "bad", headers)).fetch }, { version: "2.0" });
    assert.deepEqual(refused.kind === "rejected" && refused.written, written);
  }
});

test("MUST retry 5xx, MAY retry 429, MUST NOT retry other 4xx", async () => {
  const cases: readonly (readonly [status: number, kind: string, unknown?: boolean])[] = [
    [200, "written"],
    [202, "written"],
    [299, "written"],
    [304, "rejected"],
    [400, "rejected"],
    [401, "rejected"],
    [404, "rejected"],
    [408, "rejected"],
    [413, "rejected"],
    [415, "rejected"],
    [429, "failed", false],
    [500, "failed", true],
    [502, "failed", true],
    [503, "failed", false],
    [504, "failed", true],
    [599, "failed", true],
  ];
  for (const [status, kind, unknown] of cases) {
    const result = await send({ fetch: answering(answer(status)).fetch });
    assert.equal(result.kind, kind, String(status));
    if (result.kind === "failed") assert.equal(result.unknown, unknown, String(status));
  }
});

test("MUST ignore the body of a 2xx, even one that breaks off", async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) });
  const result = await send({ fetch: answering(() => new Response(broken, { status: 200 })).fetch });
  assert.equal(result.kind, "written");
});

test("an error body is cut at 1024 bytes, and control characters are removed", async () => {
  const body = "out of\r\n\torder\u0000 \u001b[31msample\u0085\u2028end " + "é".repeat(2000);
  const result = await send({ fetch: answering(answer(400, body)).fetch });
  assert.ok(result.kind === "rejected");
  assert.match(result.reason, /^out of order \[31msample end é+$/);
  assert.ok(new TextEncoder().encode(result.reason).length <= 1024);
  assert.ok(result.reason.length > 500);
  const silent = await send({ fetch: answering(answer(404)).fetch });
  assert.equal(silent.kind === "rejected" && silent.reason, "no reason given");
});

test("a redirect is an error that names the target without its secrets", async () => {
  for (const status of [301, 302, 303]) {
    const location = "https://user:hunter2@login.test/sso?ticket=hunter2";
    const { fetch, calls } = answering(answer(status, null, { location }));
    const result = await send({ fetch });
    assert.deepEqual(result, {
      kind: "rejected",
      status,
      reason: "the endpoint redirects to https://login.test/sso?...",
      written: undefined,
      attempts: 1,
      unknownBefore: false,
    });
    assert.equal(calls.length, 1);
  }
  const relative = await send({ fetch: answering(answer(302, null, { location: "/login" })).fetch });
  assert.equal(relative.kind === "rejected" && relative.reason, "the endpoint redirects to http://receiver.test/login");
  const nowhere = await send({ fetch: answering(answer(302)).fetch });
  assert.equal(nowhere.kind === "rejected" && nowhere.reason, "the endpoint redirects");
});

test("a redirect that a browser hides is an error", async () => {
  const hidden = (): Response => Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  const result = await send({ fetch: answering(hidden).fetch });
  assert.equal(result.kind, "rejected");
});

test("307 and 308 to the same origin are followed with the same POST, a few times", async () => {
  for (const status of [307, 308]) {
    const { fetch, calls } = answering(answer(status, null, { location: "/v2/write" }), noContent());
    const result = await send({ fetch, headers: { authorization: "Bearer hunter2" } });
    assert.equal(result.kind, "written");
    assert.deepEqual(calls.map(({ url }) => url), [
      "http://receiver.test/api/v1/write",
      "http://receiver.test/v2/write",
    ]);
    assert.equal(calls[1]?.init.method, "POST");
    assert.equal(calls[1]?.init.body, request.body);
    assert.equal(calls[1]?.headers.get("authorization"), "Bearer hunter2");
  }
  const loop = answering(answer(307, null, { location: "/a" }));
  assert.equal((await send({ fetch: loop.fetch })).kind, "rejected");
  assert.equal(loop.calls.length, 4);
});

test("307 to another origin is not followed: credentials never go there", async () => {
  for (const location of ["http://other.test/write", "https://receiver.test/write", "http://receiver.test:81/write"]) {
    const { fetch, calls } = answering(answer(307, null, { location }), noContent());
    const result = await send({ fetch });
    assert.equal(result.kind, "rejected");
    assert.equal(calls.length, 1);
  }
});

test("Retry-After may be seconds or a date", async () => {
  const cases = [["2", 2000], ["Thu, 01 Jan 2026 00:00:07 GMT", 7000], ["soon", undefined]] as const;
  for (const [value, expected] of cases) {
    const result = await send({ fetch: answering(answer(503, null, { "Retry-After": value })).fetch });
    assert.equal(result.kind === "failed" && result.retryAfterMs, expected);
  }
});

test("fetch is not called synchronously, because a user's fetch may call the output", async () => {
  const { fetch, calls } = answering(answer(204));
  const sender = createHttpSender({ ...httpOptions, fetch, ...new VirtualClock() });
  const pending = sender(request, new AbortController().signal);
  assert.equal(calls.length, 0);
  await pending;
  assert.equal(calls.length, 1);
});

test("a timeout is a failure with an unknown outcome", async () => {
  const clock = new VirtualClock();
  // This fetch ignores its signal.
  const fetch: Fetch = () => new Promise(() => {});
  const sender = createHttpSender({ ...httpOptions, fetch, timeoutMs: 5000, ...clock });
  const pending = sender(request, new AbortController().signal);
  await clock.advance(4999);
  assert.equal(clock.timers, 1);
  await clock.advance(1);
  assert.equal(clock.timers, 0);
  const result = await pending;
  assert.ok(result.kind === "failed");
  assert.equal(result.reason, "the endpoint did not answer within 5 s");
  assert.equal(result.unknown, true);
  assert.equal(result.disconnected, false);
});

test("an error's body that does not end is read for a second, within the timeout, and what came of it is kept", async () => {
  const cases = [[400, 5000, 1000, "rejected"], [400, 500, 500, "rejected"], [503, 5000, 1000, "failed"]] as const;
  for (const [status, timeoutMs, ms, kind] of cases) {
    const clock = new VirtualClock();
    const drip = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("bad ser")) });
    const { fetch } = answering(() => new Response(drip, { status }));
    const sender = createHttpSender({ ...httpOptions, fetch, timeoutMs, ...clock });
    const result = await clock.settle(sender(request, new AbortController().signal));
    assert.equal(result.kind, kind);
    if ("reason" in result) assert.equal(result.reason, "bad ser");
    assert.equal(clock.now(), Date.UTC(2026, 0, 1) + ms);
    assert.equal(clock.timers, 0);
  }
});

test("the caller's signal ends an attempt, and the result says whether it may have been received", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const hanging = createHttpSender({ ...httpOptions, fetch: () => new Promise(() => {}), ...clock });
  const pending = hanging(request, controller.signal);
  await clock.advance(10);
  controller.abort();
  assert.deepEqual(await pending, { kind: "aborted", unknown: true, attempts: 1, unknownBefore: false });
  assert.deepEqual(await hanging(request, controller.signal), {
    kind: "aborted",
    unknown: false,
    attempts: 0,
    unknownBefore: false,
  });

  const later = new AbortController();
  const authorizer = { authorize: () => new Promise<void>(() => {}) };
  const waiting = createHttpSender({ ...httpOptions, authorizer, fetch: answering().fetch, ...clock });
  const deferred = waiting(request, later.signal);
  await clock.advance(10);
  later.abort();
  assert.deepEqual(await deferred, { kind: "aborted", unknown: false, attempts: 1, unknownBefore: false });
  assert.equal(clock.timers, 0);
});
