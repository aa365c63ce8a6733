import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Exemplar,
  type Metric,
  readK6Json,
  RemoteWriteOutput,
  type RemoteWriteOutputOptions,
} from "../../../mod.ts";
import { formatSeries } from "../../../src/receive/format_series.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";

const second = Date.UTC(2026, 10, 22, 11, 20);

/** k6's JSON lines of two requests per second for three seconds. The second request is slower, and each has a trace. */
const lines = [0, 1, 2].flatMap((index) =>
  [["fast", 3], ["slow", 700]].flatMap(([name, ms], place) => {
    const time = new Date(second + index * 1000 + place * 10).toISOString();
    const metadata = { trace_id: `${name}${index}`, span_id: `span${index}`, vu: 1 };
    const point = (metric: string, value: unknown): string =>
      JSON.stringify({ metric, type: "Point", data: { time, value, tags: { status: "200" }, metadata } });
    return [point("http_reqs", 1), point("http_req_duration", ms), point("http_req_failed", 0), point("vus", 1)];
  })
).join("\n");

async function exemplarsOf(options: RemoteWriteOutputOptions): Promise<Record<string, [string, number, number][]>> {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ windows: "event", fetch: receiver.fetch, ...options });
  for await (const samples of readK6Json(new Blob([`${lines}\n`]).stream())) output.add(samples);
  const { delivered, samples } = await output.close();
  assert.equal(delivered, samples);
  const found: Record<string, [string, number, number][]> = {};
  for (const { labels, exemplars = [] } of receiver.writes.flatMap(({ timeSeries }) => timeSeries)) {
    if (exemplars.length === 0) continue;
    const list = found[formatSeries(labels)] ??= [];
    for (const { labels, value, timestamp } of exemplars) {
      assert.deepEqual(labels.map(({ name }) => name), ["span_id", "trace_id"]);
      list.push([labels[1]?.value ?? "", value, Number(timestamp) - second]);
    }
  }
  return found;
}

const ofCounter: [string, number, number][] = [["slow0", 1, 10], ["slow1", 1, 1010], ["slow2", 1, 2010]];

for (const protocol of ["1.0", "2.0"] as const) {
  test(`${protocol}: counters and histograms have the latest trace of each second as an exemplar; gauges and rates have none`, async () => {
    assert.deepEqual(await exemplarsOf({ protocol }), { 'k6_http_reqs_total{status="200"}': ofCounter });

    const slow: [string, number, number][] = [["slow0", 0.7, 10], ["slow1", 0.7, 1010], ["slow2", 0.7, 2010]];
    assert.deepEqual(await exemplarsOf({ protocol, trendAs: "native" }), {
      'k6_http_reqs_total{status="200"}': ofCounter,
      'k6_http_req_duration_seconds{status="200"}': slow,
    });

    // The bucket to which the value belongs has the exemplar.
    assert.deepEqual(await exemplarsOf({ protocol, trendAs: "histogram" }), {
      'k6_http_reqs_total{status="200"}': ofCounter,
      'k6_http_req_duration_seconds_bucket{le="0.005",status="200"}': [
        ["fast0", 0.003, 0],
        ["fast1", 0.003, 1000],
        ["fast2", 0.003, 2000],
      ],
      'k6_http_req_duration_seconds_bucket{le="1",status="200"}': slow,
    });
  });
}

test("a series has at most one exemplar per second, however often the output flushes", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ fetch: receiver.fetch, now: () => second });
  const metric: Metric = { name: "c", type: "counter", contains: "default" };
  for (let ms = 0; ms < 5000; ms += 100) {
    output.add({ metric, time: second + ms, value: 1, tags: {}, metadata: { trace_id: `${ms}` } });
    await output.flush();
  }
  await output.close();
  const exemplars = receiver.writes.flatMap(({ timeSeries }) => timeSeries.flatMap(({ exemplars = [] }) => exemplars));
  const at = exemplars.map(({ timestamp }: Exemplar) => Number(timestamp) - second);
  assert.deepEqual(at, [0, 1000, 2000, 3000, 4000]);
});
