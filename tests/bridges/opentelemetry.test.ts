import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type OtelDataPoint,
  type OtelExportResult,
  type OtelMetric,
  type OtelResourceMetrics,
  RemoteWriteMetricExporter,
  type RemoteWriteMetricExporterOptions,
} from "../../src/bridges/opentelemetry.ts";
import { strictReceiver } from "../support/strict_receiver.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const url = "http://receiver.test/api/v1/write";

test("the buckets of the example in OpenTelemetry's specification become the spans that it shows", async () => {
  const buckets = { offset: 3, bucketCounts: [10, 0, 0, 20, 5, 2] };
  const value = { count: 75, sum: 9, scale: 1, zeroCount: 1, positive: buckets, negative: buckets };
  const { receiver, exporter } = setUp();
  await exportOnce(exporter, [gauge("exp", [{ ...times, attributes: {}, value }])]);
  const [histogram] = receiver.writes.flatMap(({ timeSeries }) => timeSeries[0]?.histograms ?? []);
  const spans = [{ offset: 4, length: 1 }, { offset: 2, length: 3 }];
  assert.deepEqual([histogram?.positiveSpans, histogram?.negativeSpans], [spans, spans]);
  assert.deepEqual([histogram?.positiveCounts, histogram?.negativeCounts], [[10, 20, 5, 2], [10, 20, 5, 2]]);
});

const times = { startTime: [1000, 5e6], endTime: [2000, 999_999] } as const;

function gauge(name: string, dataPoints: readonly OtelDataPoint[]): OtelMetric {
  return { descriptor: { name, unit: "", description: "" }, aggregationTemporality: 1, dataPoints };
}

function metricsOf(metrics: readonly OtelMetric[], attributes: object = {}): OtelResourceMetrics {
  return { resource: { attributes: { ...attributes } }, scopeMetrics: [{ scope: { name: "lib" }, metrics }] };
}

/** Exports metrics of one library once. Resolves with the result. */
function exportOnce(
  exporter: RemoteWriteMetricExporter,
  metrics: readonly OtelMetric[],
  attributes?: object,
): Promise<OtelExportResult> {
  return new Promise((resolve) => exporter.export(metricsOf(metrics, attributes), resolve));
}

/** An exporter with a strict receiver. */
function setUp(options: RemoteWriteMetricExporterOptions = {}) {
  const warnings: string[] = [];
  const receiver = strictReceiver();
  const onWarning = (message: string): void => void warnings.push(message);
  const exporter = new RemoteWriteMetricExporter({ url, fetch: receiver.fetch, onWarning, ...options });
  return { receiver, exporter, warnings };
}

const at = (value: OtelDataPoint["value"], attributes: object = {}, exemplars?: OtelDataPoint["exemplars"]) => ({
  ...{ ...times, attributes: { ...attributes }, value, exemplars },
});

test("an attribute without a name, or with the name of the metric's own label, does not cost its series", async () => {
  for (const translationStrategy of ["UnderscoreEscapingWithSuffixes", "NoTranslation"] as const) {
    const { receiver, exporter, warnings } = setUp({ translationStrategy });
    const odd = { "": "empty", __name__: "other", a: "b" };
    assert.deepEqual(await exportOnce(exporter, [gauge("up", [at(1, odd)])], odd), { code: 0 });
    const names = [...receiver.samples.keys()].map((series) => series.replace(/\{.*/, ""));
    assert.deepEqual(names, ["up", "target_info"]);
    assert.deepEqual(warnings, []);
  }
});

test("series have start timestamps, metadata and exemplars", async () => {
  const { receiver, exporter } = setUp();
  const exemplar = (value: number, rest: object = {}) => ({ value, timestamp: [1999, 0] as const, ...rest });
  const ids = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  const histogram = { count: 3, sum: 13, buckets: { boundaries: [1, 5], counts: [1, 1, 1] } };
  await exportOnce(exporter, [
    {
      ...gauge("jobs", [
        at(3, {}, [
          exemplar(1, { ...ids, filteredAttributes: { "user.id": 7, trace_id: "x" } }),
          exemplar(2, { filteredAttributes: { trace_id: "own" } }),
        ]),
      ]),
      ...{ isMonotonic: true, descriptor: { name: "jobs", unit: "", description: "Jobs." } },
    },
    { ...gauge("depth", [at(2, {}, [exemplar(2, ids)])]), isMonotonic: false },
    {
      ...gauge("wait", [
        at(histogram, {}, [
          exemplar(0.5, ids),
          exemplar(1, ids),
          exemplar(7, { filteredAttributes: { text: "y".repeat(125) } }),
        ]),
      ]),
      descriptor: { name: "wait", unit: "s", description: "The wait." },
    },
  ]);
  const sent = receiver.writes.flatMap(({ timeSeries }) => timeSeries).map((series) => {
    const { labels, samples = [], exemplars = [], metadata } = series;
    return [
      labels.filter(({ name }) => name !== "otel_scope_name").map(({ value }) => value).join(),
      samples.map(({ value, timestamp, startTimestamp }) => [value, timestamp, startTimestamp]).flat(),
      exemplars.map(({ labels, value }) => [value, ...labels.map(({ name, value }) => `${name}=${value}`)].join()),
      metadata,
    ];
  });
  const trace = "span_id=b7ad6b7169203331,trace_id=0af7651916cd43dd8448eb211c80319c";
  const jobs = { type: "counter", help: "Jobs." };
  const wait = { type: "histogram", help: "The wait.", unit: "seconds" };
  assert.deepEqual(sent, [
    ["jobs_total", [3, 2_000_000, 1_000_005], [`1,${trace},user_id=7`, "2,trace_id=own"], jobs],
    ["depth", [2, 2_000_000, undefined], [], { type: "gauge" }],
    ["wait_seconds_sum", [13, 2_000_000, 1_000_005], [], wait],
    ["wait_seconds_count", [3, 2_000_000, 1_000_005], [], wait],
    ["wait_seconds_bucket,1", [1, 2_000_000, 1_000_005], [`0.5,${trace}`, `1,${trace}`], wait],
    ["wait_seconds_bucket,5", [2, 2_000_000, 1_000_005], [], wait],
    // Its attributes are too long.
    ["wait_seconds_bucket,+Inf", [3, 2_000_000, 1_000_005], ["7"], wait],
  ]);
});

test("labels: job and instance come from the resource, scope and target_info can be left out, collisions keep both values", async () => {
  const { receiver, exporter } = setUp({ labels: { job: "default", region: "eu" } });
  const points = [at(1, { "a.b": "1", a_b: "2", job: "own", region: "us" })];
  await exportOnce(exporter, [gauge("x", points)], { "service.name": "shop", "service.instance.id": "one" });
  const without = setUp({ labels: { job: "default" }, targetInfo: false, scopeLabels: false });
  await exportOnce(without.exporter, [gauge("x", points)], { "host.name": "h" });
  const utf8 = setUp({ translationStrategy: "NoTranslation", protocol: "2.0" });
  await exportOnce(utf8.exporter, [gauge("x.y", points)]);
  assert.deepEqual([receiver, without.receiver, utf8.receiver].map(({ samples }) => [...samples.keys()]), [
    [
      'x{a_b="1;2",exported_job="own",instance="one",job="shop",otel_scope_name="lib",region="us"}',
      'target_info{instance="one",job="shop",region="eu",service_instance_id="one",service_name="shop"}',
    ],
    ['x{a_b="1;2",job="own",region="us"}'],
    ['{__name__="x.y","a.b"="1",a_b="2",job="own",otel_scope_name="lib",region="us"}'],
  ]);
});

test("what cannot be sent is left out with one warning; the rest is sent", async () => {
  const { receiver, exporter, warnings } = setUp();
  const exponential = {
    count: 0,
    zeroCount: 0,
    positive: { offset: 0, bucketCounts: [] },
    negative: { offset: 0, bucketCounts: [] },
  };
  for (let time = 0; time < 2; time++) {
    const { code } = await exportOnce(exporter, [
      { ...gauge("delta", [at(1)]), isMonotonic: true, aggregationTemporality: 0 },
      gauge("wide", [at({ ...exponential, scale: -5, sum: 0 })]),
      gauge("signed", [at({ ...exponential, scale: 1 })]),
      gauge("twice", [at(1), at(2)]),
      gauge("good", [at(5)]),
    ]);
    assert.equal(code, 1);
  }
  assert.deepEqual([...receiver.samples].map(([name, samples]) => [name, samples.length]), [
    ['good{otel_scope_name="lib"}', 2],
  ]);
  assert.deepEqual(warnings.map((warning) => warning.slice(0, 70)), [
    "The metric delta is left out: its temporality is delta, expected cumul",
    "A histogram of the metric wide is left out: its scale is -5, expected ",
    "A histogram of the metric signed is left out: it has no sum.",
    'Cannot send the series twice{otel_scope_name="lib"}: it has two sample',
  ]);
});

test("times rise, also if two exports have the same time", async () => {
  const { receiver, exporter } = setUp();
  for (const value of [1, 2]) await exportOnce(exporter, [gauge("x", [at(value)])]);
  assert.deepEqual([...receiver.samples.values()].flat().map(({ timestamp }) => timestamp), [2_000_000, 2_000_001]);
});

test("no method throws or rejects, and after shutdown() an export fails", async () => {
  const { receiver, exporter, warnings } = setUp();
  const wrong: unknown = { resource: {}, scopeMetrics: [null] };
  const result = await new Promise<OtelExportResult>((resolve) =>
    exporter.export(wrong as OtelResourceMetrics, resolve)
  );
  assert.equal(result.code, 1);
  assert.match(result.error?.message ?? "", /^Cannot read the metrics: /);
  exporter.export(metricsOf([gauge("x", [at(1)])]), () => {
    throw new Error("a callback");
  });
  await exporter.forceFlush();
  await Promise.all([exporter.shutdown(), exporter.shutdown()]);
  const after = await exportOnce(exporter, [gauge("x", [at(2)])]);
  assert.deepEqual([after.code, after.error?.message], [1, "Cannot export: the exporter was shut down"]);
  assert.equal([...receiver.samples.values()].flat().length, 1);
  await exporter.forceFlush();
  assert.equal(exporter.selectAggregationTemporality("COUNTER"), 1);
  assert.match(warnings.join("\n"), /The callback of an export failed: a callback/);
});

test("ten minutes of outage lose nothing, and an export says that it was not delivered", async () => {
  const clock = new VirtualClock();
  let isDown = true;
  const receiver = strictReceiver({ answer: () => isDown ? new Response("down", { status: 503 }) : undefined });
  const exporter = new RemoteWriteMetricExporter({
    ...{ url, fetch: receiver.fetch, now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep },
    onWarning: () => {},
  });
  const results: OtelExportResult[] = [];
  for (let minute = 0; minute < 12; minute++) {
    if (minute === 11) isDown = false;
    const point = { ...at(minute), endTime: [2000 + 60 * minute, 0] as const };
    exporter.export(metricsOf([gauge("x", [point])]), (result) => results.push(result));
    await clock.advance(60_000);
  }
  assert.deepEqual([...receiver.samples.values()].flat().map(({ value }) => value), [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
  ]);
  assert.ok(results.length === 12 && results.at(-1)?.code === 0);
  assert.match(results[0]?.error?.message ?? "", /^Cannot deliver 1 of 1 samples: status 503/);
  await clock.settle(exporter.shutdown());
  assert.equal(clock.timers, 0);
});

test("an endpoint that stays down does not delay the end", async () => {
  const clock = new VirtualClock();
  const { exporter, warnings } = setUp({
    fetch: () => Promise.resolve(new Response("down", { status: 503 })),
    ...{ now: clock.now, monotonicNow: clock.monotonicNow, sleep: clock.sleep },
  });
  exporter.export(metricsOf([gauge("x", [at(1)])]), () => {});
  const begin = clock.now();
  await clock.settle(exporter.forceFlush());
  assert.ok(clock.now() - begin <= 10_000);
  await clock.settle(exporter.shutdown());
  assert.ok(clock.now() - begin <= 21_000, `${clock.now() - begin} ms`);
  assert.match(warnings.at(-1) ?? "", /^Of 1 samples in all, 1 were not delivered/);
  assert.equal(clock.timers, 0);
});
