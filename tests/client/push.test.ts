import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { push, pushMetrics, type PushOptions, type PushResult, type TimeSeries } from "../../src/client/push.ts";
import { ByteBuffer } from "../../src/protocol/byte_buffer.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { encodeSmall } from "../../src/protocol/encode_small.ts";
import { encodeV1 } from "../../src/protocol/encode_v1.ts";
import { literalBlock } from "../../src/protocol/literal_block.ts";
import { readSeries } from "../../src/protocol/read_series.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import { batchOf } from "../../src/protocol/time_series_batch.ts";
import { timeSeriesList } from "../support/arbitrary_series.ts";
import { slowRuns } from "../support/runs.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const url = "http://receiver.test/api/v1/write";
const depth = { name: "queue_depth", labels: { room: "a" }, value: 3 };

/** Returns the numbers of a result that are not 0. */
function outcomeOf({ delivered, rejected, failed, unknown, requests }: PushResult): Record<string, number> {
  const all = { delivered, rejected, failed, unknown, requests };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

test("push sends one request of 1.0 that breaks no rule, with the time of the clock", async () => {
  const receiver = strictReceiver();
  const result = await push(depth, { url, fetch: receiver.fetch, now: () => 1_700_000_000_000 });
  const [write] = receiver.writes;
  assert.equal(write?.version, "1.0");
  assert.deepEqual(receiver.samples.get('queue_depth{room="a"}'), [{ value: 3, timestamp: 1_700_000_000_000 }]);
  assert.deepEqual(result, {
    ...{ samples: 1, delivered: 1, rejected: 0, failed: 0, unknown: 0 },
    ...{ requests: 1, status: 204, reason: undefined },
  });
});

test("pushMetrics sends each metric with the same labels", async () => {
  const receiver = strictReceiver();
  const options = { url, labels: { room: "a" }, fetch: receiver.fetch, now: () => 5 };
  assert.equal((await pushMetrics({ queue_depth: 100, workers: 4 }, options)).delivered, 2);
  assert.deepEqual([...receiver.samples.keys()], ['queue_depth{room="a"}', 'workers{room="a"}']);
});

test("push sends nothing for no series", async () => {
  const receiver = strictReceiver();
  assert.deepEqual(outcomeOf(await push([], { url, fetch: receiver.fetch })), {});
  assert.equal(receiver.writes.length, 0);
});

test("the small encoder writes the same request as the fast one for any series of floats", () => {
  const floats = timeSeriesList.map((list) => list.filter(({ histograms = [] }) => histograms.length === 0));
  fc.assert(
    fc.property(floats, (list) => {
      const read = readSeries(list, { readHistogram: () => assert.fail() });
      const batch = batchOf(list);
      // Not the same bytes: the small encoder also writes zeros, which may be left out.
      const expected = decodeV1(encodeV1({ batch, from: 0, to: batch.length }, new ByteBuffer(16)));
      assert.deepEqual(decodeV1(encodeSmall(read)), expected);
    }),
    { seed: 1, numRuns: slowRuns(300) },
  );
});

for (const length of [0, 1, 60, 61, 127, 128, 256, 257, 65_536, 65_537, 20_000_000]) {
  test(`snappy reads a block of one literal of ${length} bytes`, () => {
    const bytes = new Uint8Array(length).fill(7);
    // A comparison of many bytes by an assertion takes much memory on some runtimes.
    const read = decompress(literalBlock(bytes), { maxDecodedBytes: length });
    assert.ok(read.length === length && read.every((byte) => byte === 7));
  });
}

/** Pushes to an endpoint that gives the answers in turn. */
async function pushTo(
  answers: readonly (() => Response | Promise<Response>)[],
  options: Partial<PushOptions> = {},
): Promise<PushResult & { readonly waitedMs: number }> {
  const clock = new VirtualClock();
  const begin = clock.now();
  let request = 0;
  const fetch = async (): Promise<Response> => await (answers[request++] ?? assert.fail)();
  const pushed = push(depth, { url, fetch, now: clock.now, sleep: clock.sleep, ...options });
  const result = await clock.settle(pushed);
  assert.equal(request, answers.length);
  return { ...result, waitedMs: clock.now() - begin };
}

const status = (code: number, text = "", headers: Record<string, string> = {}) => (): Response =>
  new Response(code === 204 ? null : text, { status: code, headers });
const html = { "content-type": "text/html; charset=utf-8" };
const broken = (message: string, code: string) => (): Promise<Response> =>
  Promise.reject(new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) }));

const outcomes:
  readonly (readonly [string, readonly (() => Response | Promise<Response>)[], Record<string, number>])[] = [
    ["400", [status(400, "out of order")], { rejected: 1, requests: 1 }],
    ["409", [status(409)], { rejected: 1, requests: 1 }],
    ["401", [status(401)], { failed: 1, requests: 1 }],
    ["404", [status(404)], { failed: 1, requests: 1 }],
    ["a redirect", [status(302, "", { location: "http://other.test/" })], { failed: 1, requests: 1 }],
    ["200 with a page", [status(200, "<html>", html)], { failed: 1, requests: 1 }],
    ["204 with the type of a page", [status(204, "", html)], { delivered: 1, requests: 1 }],
    ["400 with a page", [status(400, "<html>", html)], { failed: 1, requests: 1 }],
    ["503, then 204", [status(503), status(204)], { delivered: 1, requests: 2 }],
    ["429, then 429", [status(429), status(429)], { failed: 1, requests: 2 }],
    ["500, then 500", [status(500), status(500)], { unknown: 1, requests: 2 }],
    ["502, then 400 as for a duplicate", [status(502), status(400)], { unknown: 1, requests: 2 }],
    ["503, then 400", [status(503), status(400)], { rejected: 1, requests: 2 }],
    ["no connection, twice", [broken("refused", "ECONNREFUSED"), broken("x", "ENOTFOUND")], { failed: 1, requests: 2 }],
    ["a broken connection, then 503", [broken("reset", "ECONNRESET"), status(503)], { unknown: 1, requests: 2 }],
    ["a broken connection, then 204", [broken("reset", "ECONNRESET"), status(204)], { delivered: 1, requests: 2 }],
  ];
for (const [name, answers, expected] of outcomes) {
  test(`the result of ${name} is ${JSON.stringify(expected)}`, async () => {
    assert.deepEqual(outcomeOf(await pushTo(answers)), expected);
  });
}

test("the retry waits for as long as Retry-After says, up to 10 seconds", async () => {
  assert.equal((await pushTo([status(503, "", { "retry-after": "3" }), status(204)])).waitedMs, 3_000);
  assert.equal((await pushTo([status(429, "", { "retry-after": "3600" }), status(204)])).waitedMs, 10_000);
  const { waitedMs } = await pushTo([status(503), status(204)]);
  assert.ok(waitedMs >= 500 && waitedMs <= 1_000, `${waitedMs} ms`);
});

test("a reason is the endpoint's words, on one line, short and without secrets", async () => {
  const echo = "Basic " + btoa("ann:pass word");
  const { reason } = await pushTo([status(400, `bad\n"pass word" pass%20word ${echo} ${"x".repeat(500)}`)], {
    user: "ann",
    password: "pass word",
  });
  assert.match(reason ?? "", /^status 400: bad "\*\*\*" \*\*\* \*\*\* x+$/);
  assert.ok((reason ?? "").length < 320);
  const key = await pushTo(
    [broken("cannot reach http://receiver.test/?key=hunter22", "E"), status(401, "hunter22")],
    {
      url: `${url}?key=hunter22`,
    },
  );
  assert.doesNotMatch(JSON.stringify(key), /hunter22/);
});

test("a password that an encoder of JSON has escaped is not shown", async () => {
  const body = String.raw`{"error":"pa\u003css\u0026word and pa\u003Css\u0026word are wrong"}`;
  const { reason } = await pushTo([status(401, body)], { user: "ann", password: "pa<ss&word" });
  assert.equal(reason, 'status 401: {"error":"*** and *** are wrong"}');
});

test("credentials go into the header Authorization, and not into the URL", async () => {
  const sent: [string, string | null][] = [];
  const fetch: typeof globalThis.fetch = (input, init) => {
    sent.push([String(input), new Headers(init?.headers).get("authorization")]);
    return Promise.resolve(new Response(null, { status: 204 }));
  };
  await push(depth, { url, fetch, user: "ann", password: "pw" });
  await push(depth, { url: "http://ann:pw@receiver.test/api/v1/write", fetch });
  await push(depth, { url, fetch, bearerToken: "abc" });
  await push(depth, { url, fetch, bearerToken: () => Promise.resolve("def\n") });
  const basic = `Basic ${btoa("ann:pw")}`;
  assert.deepEqual(sent, [[url, basic], [url, basic], [url, "Bearer abc"], [url, "Bearer def"]]);
});

test("an attempt without an answer ends after timeoutMs, and its outcome is unknown", async () => {
  const fetch: typeof globalThis.fetch = (_, init) =>
    new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const result = await push(depth, { url, fetch, timeoutMs: 1, sleep: () => Promise.resolve() });
  assert.deepEqual(outcomeOf(result), { unknown: 1, requests: 2 });
  assert.equal(result.reason, "no answer within 0.001 s");
});

test("a signal ends a push, also during the pause before the retry", async () => {
  const abort = new AbortController();
  const fetch = (): Promise<Response> => Promise.resolve(new Response("busy", { status: 503 }));
  const sleep = (): Promise<void> => Promise.resolve(abort.abort());
  assert.deepEqual(outcomeOf(await push(depth, { url, fetch, signal: abort.signal, sleep })), {
    failed: 1,
    requests: 1,
  });
  const late = await push(depth, { url, fetch: () => assert.fail(), signal: abort.signal });
  assert.deepEqual([late.failed, late.reason], [1, "aborted"]);
});

const wrongOptions: readonly (readonly [string, unknown, RegExp])[] = [
  ["no options", undefined, /option url: it is not a URL, expected http/],
  ["no http URL", { url: "ftp://a.test/hunter22" }, /option url: it is not a URL, expected http/],
  ["an unknown option", { url, timeout: 5 }, /option timeout: it is unknown, expected one of PushOptions/],
  ["two methods", { url, user: "ann", bearerToken: "hunter22" }, /option bearerToken: there is another method/],
  ["user info in the URL and a user", { url: "http://ann:hunter22@a.test/", user: "bob" }, /there is another method/],
  ["a password without a user", { url, password: "hunter22" }, /option user: it is missing, expected a name/],
  ["a timeout that is no number", { url, timeoutMs: "5s" }, /option timeoutMs: it is 5s, expected milliseconds/],
  ["a timeout of 0", { url, timeoutMs: 0 }, /option timeoutMs: it is 0, expected milliseconds/],
  ["an empty token", { url, bearerToken: () => "" }, /the bearer token is empty/],
  ["a broken token", { url, bearerToken: "hunter22 x" }, /bearer token is empty, or has a space/],
  ["a broken header", { url, headers: { a: "hunter22\u0000" } }, /the header "a" or its value is not valid/],
];
for (const [name, options, message] of wrongOptions) {
  test(`push with ${name} is an error that shows no secret`, async () => {
    await assert.rejects(push(depth, options as PushOptions), (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, "ConfigurationError");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter22/);
      return true;
    });
  });
}

test("a series with native histograms is an error that names pushOnce", async () => {
  const histograms: TimeSeries["histograms"] = [{
    ...{ timestamp: 1, count: 1, sum: 1, schema: 0, zeroThreshold: 0, zeroCount: 1 },
    ...{ positiveSpans: [], positiveCounts: [], negativeSpans: [], negativeCounts: [] },
  }];
  await assert.rejects(push({ labels: [{ name: "__name__", value: "h" }], histograms }, { url }), {
    name: "FormatError",
    message: "Cannot send the series h{}: it has histograms, expected samples, or pushOnce",
  });
});
