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
