import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueryClient } from "../../../src/cli/verdict/query_client.ts";
import { RunReader } from "../../../src/cli/verdict/run_reader.ts";

const run = { matchers: { testid: "a" }, instanceLabel: "instance", prefix: "k6_" };

/** Reads a run whose server has one sample of each of these series. */
async function readerOf(timesMs: Readonly<Record<string, number>>, extent: RunReader["extent"]): Promise<RunReader> {
  const client: Pick<QueryClient, "instant" | "series"> = {
    series: (_, { startMs, endMs }) =>
      Promise.resolve(
        Object.entries(timesMs).filter(([, ms]) => ms >= startMs && ms <= endMs).map(([__name__]) => ({ __name__ })),
      ),
    instant: () => Promise.resolve([{ labels: {}, value: 6 }]),
  };
  return await RunReader.open(client as QueryClient, { run, extent, known: {}, isStartKnown: false });
}

test("series whose samples are a little before or after those of the counters belong to the run", async () => {
  const times = { k6_http_reqs_total: 5000, k6_vus: 4998, k6_http_req_duration_p95: 5003 };
  const { metrics } = await readerOf(times, { startMs: 5000, endMs: 5000 });
  assert.deepEqual(metrics.map(({ name }) => name).sort(), ["http_req_duration", "http_reqs", "vus"]);
});

test("samples of one moment give no rate per second, also if the server shows the moment as a millisecond", async () => {
  for (const endMs of [5000, 5001]) {
    const reader = await readerOf({ k6_http_reqs_total: 5000 }, { startMs: 5000, endMs });
    const reading = await reader.readNamed("http_reqs");
    assert.deepEqual(reading?.get("count"), { value: 6 });
    assert.deepEqual(reading?.get("rate"), { problem: "samples of one moment give no rate per second" });
  }
});

test("a trend of one flush is recognised, although Prometheus before 2.44 takes the last value of a histogram for 0", async () => {
  const histogram = { count: 2, sum: 3, buckets: [{ low: 1, high: 2, count: 2 }] };
  const client: Pick<QueryClient, "instant" | "series" | "samples"> = {
    series: () => Promise.resolve([{ __name__: "k6_http_req_duration_seconds" }, { __name__: "k6_vus" }]),
    // An increase needs two samples.
    instant: (query) => Promise.resolve(query.includes("increase") ? [] : [{ labels: {}, value: 0 }]),
    samples: (query) =>
      Promise.resolve([
        query.includes("vus")
          ? { labels: {}, floats: [{ timeMs: 5000, value: 0 }], histograms: [] }
          : { labels: {}, floats: [], histograms: [{ timeMs: 5000, histogram }] },
      ]),
  };
  const extent = { startMs: 5000, endMs: 5000 };
  const reader = await RunReader.open(client as QueryClient, { run, extent, known: {}, isStartKnown: false });
  assert.deepEqual(reader.metrics.map(({ name, type }) => [name, type]), [
    ["http_req_duration", "trend"],
    ["vus", "gauge"],
  ]);
  assert.deepEqual((await reader.readNamed("http_req_duration"))?.get("avg"), { value: 1500 });
});
