import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientOptions, pushOnce, RemoteWriteClient, type SeriesArgument } from "../../mod.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decompress } from "../../src/protocol/snappy.ts";

const url = "http://receiver.test/api/v1/write";
const duration = { name: "http.server.duration", labels: { "service.name": "shop" }, value: 3, timestamp: 1000 };
const read = (body: Uint8Array): Uint8Array => decompress(body, { maxDecodedBytes: Infinity });

const asItIs = '{__name__="http.server.duration","service.name"="shop"}';
const asValues = 'U__http_2e_server_2e_duration{U__service_2e_name="shop"}';
const asUnderscores = 'http_server_duration{service_name="shop"}';

for (
  const [options, expected] of [
    [{ protocol: "2.0" }, asItIs],
    [{ protocol: "auto" }, asItIs],
    [{ protocol: "1.0" }, asValues],
    [{ protocol: "1.0", nameEscaping: "underscores" }, asUnderscores],
  ] as const satisfies readonly (readonly [ClientOptions, string])[]
) {
  test(`UTF-8 names are sent as ${expected} with ${JSON.stringify(options)}`, async () => {
    for (const send of ["write", "pushOnce"] as const) {
      const receiver = strictReceiver();
      const all = { url, fetch: receiver.fetch, ...options };
      const report = await (send === "write" ? new RemoteWriteClient(all).write(duration) : pushOnce(duration, all));
      assert.deepEqual([report.samples, report.delivered], [1, 1]);
      assert.deepEqual([...receiver.samples], [[expected, [{ value: 3, timestamp: 1000 }]]]);
    }
  });
}

test("in 1.0, the names of exemplars and of metadata are escaped, too", async () => {
  const bodies: Uint8Array[] = [];
  const receiver = strictReceiver();
  const fetch: typeof globalThis.fetch = (input, init) => {
    if (init?.body instanceof Uint8Array) bodies.push(init.body);
    return receiver.fetch(input, init);
  };
  const labels = [{ name: "__name__", value: "http.requests" }];
  const exemplar = {
    labels: [{ name: "trace.id", value: "a" }, { name: "trace_id", value: "b" }],
    value: 1,
    timestamp: 9,
  };
  const client = new RemoteWriteClient({ url, protocol: "1.0", nameEscaping: "underscores", fetch });
  await client.write({
    ...{ labels, samples: [{ value: 1, timestamp: 10 }], exemplars: [exemplar] },
    metadata: { type: "counter", help: "Requests." },
  });
  const [samples, metadata] = bodies.map((body) => decodeV1(read(body)));
  assert.deepEqual(samples?.timeSeries[0]?.exemplars?.[0]?.labels, [{ name: "trace_id", value: "a" }]);
  assert.deepEqual([...metadata?.metadata ?? []], [["http_requests", { type: "counter", help: "Requests." }]]);
});

test("a series keeps its identity in the report if auto falls back from 2.0 to 1.0 in the middle of a run", async () => {
  const warnings: string[] = [];
  const requests: string[] = [];
  const receiver = strictReceiver({ acceptVersions: ["1.0"] });
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const version = new Headers(init?.headers).get("x-prometheus-remote-write-version") ?? "";
    // The receiver refuses one of the series.
    const body = init?.body instanceof Uint8Array ? read(init.body) : new Uint8Array();
    const names = version === "0.1.0"
      ? decodeV1(body).timeSeries.map(({ labels }) => labels.find(({ name }) => name === "__name__")?.value)
      : [];
    requests.push(version === "0.1.0" ? names.join() : version);
    if (names.includes("U__bad_2e_one")) return new Response("no such series", { status: 400 });
    return await receiver.fetch(input, init);
  };
  const client = new RemoteWriteClient({ url, fetch, onWarning: (message) => warnings.push(message) });
  const write = async (timestamp: number) => {
    const names = ["bad.one", "good.one", "good.two"];
    const error = await client.write(names.map((name) => ({ name, value: timestamp, timestamp }))).catch((error) =>
      error
    );
    const { samples, delivered, rejected } = error.report;
    return [samples, delivered, rejected];
  };
  assert.deepEqual(await write(1000), [3, 2, 1]);
  assert.equal(requests[0], "2.0.0");
  assert.equal(requests[1], "U__bad_2e_one,U__good_2e_one,U__good_2e_two");
  const before = requests.length;
  // The refused series is known, although each call makes new objects: it does not affect the others any more.
  assert.deepEqual(await write(2000), [3, 2, 1]);
  assert.deepEqual(requests.slice(before), ["U__good_2e_one,U__good_2e_two", "U__bad_2e_one"]);
  assert.deepEqual([...receiver.samples.keys()], ["U__good_2e_one", "U__good_2e_two"]);
  assert.match(warnings.join("\n"), /bad\.one/);
});

const same: SeriesArgument = [
  { name: "a_b", value: 1, timestamp: 1 },
  { name: "a.b", value: 2, timestamp: 1 },
  { name: "c", labels: { "x.y": "1", "x-y": "2" }, value: 3, timestamp: 1 },
  { name: "a.c", value: 4, timestamp: 1 },
];

test("series that underscores would make one series are an error, unless all requests are 2.0", async () => {
  for (const protocol of ["auto", "1.0"] as const) {
    const receiver = strictReceiver();
    const client = new RemoteWriteClient({ url, protocol, nameEscaping: "underscores", fetch: receiver.fetch });
    await assert.rejects(client.write(same), {
      name: "FormatError",
      message: "Cannot send the series a.b{}: in 1.0, its name would not be unique, " +
        'expected the option nameEscaping "values", or protocol "2.0"',
    });
    assert.equal(receiver.writes.length, 0);
    const messages: string[] = [];
    const { delivered } = await client.write(same, { onInvalid: ({ message }) => messages.push(message) });
    assert.equal(delivered, 2);
    assert.deepEqual(messages.map((message) => message.split(", expected")[0]), [
      "Cannot send the series a.b{}: in 1.0, its name would not be unique",
      'Cannot send the series c{x-y="2",x.y="1"}: in 1.0, its labels would not be unique',
    ]);
  }
  for (const options of [{ protocol: "2.0", nameEscaping: "underscores" }, { protocol: "1.0" }] as const) {
    const receiver = strictReceiver();
    const client = new RemoteWriteClient({ url, ...options, fetch: receiver.fetch });
    assert.equal((await client.write(same)).delivered, 4);
  }
});

test("with onInvalid, the valid series are sent, and the report counts the others as dropped", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ url, fetch: receiver.fetch });
  const list: unknown = [
    { name: "good", value: 1, timestamp: 1 },
    { name: "wrong_form", value: "7" },
    null,
    {
      labels: [{ name: "__name__", value: "twice" }],
      samples: [{ value: 1, timestamp: 1 }, { value: 2, timestamp: 1 }],
    },
    { labels: [{ name: "__name__", value: "empty" }], samples: [] },
    { name: "good", value: 2, timestamp: 2 },
  ];
  const told: [string, number][] = [];
  const onInvalid = ({ message }: Error, samples: number): void => void told.push([message, samples]);
  const report = await client.write(list as SeriesArgument, { onInvalid });
  assert.deepEqual(told, [
    ['Cannot send the series wrong_form: its field value is "7", expected a number', 1],
    ['Cannot send a series: it is null, expected { name: "a", labels: { b: "c" }, value: 3 }', 1],
    ["Cannot send the series twice{}: it has two samples at 1, expected one", 2],
    ["Cannot send the series empty{}: it has no sample, expected a value", 0],
  ]);
  const { samples, delivered, dropped, requests, reasons } = report;
  assert.deepEqual([samples, delivered, dropped, requests], [6, 2, 4, 1]);
  assert.deepEqual(reasons.map(({ outcome, samples }) => [outcome, samples]), [["dropped", 1], ["dropped", 1], [
    "dropped",
    2,
  ]]);
  assert.deepEqual([...receiver.samples.keys()], ["good"]);
  const none = await client.write({ name: "", value: 1 }, { onInvalid: () => {} });
  assert.deepEqual([none.samples, none.dropped, none.requests], [1, 1, 0]);
  await assert.rejects(client.write(list as SeriesArgument), { name: "FormatError" });
});

test("with onInvalid, the error about samples that were refused counts only valid ones", async () => {
  const receiver = strictReceiver({ answer: () => new Response("no", { status: 401 }) });
  const client = new RemoteWriteClient({ url, fetch: receiver.fetch, onWarning: () => {} });
  const list = [{ name: "good", value: 1 }, { name: "", value: 2 }];
  await assert.rejects(client.write(list, { onInvalid: () => {} }), ({ message, report }) => {
    assert.match(message, /^Cannot write: 1 of 1 samples were not delivered/);
    assert.deepEqual([report.samples, report.failed, report.dropped], [2, 1, 1]);
    return true;
  });
});

test("names that are not well-formed become the names that UTF-8 can hold", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ url, protocol: "2.0", fetch: receiver.fetch });
  await client.write({ name: "a\ud800", labels: { "b\udc00": "c" }, value: 1, timestamp: 1 });
  assert.deepEqual([...receiver.samples.keys()], ['{__name__="a\ufffd","b\ufffd"="c"}']);
});
