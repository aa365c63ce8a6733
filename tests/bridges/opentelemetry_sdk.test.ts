/** The exporter with OpenTelemetry's own SDK, compared with OpenTelemetry's own exporter for Prometheus. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { RemoteWriteMetricExporter } from "../../src/bridges/opentelemetry.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import { instrument, nameWithUnit, provide } from "../support/otel_instruments.ts";
import { strictReceiver } from "../support/strict_receiver.ts";

const url = "http://receiver.test/api/v1/write";

/** Reads Prometheus's text format. Returns the labels of each sample with its name and value, sorted. */
function parseText(text: string): string[] {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return samples.map((line) => {
    const [, name = "", set = "", value = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const pairs = [...set.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)];
    const labels = pairs.map(([, label = "", text = ""]) => ({
      name: label,
      value: text.replace(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped),
    }));
    const all = [{ name: "__name__", value: nameWithUnit(name) }, ...labels].filter(({ value }) => value !== "");
    return `${formatSeries(all)} ${Number(value.replace("Inf", "Infinity"))}`;
  }).sort();
}

test("the names and values are those that a scrape of the official exporter gets", async () => {
  const receiver = strictReceiver();
  const exporter = new RemoteWriteMetricExporter({ url, fetch: receiver.fetch });
  const { provider, official } = provide(exporter);
  for (const [name, version] of [["http-library", "1.2.3"], ["other"]] as const) {
    instrument(provider.getMeter(name, version, name === "other" ? { schemaUrl: "https://a.test/1.0" } : {}));
  }
  const server = createServer((request, response) => official.getMetricsRequestHandler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  server.close();
  server.closeAllConnections();
  await provider.forceFlush();
  const sent = receiver.writes.flatMap(({ timeSeries }) => timeSeries).flatMap(({ labels, samples = [] }) => {
    // A scrape adds these two, and renames the attributes of the same name.
    const target = labels.filter(({ name }) => name !== "job" && name !== "instance");
    assert.deepEqual(labels.filter((label) => !target.includes(label)), [
      { name: "instance", value: "one" },
      { name: "job", value: "web/shop" },
    ]);
    const renamed = target.map(({ name, value }) => ({ name: name.replace(/^exported_/, ""), value }));
    return samples.map(({ value }) => `${formatSeries(renamed)} ${value}`);
  });
  const expected = parseText(text);
  assert.deepEqual(sent.sort(), expected);
  assert.ok(expected.length > 50, `${expected.length} series`);
  await provider.shutdown();
});

/** Returns the bucket of an observation, counted by its upper bound: https://prometheus.io/docs/specs/native_histograms/#schema */
function bucketOf(value: number, schema: number): number {
  return Math.ceil(Math.log2(value) * 2 ** schema);
}

for (
  const [what, values, schema] of [
    ["of different sizes", [0, 0, 0.004, 0.7, 1.5, 3, 3.1, 1000], 3],
    ["that are close together", [1.0001, 1.0002, 1.0003, 1.0003, 1.01], 8],
    ["that are far apart", [1e-300, 1e-5, 7, 1e300], -4],
  ] satisfies [string, number[], number][]
) {
  test(`an exponential histogram of values ${what} is sent as a native histogram with the same buckets`, async () => {
    const receiver = strictReceiver();
    const exporter = new RemoteWriteMetricExporter({ url, fetch: receiver.fetch });
    const { provider } = provide(exporter);
    const instrument = provider.getMeter("lib").createHistogram("exp.values");
    for (const value of values) instrument.record(value);
    await provider.shutdown();
    const [histogram] = receiver.writes.flatMap(({ timeSeries }) => timeSeries[0]?.histograms ?? []);
    assert.ok(histogram !== undefined);
    const expected = new Map<number, number>();
    for (const value of values.filter((value) => value > 0)) {
      const bucket = bucketOf(value, schema);
      expected.set(bucket, (expected.get(bucket) ?? 0) + 1);
    }
    let index = 0;
    const buckets = histogram.positiveSpans.flatMap(({ offset, length }) => {
      index += offset;
      return Array.from({ length }, () => index++);
    });
    assert.deepEqual(buckets.map((bucket, at) => [bucket, histogram.positiveCounts[at]]), [...expected]);
    const { count, sum, zeroCount, zeroThreshold, negativeSpans } = histogram;
    assert.deepEqual({ count, sum, schema: histogram.schema, zeroCount, zeroThreshold, negativeSpans }, {
      count: values.length,
      sum: values.reduce((sum, value) => sum + value, 0),
      schema,
      zeroCount: values.filter((value) => value === 0).length,
      zeroThreshold: 1e-128,
      negativeSpans: [],
    });
  });
}
