import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteOutput } from "../../../src/k6/output/remote_write_output.ts";
import type { TimeSeries } from "../../../src/model/time_series.ts";

const requests = { name: "http_reqs", type: "counter", contains: "default" } as const;
const durations = { name: "http_req_duration", type: "trend", contains: "time" } as const;

/** Sends the samples of two flushes. Returns what the callback got, and how many samples were delivered. */
async function send(
  onTimeSeries: (timeSeries: readonly TimeSeries[]) => void,
  onWarning: (message: string) => void = () => {},
): Promise<number> {
  const output = new RemoteWriteOutput({
    url: "http://receiver.test/",
    fetch: () => Promise.resolve(new Response(null, { status: 204 })),
    protocol: "1.0",
    trendAs: "native",
    staleMarkers: true,
    now: () => 10_000,
    onTimeSeries,
    onWarning,
  });
  for (const time of [1000, 2000]) {
    output.add({ metric: requests, time, value: 1, tags: { url: "/a" } });
    output.add({ metric: durations, time, value: 1000, tags: { url: "/a" } });
    await output.flush();
  }
  return (await output.close()).delivered;
}

test("onTimeSeries gets the series of each flush as they are sent: samples, histograms and staleness markers", async () => {
  const calls: (readonly TimeSeries[])[] = [];
  const delivered = await send((timeSeries) => void calls.push(timeSeries));
  const named = calls.map((series) =>
    series.map(({ labels, samples = [], histograms = [] }) => [
      labels.map(({ name, value }) => `${name}=${value}`).join(),
      ...samples.map(({ timestamp, value, stale }) => [timestamp, stale === true ? "stale" : value]),
      ...histograms.map(({ timestamp, count, sum }) => [timestamp, count, sum]),
    ])
  );
  const [counter, histogram] = ["__name__=k6_http_reqs_total,url=/a", "__name__=k6_http_req_duration_seconds,url=/a"];
  assert.deepEqual(named, [
    [[counter, [1000, 1]], [histogram, [1000, 1, 1]]],
    [[counter, [2000, 2]], [histogram, [2000, 2, 2]]],
    [[counter, [2001, "stale"]], [histogram, [2001, "stale"]]],
  ]);
  assert.deepEqual(calls[0]?.map(({ metadata }) => metadata?.type), ["counter", "histogram"]);
  assert.equal(delivered, 6);
});

test("an error of onTimeSeries is a warning, and the samples are sent all the same", async () => {
  const warnings: string[] = [];
  const fail = (): void => {
    throw new Error("no room");
  };
  assert.equal(await send(fail, (message) => void warnings.push(message)), 6);
  assert.equal(warnings[0], "onTimeSeries failed: no room");
});
