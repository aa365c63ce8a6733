import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type Sample } from "../mod.ts";
import { type EmbeddedReceiver, embeddedReceiver, receivedValues } from "./support/embedded_receiver.ts";

const start = Date.UTC(2023, 0, 1);

function gauge(name: string, value: number, time: number = start): Sample {
  const metric: Metric = { name, type: "gauge", contains: "default" };
  return { metric, time, value, tags: {} };
}

function outputTo(receiver: EmbeddedReceiver, maxRequestsPerFlush?: number): RemoteWriteOutput {
  return new RemoteWriteOutput({
    url: "http://receiver.test/api/v1/write",
    fetch: receiver.fetch,
    maxSamplesPerSend: 1,
    maxRequestsPerFlush,
    random: () => 0,
    onWarning: () => {},
  });
}

test("a flush sends no more requests than allowed, says what is unsent, and keeps it for the next", async () => {
  const receiver = embeddedReceiver();
  const output = outputTo(receiver, 2);
  output.add([gauge("a", 1), gauge("b", 2), gauge("c", 3), gauge("d", 4), gauge("e", 5)]);
  const first = await output.flush();
  assert.deepEqual(receivedValues(receiver), ["k6_a=1", "k6_b=2"]);
  assert.deepEqual([first.samples, first.delivered, first.unsent, first.requests], [5, 2, 3, 2]);
  output.add(gauge("a", 6, start + 1000));
  const second = await output.flush();
  assert.deepEqual(receivedValues(receiver), ["k6_a=1", "k6_b=2", "k6_c=3", "k6_d=4"]);
  assert.deepEqual([second.samples, second.delivered, second.unsent], [4, 2, 2]);
  const whole = await output.close();
  assert.deepEqual(receivedValues(receiver), ["k6_a=1", "k6_b=2", "k6_c=3", "k6_d=4", "k6_e=5", "k6_a=6"]);
  assert.deepEqual([whole.samples, whole.delivered, whole.unsent, whole.requests], [6, 6, 0, 6]);
});

test("close() has the requests of one flush, and accounts for each sample once", async () => {
  const receiver = embeddedReceiver();
  const output = outputTo(receiver, 1);
  output.add([gauge("a", 1), gauge("b", 2), gauge("c", 3), gauge("d", 4)]);
  await output.flush();
  output.add(gauge("e", 5));
  const { samples, delivered, unsent } = await output.close();
  assert.equal(receiver.writes.length, 2);
  assert.deepEqual({ samples, delivered, unsent }, { samples: 5, delivered: 2, unsent: 3 });
  assert.equal(output.stats.samplesPending, 0);
  assert.equal(output.stats.samplesDroppedTotal["closed"], 3);
});

test("retries count as requests", async () => {
  const receiver = embeddedReceiver((request) => request < 2 ? new Response("busy", { status: 503 }) : undefined);
  const output = outputTo(receiver, 2);
  output.add(gauge("a", 1));
  const first = await output.flush();
  assert.deepEqual([first.delivered, first.unsent, first.requests], [0, 1, 2]);
  const second = await output.flush();
  assert.deepEqual([second.delivered, second.unsent, second.requests], [1, 0, 1]);
  await output.close();
});

test("redirects and tokens count as requests; what needs one more stays for the next flush", async () => {
  const cases = [
    {
      options: {},
      answer: (request: number): Response | undefined =>
        request < 3 ? new Response(null, { status: 307, headers: { location: "/elsewhere" } }) : undefined,
    },
    {
      options: { oauth2: { clientId: "a", clientSecret: "b", tokenUrl: "http://tokens.test/" } },
      // The second token is the right one.
      answer: (request: number): Response | undefined =>
        [
          Response.json({ access_token: "1" }),
          new Response(null, { status: 401 }),
          Response.json({ access_token: "2" }),
        ][request],
    },
  ];
  for (const { options, answer } of cases) {
    let requests = 0;
    const output = new RemoteWriteOutput({
      url: "http://receiver.test/api/v1/write",
      fetch: () => Promise.resolve(answer(requests++) ?? new Response(null, { status: 204 })),
      protocol: "1.0",
      maxRequestsPerFlush: 1,
      onWarning: () => {},
      ...options,
    });
    output.add(gauge("a", 1));
    const { delivered, unsent } = await output.flush();
    assert.deepEqual({ requests, delivered, unsent }, { requests: 1, delivered: 0, unsent: 1 });
    await output.close();
    assert.ok(requests <= 2);
  }
});

test("without a bound a flush sends all", async () => {
  const receiver = embeddedReceiver();
  const output = outputTo(receiver);
  output.add([gauge("a", 1), gauge("b", 2), gauge("c", 3)]);
  assert.equal((await output.flush()).delivered, 3);
  assert.equal((await output.close()).samples, 3);
});

test("a bound below one, or not whole, is refused", () => {
  for (const maxRequestsPerFlush of [0, -1, 1.5, NaN]) {
    assert.throws(() => new RemoteWriteOutput({ maxRequestsPerFlush }), {
      name: "ConfigurationError",
      message: /maxRequestsPerFlush/,
    });
  }
});
