import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, Summary } from "prom-client";
import { pushRegistry, startPushing } from "../../src/bridges/prom_client.ts";
import { noPrometheus, scrapeConfig, startPrometheus } from "../support/prometheus.ts";
import { type CapturedSample, strictReceiver } from "../support/strict_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const url = "http://receiver.test/api/v1/write";

/** The examples of prom-client's README. */
function examples(registry: Registry): { readonly orders: Counter; readonly depth: Gauge } {
  const registers = [registry];
  const orders = new Counter({ name: "orders_total", help: "Orders.", labelNames: ["shop", "code"], registers });
  orders.inc({ shop: "berlin", code: 200 }, 3);
  orders.inc({ shop: "rome", code: 500 });
  const depth = new Gauge({ name: "queue_depth", help: "Waiting jobs.", registers });
  depth.set(-2.5);
  const wait = new Histogram({ name: "wait_seconds", help: "The wait.", labelNames: ["room"], registers });
  for (const value of [0.003, 0.2, 7, 99]) wait.observe({ room: "a" }, value);
  const size = new Summary({ name: "size_bytes", help: "Sizes.", percentiles: [0.5, 0.9], registers });
  for (const value of [1, 2, 3]) size.observe(value);
  return { orders, depth };
}

test(
  "the values are those that a real Prometheus gets when it scrapes the registry (on one runtime)",
  { skip: noPrometheus },
  async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ app: "shop" });
    collectDefaultMetrics({ register: registry });
    examples(registry);
    // The values must not change between the two readings.
    const frozen = await registry.getMetricsAsJSON();
    registry.getMetricsAsArray().forEach((metric, index) => {
      const get = (): Promise<unknown> => Promise.resolve(structuredClone(frozen[index]));
      Object.assign(metric, { get, getForPromString: undefined });
    });
    const text = await registry.metrics();
    const server = createServer((_, response) => response.setHeader("content-type", registry.contentType).end(text));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const prometheus = await startPrometheus({ config: scrapeConfig(port) });
    try {
      const labels = { job: "pushed", instance: "one" };
      const { delivered, samples } = await pushRegistry(registry, {
        url: prometheus.writeUrl,
        labels,
        onWarning: () => {},
      });
      assert.ok(samples > 20 && delivered === samples, `${delivered} of ${samples}`);
      const valuesOf = async (job: string): Promise<string[]> => {
        const series = await prometheus.query(`{job="${job}",__name__!~"up|scrape_.*"}`, Date.now());
        return series.map(({ metric: { job: _, ...labels }, value }) =>
          JSON.stringify([Object.entries(labels).sort(), value[1]])
        ).sort();
      };
      let scraped: string[] = [];
      for (let tries = 0; tries < 100 && scraped.length === 0; tries++) {
        await wait(100);
        scraped = await valuesOf("scraped");
      }
      assert.deepEqual(await valuesOf("pushed"), scraped);
      assert.equal(scraped.length, samples);
    } finally {
      await prometheus.close();
      server.close();
      server.closeAllConnections();
    }
  },
);

test("counters, gauges, histograms and summaries are sent with metadata, exemplars and start timestamps", async () => {
  const registry = new Registry();
  // Its types know only the other form.
  Reflect.apply(registry.setContentType, registry, [Registry.OPENMETRICS_CONTENT_TYPE]);
  const counter = new Counter({ name: "jobs", help: "Jobs.", registers: [registry], enableExemplars: true });
  counter.inc({ value: 2, exemplarLabels: { trace_id: "abc" } });
  new Gauge({ name: "depth", help: "Depth.", registers: [registry] }).set(1);
  new Summary({ name: "size", help: "Size.", percentiles: [0.5], registers: [registry] }).observe(4);
  const receiver = strictReceiver();
  const now = Date.now() + 1000;
  const startTimeMs = now - 5000;
  await pushRegistry(registry, { url, protocol: "2.0", fetch: receiver.fetch, now: () => now, startTimeMs });
  const sent = receiver.writes.flatMap(({ timeSeries }) => timeSeries).map((series) => {
    const { labels, samples, exemplars, metadata } = series;
    return [
      labels.map(({ value }) => value).join(),
      samples?.map(({ value, startTimestamp }) => [value, startTimestamp]).flat(),
      exemplars?.map(({ labels, value }) => [labels[0]?.value, value]).flat(),
      metadata?.type,
    ];
  });
  assert.deepEqual(sent, [
    ["jobs_total", [2, startTimeMs], ["abc", 2], "counter"],
    ["depth", [1, undefined], undefined, "gauge"],
    ["size,0.5", [4, undefined], undefined, "summary"],
    ["size_sum", [4, startTimeMs], undefined, "summary"],
    ["size_count", [1, startTimeMs], undefined, "summary"],
  ]);
});

test("a collector that fails or hangs loses only its own metric, with one warning", async () => {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    ...{ name: "broken", help: "x", registers },
    collect(): never {
      throw new Error("the database is gone");
    },
  });
  new Gauge({ name: "hanging", help: "x", registers, collect: () => new Promise(() => {}) });
  new Gauge({ name: "good", help: "x", registers }).set(5);
  registry.setDefaultLabels({ app: "shop" });
  const { pushing, receiver, clock, warnings } = start(registry);
  await clock.advance(2 * 15_000 + 6_000);
  await clock.settle(pushing.close());
  assert.deepEqual([...receiver.samples.keys()], ['good{app="shop"}']);
  assert.equal(receiver.samples.get('good{app="shop"}')?.length, 3);
  assert.deepEqual(warnings, [
    "Cannot read the metric broken: the database is gone. Only its values are missing.",
    "Cannot read the metric hanging: its collect() took more than 5 s. Only its values are missing.",
  ]);
});

/** Starts pushing to a strict receiver by a clock that the test moves. */
function start(
  registry: Registry,
  { isDown = () => false, capacity }: { readonly isDown?: (now: number) => boolean; readonly capacity?: number } = {},
) {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const receiver = strictReceiver({
    answer: () => isDown(clock.now()) ? new Response("down", { status: 503 }) : undefined,
  });
  const pushing = startPushing(registry, {
    ...{ url, fetch: receiver.fetch, now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep },
    onWarning: (message) => warnings.push(message),
    capacity,
  });
  return { pushing, clock, receiver, warnings };
}

test("values are sent at each interval and a last time at the end, with rising times; then no timer is left", async () => {
  const registry = new Registry();
  const { orders } = examples(registry);
  const { pushing, clock, receiver } = start(registry);
  const begin = clock.now();
  await clock.advance(15_000);
  orders.inc({ shop: "rome", code: 500 }, 4);
  await clock.advance(15_000);
  orders.inc({ shop: "rome", code: 500 });
  await clock.settle(pushing.flush());
  const { samples, delivered } = await clock.settle(pushing.close());
  const sent = receiver.samples.get('orders_total{code="500",shop="rome"}') ?? [];
  assert.deepEqual(sent.map(({ value, timestamp }) => [value, timestamp - begin]), [
    [1, 15_000],
    [5, 30_000],
    [6, 30_001],
    [6, 30_002],
  ]);
  assert.equal(delivered, samples);
  assert.equal(clock.timers, 0);
});

test("ten minutes of outage lose nothing", async () => {
  const registry = new Registry();
  const { orders } = examples(registry);
  const clockStart = new VirtualClock().now();
  const minute = 60_000;
  const isDown = (now: number): boolean => now > clockStart + minute && now < clockStart + 11 * minute;
  const { pushing, clock, receiver, warnings } = start(registry, { isDown });
  const expected: [number, number][] = [];
  for (let tick = 1; tick <= 60; tick++) {
    orders.inc({ shop: "rome", code: 500 });
    expected.push([tick + 1, tick * 15_000]);
    await clock.advance(15_000);
  }
  const { samples, delivered, merged } = await clock.settle(pushing.close());
  const sent = receiver.samples.get('orders_total{code="500",shop="rome"}') ?? [];
  const times = sent.map(({ value, timestamp }): [number, number] => [value, timestamp - clockStart]);
  assert.deepEqual(times, [...expected, [61, 60 * 15_000 + 1]]);
  assert.deepEqual([delivered, merged], [samples, 0]);
  assert.ok(warnings.length > 0);
});

test("beyond capacity, every second snapshot is given up, but never the newest", async () => {
  const registry = new Registry();
  const ticks = new Counter({ name: "ticks_total", help: "x", registers: [registry] });
  const begin = new VirtualClock().now();
  const { pushing, clock, receiver } = start(registry, { isDown: (now) => now < begin + 160_000, capacity: 4 });
  for (let tick = 1; tick <= 10; tick++) {
    ticks.inc();
    await clock.advance(15_000);
  }
  await clock.advance(20_000);
  const { samples, delivered, merged } = await clock.settle(pushing.close());
  const values = receiver.samples.get("ticks_total")?.map(({ value }) => value) ?? [];
  // The first one was under way all the time.
  assert.deepEqual([values[0], ...values.slice(-3)], [1, 10, 10, 10]);
  assert.deepEqual([delivered, delivered + merged], [samples, 12]);
  assert.ok(merged > 0);
});

test("an endpoint that stays down does not delay the end, and the report says what failed", async () => {
  const registry = new Registry();
  examples(registry);
  const { pushing, clock } = start(registry, { isDown: () => true });
  await clock.advance(60_000);
  const begin = clock.now();
  const { samples, delivered, failed, deferred, merged } = await clock.settle(pushing.close());
  assert.ok(clock.now() - begin <= 31_000, `${clock.now() - begin} ms`);
  assert.equal(delivered, 0);
  assert.equal(failed + deferred, samples);
  assert.ok(samples > 0 && merged > 0);
  assert.equal(clock.timers, 0);
});

test("a series that was removed ends with a staleness marker, and a counter that was reset gets a new start", async () => {
  const registry = new Registry();
  const { orders } = examples(registry);
  const { pushing, clock, receiver } = start(registry);
  await clock.advance(15_000);
  orders.remove({ shop: "rome", code: 500 });
  orders.reset();
  orders.inc({ shop: "berlin", code: 200 }, 1);
  await clock.advance(15_000);
  await clock.settle(pushing.close());
  const stale = (name: string): (boolean | undefined)[] | undefined =>
    receiver.samples.get(name)?.map(({ stale }: CapturedSample) => stale);
  assert.deepEqual(stale('orders_total{code="500",shop="rome"}'), [undefined, true]);
  const starts = receiver.writes.flatMap(({ timeSeries }) => timeSeries)
    .filter(({ labels }) => labels.some(({ value }) => value === "berlin"))
    .map(({ samples }) => samples?.[0]?.startTimestamp);
  assert.deepEqual(starts.slice(-2), [clock.now() - 15_000, clock.now() - 15_000]);
});
