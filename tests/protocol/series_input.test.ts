import assert from "node:assert/strict";
import { test } from "node:test";
import { pushOnce, RemoteWriteClient, type SeriesArgument } from "../../mod.ts";
import { timeSeriesOf } from "../../src/protocol/series_input.ts";
import { strictReceiver } from "../support/strict_receiver.ts";

const now = 1_700_000_000_000;
const url = "http://receiver.test/api/v1/write";
const labels = [{ name: "room", value: "a" }, { name: "__name__", value: "queue_depth" }];

const forms: readonly (readonly [string, SeriesArgument])[] = [
  ["a name, labels as an object and a value", { name: "queue_depth", labels: { room: "a" }, value: 3 }],
  ["the same in a list", [{ name: "queue_depth", labels: { room: "a" }, value: 3 }]],
  ["a name, labels as a list and a value", { name: "queue_depth", labels: [{ name: "room", value: "a" }], value: 3 }],
  ["one series without a list", { labels, samples: [{ value: 3, timestamp: now }] }],
  ["a timestamp as a bigint", { name: "queue_depth", labels: { room: "a" }, value: 3, timestamp: BigInt(now) }],
];
for (const [form, series] of forms) {
  test(`pushOnce and write accept ${form}`, async () => {
    const receiver = strictReceiver();
    const options = { url, fetch: receiver.fetch, now: () => now };
    await pushOnce(series, options);
    assert.deepEqual([...receiver.samples], [['queue_depth{room="a"}', [{ value: 3, timestamp: now }]]]);
    assert.equal((await new RemoteWriteClient(options).write(series)).delivered, 1);
  });
}

test("JavaScript may also write labels as an object, and no timestamps, in the full form", () => {
  const series = {
    labels: { __name__: "a", room: "b" },
    samples: [{ value: 1 }],
    exemplars: [{ labels: { trace_id: "c" }, value: 2 }],
  };
  assert.deepEqual(timeSeriesOf(series as unknown as SeriesArgument, now), [{
    labels: [{ name: "__name__", value: "a" }, { name: "room", value: "b" }],
    samples: [{ value: 1, timestamp: now }],
    histograms: undefined,
    exemplars: [{ labels: [{ name: "trace_id", value: "c" }], value: 2, timestamp: now }],
  }]);
});

test("values without a timestamp rise in time from call to call, also within a millisecond", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ url, fetch: receiver.fetch, now: () => now });
  for (const value of [1, 2, 3]) await client.write({ name: "a", value });
  const times = receiver.samples.get("a{}") ?? receiver.samples.get("a");
  assert.deepEqual(times?.map(({ timestamp }) => timestamp - now), [0, 1, 2]);
});

const shape = 'expected { name: "a", labels: { b: "c" }, value: 3 }';
const name = "queue_depth";
const wrong: readonly (readonly [unknown, string])[] = [
  [undefined, `a series: it is undefined, ${shape}`],
  ["queue_depth", `a series: it is "queue_depth", ${shape}`],
  [[5], `a series: it is of type Number, ${shape}`],
  [{ name, labels: "room", value: 3 }, `the series queue_depth: its field labels is "room", ${shape}`],
  [
    { name, labels: new Map([["room", "a"]]), value: 3 },
    `the series queue_depth: its field labels is of type Map, ${shape}`,
  ],
  [{ name, labels: ["room"], value: 3 }, `the series queue_depth: one of its labels is "room", ${shape}`],
  [{ name, value: "3" }, 'the series queue_depth: its field value is "3", expected a number'],
  [{ name, value: null }, "the series queue_depth: its field value is null, expected a number"],
  [{ name, value: 3n }, "the series queue_depth: its field value is of type BigInt, expected a number"],
  [{ name, value: new Date(0) }, "the series queue_depth: its field value is of type Date, expected a number"],
  [
    { name, value: 3, timestamp: new Date(0) },
    "the series queue_depth: its field timestamp is of type Date, expected milliseconds (Date.now())",
  ],
  [
    { labels, samples: [{ value: 3, timestamp: "2026-01-01" }] },
    'a series: its field timestamp is "2026-01-01", expected milliseconds (Date.now())',
  ],
  [{ labels, samples: [3] }, `a series: one of its samples is of type Number, ${shape}`],
  [{ labels, samples: { value: 3 } }, `a series: its field samples is of type Object, ${shape}`],
  [{ labels, samples: [{ value: "3", timestamp: 1 }] }, 'a series: its field value is "3", expected a number'],
  [{ name }, "the series queue_depth{}: it has no sample, expected a value"],
  [{ value: 3 }, "the series {}: it has no name, expected one, or a label __name__"],
  [
    { name, labels: { "": "a" }, value: 3 },
    'the series queue_depth{="a"}: it has the label name "", expected a name of the form [a-zA-Z_][a-zA-Z0-9_]*',
  ],
  [
    { name, value: 3, timestamp: 1.5 },
    "the series queue_depth{}: it has the timestamp 1.5, expected whole milliseconds",
  ],
];
for (const [input, message] of wrong) {
  test(`the wrong form "${message}" is an error, and nothing is sent`, async () => {
    const receiver = strictReceiver();
    await assert.rejects(pushOnce(input as SeriesArgument, { url, fetch: receiver.fetch }), {
      name: "FormatError",
      message: `Cannot send ${message}`,
    });
    assert.equal(receiver.writes.length, 0);
  });
}
