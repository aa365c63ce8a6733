import assert from "node:assert/strict";
import { test } from "node:test";
import { memory, RemoteWriteAggregator } from "../../src/gateway/mod.ts";
import type { Histogram, TimeSeries } from "../../src/model/time_series.ts";
import {
  bodyOf,
  bucketsOf,
  float,
  labelsOf,
  metadataBody,
  nativeOf,
  startAggregator,
  uncheckedBody,
} from "../support/aggregator.ts";
import { prometheus, ScriptedReceiver } from "../support/scripted_receiver.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

test("counters of senders that come and go become one rising series, which begins at 0", async () => {
  const { aggregator, clock, send, target, totals } = startAggregator({ without: ["instance"] });
  const start = clock.now();
  const count = (instance: string, value: number): Promise<number> =>
    send([float("hits_total", { instance, job: "edge" }, { value, timestamp: clock.now() })]);
  assert.equal(await count("a", 1), 204);
  await clock.advance(1000);
  assert.equal(await count("b", 2), 204);
  await clock.advance(1000);
  assert.deepEqual([...await totals()], [['hits_total{job="edge"}', 3]]);
  await clock.advance(1000);
  await count("a", 3);
  await count("c", 10);
  await totals();
  // Nobody sends any more, but the sum stays.
  await clock.advance(5_000_000);
  await totals();
  assert.equal(aggregator.stats.senders, 0);
  assert.deepEqual(
    target.samples.get('hits_total{job="edge"}')?.map(({ timestamp, value }) => [timestamp - start, value]),
    [[0, 0], [2000, 3], [3000, 15], [5_003_000, 15]],
  );
  const starts = target.writes.flatMap(({ timeSeries }) =>
    timeSeries.map(({ samples = [] }) => samples[0]?.startTimestamp)
  );
  assert.deepEqual(starts, [undefined, start, start, start]);
});

test("a request that arrives twice, and an older one that arrives late, change nothing", async () => {
  const { aggregator, clock, post, totals } = startAggregator();
  const body = (value: number, ageMs: number): Uint8Array<ArrayBuffer> =>
    bodyOf([float("hits_total", { instance: "a" }, { value, timestamp: clock.now() - ageMs })]);
  const [first, second, third] = [body(1, 3000), body(2, 2000), body(3, 1000)];
  for (const each of [first, first, third, second, first, third]) assert.equal((await post(each)).status, 204);
  assert.deepEqual([...await totals()], [["hits_total", 3]]);
  const { accepted, repeated } = aggregator.stats;
  assert.deepEqual([accepted, repeated], [2, 4]);
});

test("a request that is repeated after its sender was forgotten is refused instead of counted twice", async () => {
  // The sender's clock is ahead.
  const { aggregator, clock, post, totals } = startAggregator({ forgetAfterMs: 60_000 });
  const body = bodyOf([float("hits_total", { instance: "a" }, { value: 5, timestamp: clock.now() + 30_000 })]);
  await post(body);
  for (let step = 0; step < 20; step++) {
    await clock.advance(10_000);
    await totals();
    const { status } = await post(body);
    assert.equal(status, aggregator.stats.senders === 1 ? 204 : 400);
  }
  assert.equal(aggregator.stats.senders, 0);
  assert.deepEqual([...await totals()], [["hits_total", 5]]);
});

test("a sender that begins again is detected by a smaller value and by its start timestamp", async () => {
  const { aggregator, clock, send, totals } = startAggregator();
  const t = clock.now();
  const hits = (value: number, timestamp: number, startTimestamp?: number): Promise<number> =>
    send([float("hits_total", { instance: "a" }, { value, timestamp, startTimestamp })]);
  await hits(5, t, t - 100);
  await hits(6, t + 10, t - 90); // a start that is a little inexact is no restart
  await hits(7, t + 20, t + 15);
  await hits(2, t + 30);
  assert.deepEqual([...await totals()], [["hits_total", 6 + 7 + 2]]);
  assert.equal(aggregator.stats.resets, 2);
});

test("the state survives a restart without close()", async () => {
  for (const version of ["1.0", "2.0"] as const) {
    const setting = startAggregator({ store: memory(), gauges: { queue: "sum" } });
    const { clock, target } = setting;
    const send = (values: Readonly<Record<string, number>>): Promise<number> =>
      setting.send(
        Object.entries(values).flatMap(([instance, value]) => [
          float("hits_total", { instance }, { value, timestamp: clock.now() }),
          float("queue", { instance }, { value, timestamp: clock.now() }),
          { labels: labelsOf("size", { instance }), histograms: [nativeOf(Array(value).fill(3), 2, clock.now())] },
        ]),
        version,
      );
    await send({ a: 1, b: 2 });
    await setting.totals();
    await clock.advance(1000);
    await send({ a: 4 });
    setting.restart();
    await clock.advance(1000);
    // Known senders go on, and the request before the restart changes nothing.
    await send({ b: 3, c: 10 });
    setting.restart();
    assert.deepEqual([...await setting.totals()].sort(), [["hits_total", 17], ["queue", 17]]);
    // The zero was sent once.
    const zeros = target.samples.get("hits_total")?.filter(({ value }) => value === 0);
    assert.equal(zeros?.length, 1);
    const sizes = target.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ histograms = [] }) => histograms));
    assert.deepEqual(sizes.map(({ count }) => count), [0, 3, 17]);
  }
});

test("senders are remembered although the aggregator was down for longer than forgetAfterMs, or its clock was wrong", async () => {
  const setting = startAggregator({ store: memory(), forgetAfterMs: 60_000 });
  const { clock } = setting;
  const hits = (value: number): Promise<number> =>
    setting.send([float("hits_total", { instance: "a" }, { value, timestamp: clock.now() })]);
  await hits(5);
  await setting.totals();
  await clock.advance(10_000_000);
  setting.restart();
  await setting.totals();
  await hits(7);
  assert.deepEqual([...await setting.totals()], [["hits_total", 7]]);
  // A flush begins and ends while the clock is ahead.
  clock.jump(120_000);
  await setting.totals();
  clock.jump(-120_000);
  await clock.advance(1000);
  await hits(8);
  await clock.advance(120_000);
  assert.equal((await setting.totals()).get("hits_total"), 8);
  assert.equal(setting.aggregator.stats.senders, 0);
});

test("senders are also forgotten if the aggregator only runs for moments, as an object of Cloudflare", async () => {
  const setting = startAggregator({ store: memory(), forgetAfterMs: 60_000 });
  const { clock } = setting;
  await setting.send([float("hits_total", { instance: "a" }, { value: 5, timestamp: clock.now() })]);
  const remembered: number[] = [];
  for (let minute = 0; minute < 12; minute++) {
    setting.restart();
    assert.deepEqual([...await setting.totals()], [["hits_total", 5]]);
    remembered.push(setting.aggregator.stats.senders);
    await clock.advance(30_000);
  }
  // Of each pause, a tenth of forgetAfterMs counts as silence.
  assert.deepEqual(remembered, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
});

test("a moment of a wrong clock costs only the samples of that moment", async () => {
  const up = strictReceiver();
  const { clock, send, aggregator } = startAggregator({
    store: memory(),
    fetch: (url, init) =>
      clock.now() > t0 + 3_600_000
        ? Promise.resolve(new Response("too far in the future", { status: 400 }))
        : up.fetch(url, init),
  });
  const t0 = clock.now();
  const hits = (name: string, value: number, ageMs = 0): Promise<number> =>
    send([float(name, { instance: "a" }, { value, timestamp: clock.now() - ageMs })]);
  await hits("hits_total", 1);
  await aggregator.flush();
  clock.jump(86_400_000);
  await hits("hits_total", 2, 86_400_000);
  await hits("new_total", 3);
  await aggregator.flush();
  clock.jump(-86_400_000);
  await clock.advance(10_000);
  await aggregator.flush();
  const stored = (name: string): readonly (readonly [number, number])[] =>
    up.samples.get(name)?.map(({ value, timestamp }) => [value, timestamp - t0] as const) ?? [];
  assert.deepEqual(stored("hits_total").slice(-1), [[1, 10_000]]);
  assert.deepEqual(stored("new_total"), [[0, 9_999], [3, 10_000]]);
});

test("gauges become the last, the sum, the smallest or the largest value of the senders that are active", async () => {
  const { clock, send, totals } = startAggregator({
    forgetAfterMs: 60_000,
    gauges: { queue: "sum", low: "min", high: "max" },
  });
  const names = ["queue", "low", "high", "temperature", "duration_min", "duration_max"];
  const sendAll = (instance: string, value: number, stale = false): Promise<number> =>
    send(names.map((name) => float(name, { instance }, { value, timestamp: clock.now(), stale })));
  await sendAll("a", 5);
  await clock.advance(30_000);
  await sendAll("b", 3);
  await sendAll("b", 3);
  const expected = (values: readonly number[]): [string, number][] => names.map((name, at) => [name, values[at] ?? 0]);
  assert.deepEqual(new Map([...await totals()]), new Map(expected([8, 3, 5, 3, 3, 5])));
  await clock.advance(45_000);
  assert.deepEqual(new Map([...await totals()]), new Map(expected([3, 3, 3, 3, 3, 3])));
  await sendAll("c", 9);
  await clock.advance(1);
  await sendAll("b", 0, true);
  assert.deepEqual(new Map([...await totals()]), new Map(expected([9, 9, 9, 9, 9, 9])));
  await sendAll("c", 0, true);
  assert.deepEqual([...await totals()], []);
});

test("a staleness marker ends a gauge, and a counter keeps what it has and goes on", async () => {
  const { clock, send, totals } = startAggregator();
  const hits = (value: number, stale = false): Promise<number> =>
    send([float("hits_total", { instance: "a" }, { value, timestamp: clock.now(), stale })]);
  await hits(5);
  await clock.advance(1000);
  await hits(0, true);
  assert.deepEqual([...await totals()], [["hits_total", 5]]);
  await clock.advance(1000);
  await hits(7);
  assert.deepEqual([...await totals()], [["hits_total", 7]]);
});

test("the type comes from the option, then from metadata of 2.0 and 1.0, then from the name", async () => {
  const types = { forced_total: "gauge", forced: "counter" } as const;
  const { clock, post, send, totals } = startAggregator({ types });
  const sendAll = (version: "1.0" | "2.0", suffix: string): Promise<number> =>
    send(
      ["a", "b"].flatMap((instance) =>
        ["forced_total", "forced", `hits${suffix}`, `heat${suffix}`, `x${suffix}_total`, `y${suffix}_count`].map((
          name,
        ) => ({
          ...float(name, { instance }, { value: 2, timestamp: clock.now() }),
          ...name.startsWith("hits") && { metadata: { type: "counter" } as const },
          ...name.startsWith("x") && { metadata: { type: "gauge" } as const },
        }))
      ),
      version,
    );
  await sendAll("2.0", "2");
  const expected = new Map([["forced_total", 2], ["forced", 4], ["hits2", 4], ["heat2", 2], ["x2_total", 2], [
    "y2_count",
    4,
  ]]);
  assert.deepEqual(new Map([...await totals()]), expected);
  // The metadata of 1.0 comes later than the first samples.
  await sendAll("1.0", "1");
  assert.equal((await totals()).get("hits1"), 2);
  const metadata = metadataBody({ hits1: { type: "counter" }, x1_total: { type: "gauge" }, hits2: { type: "gauge" } });
  assert.equal((await post(metadata, "1.0")).status, 204);
  await clock.advance(1000);
  const after = await totals();
  assert.deepEqual(["hits1", "x1_total", "hits2"].map((name) => after.get(name)), [4, 2, 4]);
});

test("a gauge that metadata makes a counter begins with what is valid for a counter, also after a restart", async () => {
  for (const value of [NaN, Infinity, -5]) {
    const setting = startAggregator({ store: memory() });
    const { clock } = setting;
    const hits = (instance: string, value: number): Promise<number> =>
      setting.send([float("hits", { instance }, { value, timestamp: clock.now() })]);
    await hits("a", value);
    await hits("b", 2);
    await setting.post(metadataBody({ hits: { type: "counter" } }), "1.0");
    setting.restart();
    await clock.advance(1000);
    assert.equal(await hits("a", 3), 204);
    assert.deepEqual([...await setting.totals()], [["hits", 5]]);
  }
});

test("classic histograms add up by bucket", async () => {
  const { clock, send, totals } = startAggregator({ by: ["route"] });
  for (const [at, pod] of ["a", "b"].entries()) {
    await send(
      [["1", 3], ["+Inf", 4 + at]].map(([le, value]) => ({
        ...float("d_bucket", { pod, zone: "z", route: "/", le: `${le}` }, {
          value: Number(value),
          timestamp: clock.now(),
        }),
        metadata: { type: "histogram" },
      })),
    );
  }
  assert.deepEqual([...await totals()], [['d_bucket{le="1",route="/"}', 6], ['d_bucket{le="+Inf",route="/"}', 9]]);
});

test("native histograms are merged at the coarsest schema and the widest zero bucket", async () => {
  const { aggregator, clock, send, target, totals } = startAggregator();
  const observe = (
    instance: string,
    observations: readonly number[],
    schema: number,
    zeroThreshold?: number,
  ): Promise<number> => {
    const histogram = nativeOf(observations, schema, clock.now());
    return send([{
      labels: labelsOf("size", { instance }),
      histograms: [{ ...histogram, ...zeroThreshold !== undefined && { zeroThreshold } }],
    }]);
  };
  await observe("a", [1.1, 1.5, 3, 100], 3);
  await observe("b", [1.1, 5], 1);
  await clock.advance(1000);
  await observe("a", [1.1, 1.5, 3, 100, 101], 3);
  await observe("b", [2], 1); // it began again
  await totals();
  const last = () =>
    target.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ histograms = [] }) => histograms)).at(-1);
  const expected = nativeOf([1.1, 1.5, 3, 100, 101, 1.1, 5, 2], 1, 0);
  const merged = last();
  assert.ok(merged);
  assert.deepEqual([merged.schema, merged.count, merged.zeroCount], [1, 8, 0]);
  assert.ok(Math.abs(merged.sum - expected.sum) < 1e-9);
  assert.deepEqual(bucketsOf(merged), bucketsOf(expected));
  assert.equal(aggregator.stats.resets, 1);
  // 1.1 lies in the bucket that ends at 1.41, across the threshold.
  await clock.advance(1000);
  await observe("c", [8], 1, 1.2);
  await totals();
  const widened = last();
  assert.ok(widened);
  assert.deepEqual([widened.count, widened.zeroCount], [9, 2]);
  assert.ok(Math.abs(widened.zeroThreshold - Math.SQRT2) < 1e-9);
});

test("a hostile native histogram is refused, and the histograms of the other senders go on", async () => {
  const { clock, post, target, totals } = startAggregator();
  const send = async (instance: string, changes: Partial<Histogram>): Promise<number> => {
    const histogram = { ...nativeOf([3], 3, clock.now()), ...changes };
    return (await post(uncheckedBody(labelsOf("size", { instance }), histogram))).status;
  };
  assert.equal(await send("a", {}), 204);
  const hostile: readonly Partial<Histogram>[] = [
    { zeroThreshold: NaN },
    { zeroThreshold: Infinity },
    { positiveSpans: [{ offset: 2 ** 31 - 1, length: 1 }] },
    { positiveSpans: [{ offset: -(2 ** 31), length: 1 }] },
  ];
  for (const [at, changes] of hostile.entries()) assert.equal(await send(`hostile ${at}`, changes), 400);
  // It is valid, but its zero bucket takes in all others.
  assert.equal(await send("wide", { zeroThreshold: Number.MAX_VALUE }), 204);
  assert.equal(await send("b", {}), 204);
  await totals();
  const last = target.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ histograms = [] }) => histograms)).at(
    -1,
  );
  assert.deepEqual([last?.count, last?.zeroCount, last?.zeroThreshold], [3, 3, Number.MAX_VALUE]);
});

test("what cannot be added up is left out with one warning", async () => {
  const { aggregator, clock, send, totals, warnings } = startAggregator({ gauges: { k6_d_p99: "max" } });
  const timestamp = clock.now();
  const status = await send([
    float("k6_d_p95", { instance: "a" }, { value: 1, timestamp }),
    float("k6_d_p99", { instance: "a" }, { value: 1, timestamp }),
    float("k6_d_avg", { instance: "a" }, { value: 1, timestamp }),
    float("rpc", { instance: "a", quantile: "0.9" }, { value: 1, timestamp }),
    { ...float("rpc_sum", { instance: "a" }, { value: 7, timestamp }), metadata: { type: "summary" } },
  ]);
  assert.equal(status, 204);
  assert.deepEqual([...await totals()].sort(), [["k6_d_p99", 1], ["rpc_sum", 7]]);
  assert.equal(aggregator.stats.leftOut, 3);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    /^The series "k6_d_p95" is left out: quantiles and averages .* name a rule in the option gauges/,
  );
});

test("histograms with other bounds, and gauge histograms, are left out with one warning", async () => {
  const { aggregator, clock, send, target, totals, warnings } = startAggregator();
  const custom = (instance: string, customValues: readonly number[], resetHint = 0): Promise<number> =>
    send([{
      labels: labelsOf("size", { instance }),
      histograms: [{
        ...nativeOf([], 0, clock.now()),
        ...{ schema: -53, zeroThreshold: 0, customValues, resetHint, count: 3, sum: 3 },
        ...{ positiveSpans: [{ offset: 0, length: 1 }], positiveCounts: [3] },
      }],
    }]);
  for (const [instance, bounds] of [["a", [1, 2]], ["b", [1, 2]], ["c", [1, 3]]] as const) {
    assert.equal(await custom(instance, bounds), 204);
  }
  assert.equal(await custom("d", [1, 2], 3), 204);
  await totals();
  const last = target.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ histograms = [] }) => histograms)).at(
    -1,
  );
  assert.deepEqual([last?.count, last?.customValues, last?.positiveCounts], [6, [1, 2], [6]]);
  assert.deepEqual([aggregator.stats.leftOut, warnings.length], [2, 1]);
});

test("memory and store stay flat while 20,000 senders come and go (on one runtime)", async () => {
  const store = memory();
  const setting = startAggregator({ store, forgetAfterMs: 60_000, protocol: "1.0" });
  const { clock } = setting;
  const sizes: [senders: number, bytes: number, stored: number][] = [];
  for (let second = 0; second < 200; second++) {
    await clock.advance(1000);
    const timestamp = clock.now();
    await setting.send(
      Array.from(
        { length: 100 },
        (_, each) => float("hits_total", { instance: `${second}-${each}` }, { value: 1, timestamp }),
      ),
    );
    if (second % 5 === 0) await setting.aggregator.flush();
    if (second % 50 !== 49) continue;
    let stored = 0;
    for await (const record of store.read()) stored += record.length;
    const { senders, bytes } = setting.aggregator.stats;
    sizes.push([senders, bytes, stored]);
  }
  assert.ok(sizes.every(([senders]) => senders <= 66 * 100), `${sizes}`);
  assert.ok(
    Math.max(...sizes.slice(1).map(([, bytes]) => bytes)) <
      1.05 * Math.min(...sizes.slice(1).map(([, bytes]) => bytes)),
  );
  // A snapshot of about 1 MB, and at most twice as much behind it.
  assert.ok(sizes.every(([, , stored]) => stored < 5_000_000), `${sizes}`);
  setting.restart();
  assert.deepEqual([...await setting.totals()], [["hits_total", 20_000]]);
});

test("new senders are answered 429 while there are too many, and known ones are not", async () => {
  const { aggregator, clock, send, totals } = startAggregator({ maxSenders: 2, forgetAfterMs: 60_000 });
  const hits = (instance: string, value: number): Promise<number> =>
    send([float("hits_total", { instance }, { value, timestamp: clock.now() })]);
  assert.deepEqual([await hits("a", 1), await hits("b", 1), await hits("c", 1)], [204, 204, 429]);
  await clock.advance(50_000);
  assert.deepEqual([await hits("a", 2), await hits("c", 1)], [204, 429]);
  // b is forgotten.
  await clock.advance(20_000);
  assert.deepEqual([await hits("c", 1), await hits("d", 1)], [204, 429]);
  assert.deepEqual([...await totals()], [["hits_total", 4]]);
  assert.deepEqual([aggregator.stats.busy, aggregator.stats.refused], [3, 3]);
});

test("series beyond the limit are refused, and so is everything while the state takes too much memory", async () => {
  const { clock, post, send } = startAggregator({ maxSeries: 1 });
  const timestamp = clock.now();
  const series = ["one_total", "two_total"].map((name) => float(name, { instance: "a" }, { value: 1, timestamp }));
  const response = await post(bodyOf(series));
  assert.equal(response.status, 400);
  assert.equal(response.headers.get("X-Prometheus-Remote-Write-Samples-Written"), "1");
  assert.match(await response.text(), /there are already 1 series, expected at most maxSeries/);
  const small = startAggregator({ maxBytes: 2300, forgetAfterMs: 60_000 });
  const statuses: number[] = [];
  for (let each = 0; each < 8; each++) {
    statuses.push(
      await small.send([float("hits_total", { instance: `${each}` }, { value: 1, timestamp: small.clock.now() })]),
    );
  }
  assert.deepEqual(statuses, [204, 204, 204, 429, 429, 429, 429, 429]);
  await small.clock.advance(61_000);
  assert.equal(
    await small.send([float("hits_total", { instance: "9" }, { value: 1, timestamp: small.clock.now() })]),
    204,
  );
  assert.equal(await send([]), 204);
});

test("the memory counts labels, metadata and bounds, and long help texts are not kept", async () => {
  const { aggregator, clock, send, target } = startAggregator();
  let before = 0;
  const grown = async (series: TimeSeries): Promise<number> => {
    assert.equal(await send([series]), 204);
    const bytes = aggregator.stats.bytes - before;
    before = aggregator.stats.bytes;
    return bytes;
  };
  const labelled = (name: string, count: number, help?: string): TimeSeries => ({
    ...float(name, Object.fromEntries(Array.from({ length: count }, (_, at) => [`label_${at}`, "x"])), {
      ...{ value: 1, timestamp: clock.now() },
    }),
    ...help !== undefined && { metadata: { type: "counter", help, unit: help } },
  });
  // The sender is new.
  await grown(labelled("z_total", 1));
  const few = await grown(labelled("a_total", 1));
  assert.ok(await grown(labelled("b_total", 101)) > few + 100 * 150);
  assert.ok(await grown(labelled("c_total", 1, "x".repeat(1000))) >= few + 2 * 2 * 1000);
  assert.ok(await grown(labelled("d_total", 1, "x".repeat(100_000))) < few + 100);
  // Metadata that comes later counts, too.
  await clock.advance(1);
  assert.ok(await grown(labelled("a_total", 1, "y".repeat(1000))) >= 2 * 2 * 1000);
  assert.ok(await grown(labelled("z_total", 1, "y".repeat(100_000))) < 100);
  const customValues = Array.from({ length: 1000 }, (_, at) => at);
  const histogram = { ...nativeOf([], 0, clock.now()), schema: -53, zeroThreshold: 0, customValues };
  assert.ok(await grown({ labels: labelsOf("size"), histograms: [histogram] }) > 2 * 8 * 1000);
  await aggregator.flush();
  const helps = target.writes.flatMap(({ timeSeries }) =>
    timeSeries.map(({ metadata }) => metadata?.help?.length ?? 0)
  );
  assert.equal(Math.max(...helps), 1000);
});

test("a sender may change the order of its series, add and omit some, and send them together with those of other senders", async () => {
  const { aggregator, clock, send, totals } = startAggregator();
  const names = ["a_total", "b_total", "c_total", "d_total"];
  let value = 0;
  const sendAll = async (...series: readonly string[]): Promise<void> => {
    value++;
    const timeSeries = series.map((each) => {
      const [name = "", instance = "", path = "/"] = each.split(" ");
      return float(name, { instance, path }, { value, timestamp: clock.now() });
    });
    assert.equal(await send(timeSeries), 204);
    await clock.advance(1000);
  };
  for (let round = 0; round < 2; round++) await sendAll(...names.map((name) => `${name} x`));
  await sendAll("a_total x", "c_total x", "b_total x");
  await sendAll("b_total x", "e_total x", "c_total x");
  // The same series of another sender, and others of the same name, where the known order has those of the first one.
  await sendAll("a_total x", "b_total y", "c_total x /other", "b_total x");
  await sendAll("a_total x", "b_total x", "a_total y", "b_total y");
  assert.deepEqual(
    [...await totals()].sort(),
    [
      ['a_total{path="/"}', 6 + 6],
      ['b_total{path="/"}', 6 + 6],
      ['c_total{path="/"}', 4],
      ['c_total{path="/other"}', 5],
      ['d_total{path="/"}', 2],
      ['e_total{path="/"}', 4],
    ],
  );
  assert.equal(aggregator.stats.senders, 2);
});

test("samples in the far future and counters that are no numbers are refused", async () => {
  const { aggregator, clock, send, totals } = startAggregator();
  const t = clock.now();
  for (const [value, timestamp] of [[1, t + 11 * 60_000], [NaN, t], [Infinity, t]] as const) {
    assert.equal(await send([float("hits_total", { instance: "a" }, { value, timestamp })]), 400);
  }
  assert.equal(aggregator.stats.refused, 3);
  assert.deepEqual([...await totals()], []);
});

test("a refused sample changes nothing: neither the memory nor the store", async () => {
  const store = memory();
  const { aggregator, clock, post, send } = startAggregator({ store, maxSeries: 1 });
  const t = clock.now();
  const day = 86_400_000;
  const floats = [[1, t + day], [1, t - day], [NaN, t], [-1, t]] as const;
  for (const [at, [value, timestamp]] of floats.entries()) {
    const metadata = { type: "counter", help: `refused ${at}` } as const;
    assert.equal(await send([{ ...float(`refused_${at}`, { instance: "a" }, { value, timestamp }), metadata }]), 400);
  }
  const labels = labelsOf("size", { instance: "a" });
  for (const timestamp of [t + day, t - day]) {
    assert.equal(await send([{ labels, histograms: [nativeOf([3], 3, timestamp)] }]), 400);
  }
  assert.equal((await post(uncheckedBody(labels, { ...nativeOf([3], 3, t), count: 2 }))).status, 400);
  const { senders, series, bytes, refused } = aggregator.stats;
  assert.deepEqual({ senders, series, bytes, refused }, { senders: 0, series: 0, bytes: 0, refused: 7 });
  for await (const record of store.read()) assert.fail(new TextDecoder().decode(record));
  assert.equal(await send([float("good_total", { instance: "a" }, { value: 1, timestamp: t })]), 204);
});

test("a counter is not negative, but the sum of a classic histogram may be", async () => {
  const { clock, send, totals } = startAggregator();
  const count = (name: string, value: number): Promise<number> =>
    send([float(name, { instance: "a" }, { value, timestamp: clock.now() })]);
  assert.equal(await count("hits_total", 3), 204);
  await clock.advance(1000);
  assert.deepEqual([await count("hits_total", -2), await count("degrees_sum", -2)], [400, 204]);
  assert.deepEqual(new Map(await totals()), new Map([["hits_total", 3], ["degrees_sum", -2]]));
});

test("the Written headers count what was accepted of each kind", async () => {
  const { clock, post } = startAggregator();
  const [timestamp, late] = [clock.now(), clock.now() + 86_400_000];
  const response = await post(bodyOf([
    float("hits_total", { instance: "a" }, { value: 1, timestamp }),
    { labels: labelsOf("size", { instance: "a" }), histograms: [nativeOf([3], 3, late)] },
  ]));
  const written = (kind: string): string | null => response.headers.get(`X-Prometheus-Remote-Write-${kind}-Written`);
  assert.deepEqual([response.status, written("Samples"), written("Histograms")], [400, "1", "0"]);
});

test("a native histogram whose counts would exceed 2^53 is left out with a warning", async () => {
  const { clock, send, target, totals, warnings } = startAggregator();
  for (const [instance, count] of [["a", 2 ** 52], ["b", 2 ** 52], ["c", 1]] as const) {
    const histogram = { ...nativeOf([3], 3, clock.now()), count, positiveCounts: [count] };
    assert.equal(await send([{ labels: labelsOf("size", { instance }), histograms: [histogram] }]), 204);
  }
  await totals();
  const last = target.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ histograms = [] }) => histograms)).at(
    -1,
  );
  assert.equal(last?.count, 2 ** 52 + 1);
  assert.match(warnings[0] ?? "", /^The series "size" is left out: .*counts.* 2\^53/);
});

test("a request that is still being accepted when close() begins is answered 429", async () => {
  const setting = startAggregator({
    receiver: { onWrite: () => setting.clock.sleep(100, new AbortController().signal) },
  });
  const { aggregator, clock, target } = setting;
  await aggregator.open();
  const answer = setting.send([float("hits_total", { instance: "a" }, { value: 5, timestamp: clock.now() })]);
  await clock.advance(10);
  await clock.settle(aggregator.close());
  await clock.advance(200);
  assert.equal(await answer, 429);
  assert.equal(target.writes.length, 0);
});

test("a counter whose sum exceeds the largest number is left out with one warning, and ends; also after a restart", async () => {
  const setting = startAggregator({ store: memory() });
  const { clock, send, target, totals, warnings } = setting;
  const most = Number.MAX_VALUE;
  const sendAll = async (instance: string, value: number): Promise<void> => {
    const samples = ["huge_total", "other_total"].map((name) =>
      float(name, { instance }, { value: name === "huge_total" ? value : 1, timestamp: clock.now() })
    );
    assert.equal(await send(samples), 204);
    await clock.advance(1000);
  };
  await sendAll("a", most);
  assert.deepEqual([...await totals()].sort(), [["huge_total", most], ["other_total", 1]]);
  await sendAll("b", most);
  await sendAll("c", 1);
  assert.deepEqual([...await totals()], [["other_total", 3]]);
  assert.equal(target.samples.get("huge_total")?.at(-1)?.stale, true);
  assert.equal(setting.aggregator.stats.leftOut, 2);
  setting.restart();
  await sendAll("d", 1);
  assert.deepEqual([...await totals()], [["other_total", 4]]);
  assert.equal(setting.aggregator.stats.leftOut, 1);
  assert.deepEqual(warnings.map((text) => text.replace(/ Give .*/, "")), [
    'The series "huge_total" is left out: its sum exceeds the largest number, 1.8e308.',
    'The series "huge_total" is left out: its sum exceeds the largest number, 1.8e308.',
  ]);
});

test("a request is answered when it is stored, and 500 while the store fails; nothing is sent meanwhile", async () => {
  const store = memory();
  let fails = false;
  const failing = {
    ...store,
    append: (record: Uint8Array) => fails ? Promise.reject(new Error("disk full")) : store.append(record),
    replace: (records: Iterable<Uint8Array>) => fails ? Promise.reject(new Error("disk full")) : store.replace(records),
  };
  const setting = startAggregator({ store: failing, receiver: { onError: () => {} } });
  const { clock, target } = setting;
  const hits = (value: number): Promise<number> =>
    setting.send([float("hits_total", { instance: "a" }, { value, timestamp: clock.now() })]);
  assert.equal(await hits(1), 204);
  fails = true;
  await clock.advance(1000);
  assert.equal(await hits(2), 500);
  await assert.rejects(setting.aggregator.flush(), /Cannot write the aggregator's state to its store/);
  assert.equal(target.writes.length, 0);
  fails = false;
  // The sender sends the same again. It must be stored now, although it changes nothing in memory.
  assert.equal(await hits(2), 204);
  setting.restart();
  assert.deepEqual([...await setting.totals()], [["hits_total", 2]]);
});

test("after a flush that the store failed, new sums begin with 0, and a gauge that ended gets its marker", async () => {
  const store = memory();
  let fails = false;
  const append = (record: Uint8Array): Promise<void> =>
    fails ? Promise.reject(new Error("disk full")) : store.append(record);
  const replace = (records: Iterable<Uint8Array>): Promise<void> =>
    fails ? Promise.reject(new Error("disk full")) : store.replace(records);
  const { aggregator, clock, send, target, totals } = startAggregator({ store: { ...store, append, replace } });
  const heat = (stale: boolean): Promise<number> =>
    send([float("heat", { instance: "a" }, { value: 1, timestamp: clock.now(), stale })]);
  const failToFlush = async (): Promise<void> => {
    fails = true;
    await assert.rejects(aggregator.flush(), /Cannot write/);
    fails = false;
    await clock.advance(1000);
  };
  await send([float("hits_total", { instance: "a" }, { value: 7, timestamp: clock.now() })]);
  await heat(false);
  await failToFlush();
  await totals();
  await clock.advance(1000);
  await heat(true);
  await failToFlush();
  await totals();
  assert.deepEqual(target.samples.get("hits_total")?.map(({ value }) => value), [0, 7, 7]);
  assert.deepEqual(target.samples.get("heat")?.map(({ stale = false }) => stale), [false, true]);
});

test("each sum waits for its own 0, also while the endpoint cannot store that of another series", async () => {
  const clock = new VirtualClock();
  const t0 = clock.now();
  const receiver = new ScriptedReceiver({
    clock,
    ...prometheus,
    poison: ({ series }) => series === "b_total" && clock.now() < t0 + 600_000,
  });
  const setting = startAggregator({
    ...{ fetch: receiver.fetch, now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep },
    intervalMs: 15_000,
  });
  await setting.aggregator.open();
  const old = ["old_total", "a_total", "b_total", "c_total"];
  for (let value = 1; value < 50; value++) {
    const names = value < 3 ? ["old_total"] : old;
    const timestamp = clock.now();
    assert.equal(await setting.send(names.map((name) => float(name, { instance: "a" }, { value, timestamp }))), 204);
    await clock.advance(15_000);
  }
  for (const name of old) {
    const values = receiver.stored.get(name)?.map(({ value }) => value) ?? [];
    assert.deepEqual(values.slice(0, 1), [0], name);
    assert.ok(values.slice(1).every((value) => value > 0), name);
    assert.equal(values.at(-1), 49, name);
    // All others go on meanwhile.
    assert.ok(values.length > (name === "b_total" ? 5 : 40), `${name}: ${values.length}`);
  }
  await clock.settle(setting.aggregator.close());
});

test("the aggregator sends by itself at the interval, and once more when it is closed", async () => {
  const setting = startAggregator({ intervalMs: 5000 });
  const { aggregator, clock, target } = setting;
  const hits = (value: number): Promise<number> =>
    setting.send([float("hits_total", { instance: "a" }, { value, timestamp: clock.now() })]);
  await hits(1);
  await clock.advance(10_000);
  await hits(2);
  const closed = aggregator.close();
  await clock.advance(2000);
  const { samples, delivered } = await closed;
  assert.deepEqual([samples, delivered], [4, 4]);
  assert.deepEqual(target.samples.get("hits_total")?.map(({ value }) => value), [0, 1, 1, 2]);
  assert.equal(await hits(3), 429);
});

for (const retryDeadlineMs of [0, 5000, undefined]) {
  test(`after an outage, the zero of a new sum comes before the sum (retryDeadlineMs ${retryDeadlineMs})`, async () => {
    const up = strictReceiver();
    let isDown = true;
    const setting = startAggregator({
      retryDeadlineMs,
      fetch: (url, init) => isDown ? Promise.resolve(new Response(null, { status: 503 })) : up.fetch(url, init),
    });
    const { aggregator, clock } = setting;
    const start = clock.now();
    const flushes: Promise<unknown>[] = [];
    const flush = async (): Promise<void> => {
      await clock.advance(1);
      flushes.push(aggregator.flush());
      await clock.advance(9_999);
    };
    const hits = (instance: string, value: number): Promise<number> =>
      setting.send([float(`hits_${instance}_total`, { instance }, { value, timestamp: clock.now() })]);
    await hits("a", 3);
    await flush();
    await hits("b", 1);
    await flush();
    await flush();
    isDown = false;
    await hits("a", 4);
    // The pause between two attempts ends.
    for (let step = 0; step < 30; step++) await flush();
    await Promise.all(flushes);
    const [a, b] = ["hits_a_total", "hits_b_total"].map((name) => up.samples.get(name) ?? []);
    assert.deepEqual([a?.[0], a?.at(-1)?.value], [{ value: 0, timestamp: start }, 4]);
    assert.deepEqual([b?.[0], b?.at(-1)?.value], [{ value: 0, timestamp: start + 10_000 }, 1]);
    assert.ok(a?.slice(1).every(({ value }) => value > 0));
  });
}

test("wrong options are errors", () => {
  const create = (options: object) => () => new RemoteWriteAggregator(options);
  assert.throws(create({ without: "instance" }), /Cannot use the option without: it is "instance", expected a list/);
  assert.throws(create({ without: ["le"] }), /without __name__ and le/);
  assert.throws(create({ without: ["a"], by: ["b"] }), /Cannot use the options by and without together/);
  assert.throws(create({ gauges: { x: "avg" } }), /expected an object of "last", "sum", "min" or "max"/);
  assert.throws(create({ types: { x: "summary" } }), /expected an object of "counter" or "gauge"/);
  assert.throws(create({ store: {} }), /expected memory\(\), file\(\), durableObject\(\) or denoKv\(\)/);
  assert.throws(create({ forgetAfter: 1 }), /expected forgetAfterMs/);
});

test("refused series among new ones cost about as many requests as in any other delivery, and no zero is sent many times", async () => {
  const clock = new VirtualClock();
  const bad = new Set(Array.from({ length: 20 }, (_, index) => `m${index * 50}_total`));
  const receiver = new ScriptedReceiver({ clock, ...prometheus, bad });
  const { now, monotonicNow, sleep } = clock;
  const { aggregator, send } = startAggregator({ now, monotonicNow, sleep, fetch: receiver.fetch, protocol: "2.0" });
  await send(
    Array.from(
      { length: 1000 },
      (_, index) => float(`m${index}_total`, { instance: "a" }, { value: 1, timestamp: clock.now() }),
    ),
  );
  const report = await clock.settle(aggregator.flush());
  assert.deepEqual([report.samples, report.delivered, report.rejected], [2000, 1960, 40]);
  assert.ok(receiver.requests.length <= 4, `${receiver.requests.length} requests`);
  await clock.settle(aggregator.close());
});
