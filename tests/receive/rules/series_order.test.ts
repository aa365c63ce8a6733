import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesOrder } from "../../../src/receive/rules/series_order.ts";
import { createReceiver, strictRules } from "../../../src/receive/mod.ts";
import type { FloatSample, Histogram, TimeSeries } from "../../../src/model/time_series.ts";
import { postV1 } from "../../support/requests.ts";

function floats(...samples: FloatSample[]): TimeSeries {
  return { labels: [], samples };
}

const histogram: Histogram = {
  timestamp: 5,
  count: 1,
  sum: 2,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 1,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
};
const last = { value: 1, timestamp: 5 };

const afterFloat: readonly [title: string, next: TimeSeries, violation: RegExp | undefined][] = [
  ["a later sample", floats({ value: 1, timestamp: 6 }), undefined],
  ["an earlier sample", floats({ value: 1, timestamp: 4 }), /at 4, expected one after 5/],
  [
    "another value at the same time",
    floats({ value: 2, timestamp: 5 }),
    /at 5, where an earlier request had another value/,
  ],
  ["the same sample again, as a retry sends it", floats(last), undefined],
  ["the same sample and a later one", floats(last, { value: 2, timestamp: 6 }), undefined],
  ["an earlier sample and a later one", floats({ value: 1, timestamp: 4 }, { value: 2, timestamp: 6 }), /at 4/],
  ["a staleness marker at the same time", floats({ value: NaN, timestamp: 5, stale: true }), /another value/],
  ["a staleness marker 1 ms later", floats({ value: NaN, timestamp: 6, stale: true }), undefined],
  ["a histogram at the same time", { labels: [], histograms: [histogram] }, /another value/],
  ["nothing", floats(), undefined],
];

for (const [title, next, violation] of afterFloat) {
  test(`SeriesOrder after a sample of an earlier request: ${title}`, () => {
    const order = new SeriesOrder(10);
    order.accept(new Map([[1, floats({ value: 9, timestamp: 1 }, last)]]));
    const found = order.violation(1, next);
    if (violation === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", violation);
  });
}

test("the same histogram is allowed again, but not another one at the same time", () => {
  const order = new SeriesOrder(10);
  order.accept(new Map([[1, { labels: [], histograms: [histogram] }]]));
  assert.equal(order.violation(1, { labels: [], histograms: [{ ...histogram }] }), undefined);
  assert.match(order.violation(1, { labels: [], histograms: [{ ...histogram, count: 2 }] }) ?? "", /another value/);
  assert.match(order.violation(1, { labels: [], histograms: [{ ...histogram, sum: 3 }] }) ?? "", /another value/);
});

test("the order of one series does not affect another", () => {
  const order = new SeriesOrder(10);
  order.accept(new Map([[1, floats(last)]]));
  assert.equal(order.violation(2, floats({ value: 1, timestamp: 1 })), undefined);
});

test("SeriesOrder remembers at least the limit, the series seen last, and at most twice as many", () => {
  const order = new SeriesOrder(2);
  const early = floats({ value: 1, timestamp: 1 });
  const see = (key: number, timestamp: number): void =>
    void order.accept(new Map([[key, floats({ value: 1, timestamp })]]));
  const known = (...keys: number[]): boolean[] => keys.map((key) => order.violation(key, early) !== undefined);
  for (const key of [1, 2, 3]) see(key, 5);
  see(1, 6);
  assert.deepEqual(known(1, 2, 3), [true, true, true]);
  for (const key of [4, 5]) see(key, 5);
  assert.deepEqual(known(1, 2, 3, 4, 5), [true, false, true, true, true]);
  for (let key = 6; key < 10; key++) see(key, 5);
  assert.deepEqual(known(1, 3, 4, 5, 8, 9), [false, false, false, false, true, true]);
});

test("SeriesOrder forgets quickly (on one runtime)", () => {
  const order = new SeriesOrder(100_000);
  const series = new Map(Array.from({ length: 400_000 }, (_, key) => [key, floats(last)]));
  const start = performance.now();
  order.accept(series);
  // Deleting one at a time from a map would take minutes.
  assert.ok(performance.now() - start < 60_000);
});

test("accept() can be undone, except for series that got later samples", () => {
  const order = new SeriesOrder(10);
  order.accept(new Map([[1, floats(last)], [2, floats(last)]]));
  const forget = order.accept(new Map([1, 2, 3].map((key) => [key, floats({ value: 2, timestamp: 7 })])));
  order.accept(new Map([[2, floats({ value: 3, timestamp: 9 })]]));
  forget();
  const at = (timestamp: number): TimeSeries => floats({ value: 8, timestamp });
  assert.equal(order.violation(1, at(6)), undefined);
  assert.match(order.violation(1, at(5)) ?? "", /at 5/);
  assert.match(order.violation(2, at(8)) ?? "", /after 9/);
  assert.equal(order.violation(3, at(1)), undefined);
});

test("strictRules checks the order from request to request, and allows a retry after 500", async () => {
  const rules: string[] = [];
  let fail = true;
  const receive = createReceiver({
    strict: strictRules(),
    onWrite: () => {
      if (fail) throw new Error("full");
    },
    onError: () => {},
    onViolation: ({ rule }) => rules.push(rule),
  });
  const send = async (timestamp: bigint, value = 1): Promise<number> => {
    const samples = [{ value, timestamp: timestamp - 1n }, { value, timestamp }];
    return (await receive(postV1({ timeseries: [{ labels: [{ name: "__name__", value: "up" }], samples }] }))).status;
  };
  assert.equal(await send(5n), 500);
  fail = false;
  assert.equal(await send(5n), 204);
  assert.deepEqual(rules, []);
  // The first of the two samples is older than the stored one.
  assert.equal(await send(5n), 400);
  assert.deepEqual(rules, ["requestOrder"]);
  assert.equal(await send(7n), 204);
});

test("strictRules allows a request again if nothing of it was stored", async () => {
  let reason: string | undefined = "one is bad";
  const written = { samples: 0, histograms: 0, exemplars: 0 };
  const receive = createReceiver({
    strict: strictRules(),
    onWrite: () => reason === undefined ? undefined : { written, reason },
  });
  const samples = [{ value: 1, timestamp: 1n }, { value: 1, timestamp: 2n }];
  const send = (): Promise<Response> =>
    receive(postV1({ timeseries: [{ labels: [{ name: "__name__", value: "up" }], samples }] }));
  assert.equal((await send()).status, 400);
  reason = undefined;
  assert.equal((await send()).status, 204);
});
