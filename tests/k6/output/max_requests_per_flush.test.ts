import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions, type Sample } from "../../../mod.ts";
import { oauth2 } from "../../../src/send/auth/mod.ts";
import { receivedValues, type StrictReceiver, strictReceiver } from "../../support/strict_receiver.ts";

const start = Date.UTC(2023, 0, 1);

function gauge(name: string, value: number, time: number = start): Sample {
  const metric: Metric = { name, type: "gauge", contains: "default" };
  return { metric, time, value, tags: {} };
}

function outputTo(receiver: StrictReceiver, maxRequestsPerFlush?: number): RemoteWriteOutput {
  return new RemoteWriteOutput({
    url: "http://receiver.test/api/v1/write",
    fetch: receiver.fetch,
    maxSamplesPerSend: 1,
    maxRequestsPerFlush,
    random: () => 0,
    onWarning: () => {},
  });
}

test("a flush sends at most the allowed requests, reports the other samples as deferred, and keeps them for the next flush", async () => {
  const receiver = strictReceiver();
  const output = outputTo(receiver, 2);
  output.add([gauge("a", 1), gauge("b", 2), gauge("c", 3), gauge("d", 4), gauge("e", 5)]);
  const first = await output.flush();
  assert.deepEqual(receivedValues(receiver), ["k6_a=1", "k6_b=2"]);
  assert.deepEqual([first.samples, first.delivered, first.deferred, first.requests], [5, 2, 3, 2]);
  output.add(gauge("a", 6, start + 1000));
  const second = await output.flush();
  assert.deepEqual(receivedValues(receiver), ["k6_a=1", "k6_b=2", "k6_c=3", "k6_d=4"]);
  assert.deepEqual([second.samples, second.delivered, second.deferred], [4, 2, 2]);
  const whole = await output.close();
  assert.deepEqual(receivedValues(receiver), ["k6_a=1", "k6_b=2", "k6_c=3", "k6_d=4", "k6_e=5", "k6_a=6"]);
  assert.deepEqual([whole.samples, whole.delivered, whole.deferred, whole.requests], [6, 6, 0, 6]);
});

test("close() may send as many requests as one flush, and its report counts each sample once", async () => {
  const receiver = strictReceiver();
  const output = outputTo(receiver, 1);
  output.add([gauge("a", 1), gauge("b", 2), gauge("c", 3), gauge("d", 4)]);
  await output.flush();
  output.add(gauge("e", 5));
  const { samples, delivered, deferred } = await output.close();
  assert.equal(receiver.writes.length, 2);
  assert.deepEqual({ samples, delivered, deferred }, { samples: 5, delivered: 2, deferred: 3 });
  assert.equal(output.stats.samplesPending, 0);
  assert.equal(output.stats.samplesDroppedTotal["closed"], 3);
});

test("retries count as requests", async () => {
  const receiver = strictReceiver({
    answer: (request) => request < 2 ? new Response("busy", { status: 503 }) : undefined,
  });
  const output = outputTo(receiver, 2);
  output.add(gauge("a", 1));
  const first = await output.flush();
  assert.deepEqual([first.delivered, first.deferred, first.requests], [0, 1, 2]);
  const second = await output.flush();
  assert.deepEqual([second.delivered, second.deferred, second.requests], [1, 0, 1]);
  await output.close();
});

/** Returns an output whose requests get the given responses one after the other, then 204. */
function answered(
  options: RemoteWriteOutputOptions,
  ...answers: readonly (() => Response)[]
): { readonly output: RemoteWriteOutput; readonly urls: string[]; readonly warnings: string[] } {
  const urls: string[] = [];
  const warnings: string[] = [];
  const output = new RemoteWriteOutput({
    url: "http://receiver.test/api/v1/write",
    fetch: (url) => Promise.resolve(answers[urls.push(String(url)) - 1]?.() ?? new Response(null, { status: 204 })),
    protocol: "1.0",
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  return { output, urls, warnings };
}

const moved = (): Response => new Response(null, { status: 307, headers: { location: "/elsewhere" } });
const refused = (): Response => new Response("bad token", { status: 401 });
const token = (text: string) => (): Response => Response.json({ access_token: text });
const auth = oauth2({ clientId: "a", clientSecret: "b", tokenUrl: "http://tokens.test/" });

test("a request for a token counts as a request", async () => {
  const { output, urls } = answered({ auth, maxRequestsPerFlush: 1 }, token("1"));
  output.add(gauge("a", 1));
  const first = await output.flush();
  assert.deepEqual([urls.length, first.deferred, first.requests, output.stats.samplesTotal], [1, 1, 0, 0]);
  const second = await output.flush();
  assert.deepEqual([second.delivered, second.retries, output.stats.samplesRetriedTotal], [1, 0, 0]);
  await output.close();
});

test("samples that need a redirect or a new token, but have no request left, wait for the next flush", async () => {
  const ok = (): Response => new Response(null, { status: 204 });
  const cases: readonly [RemoteWriteOutputOptions, readonly (() => Response)[]][] = [
    [{}, [ok, moved]],
    [{ bearerToken: () => "t" }, [ok, refused]],
    [{ auth }, [token("1"), refused]],
  ];
  for (const [options, answers] of cases) {
    const { output, urls } = answered({ ...options, maxRequestsPerFlush: 2, maxSamplesPerSend: 1 }, ...answers);
    const fresh = answers[0] === ok ? [gauge("a", 1), gauge("b", 2)] : [gauge("b", 2)];
    output.add(fresh);
    const first = await output.flush();
    assert.deepEqual([urls.length, first.deferred, first.rejected], [2, 1, 0]);
    assert.equal((await output.flush()).delivered, 1);
    await output.close();
  }
});

test("samples that need more requests than a flush may send are refused by the endpoint: a warning says so, and they wait for a later flush", async () => {
  const cases: readonly [RemoteWriteOutputOptions, () => Response, RegExp][] = [
    [{}, moved, /status 307: the endpoint redirects to http:\/\/receiver\.test\/elsewhere/],
    [{ bearerToken: () => "t" }, refused, /status 401: bad token/],
  ];
  for (const [options, answer, reason] of cases) {
    const { output, warnings } = answered({ ...options, maxRequestsPerFlush: 1 }, answer);
    output.add(gauge("a", 1));
    assert.equal((await output.flush()).deferred, 1);
    assert.match(warnings.join(), reason);
    assert.equal((await output.close()).delivered, 1);
  }
});

test("without a limit, a flush sends all samples", async () => {
  const receiver = strictReceiver();
  const output = outputTo(receiver);
  output.add([gauge("a", 1), gauge("b", 2), gauge("c", 3)]);
  assert.equal((await output.flush()).delivered, 3);
  assert.equal((await output.close()).samples, 3);
});
