import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CheckpointOptions,
  isRemoteWriteError,
  type Mapping,
  RemoteWriteOutput,
  type RemoteWriteOutputOptions,
  type Tags,
} from "../../../mod.ts";
import { legacyMapping } from "../../../src/k6/mapping/legacy.ts";
import { resolveOptions } from "../../../src/k6/output/resolve_options.ts";
import type { Relabel } from "../../../src/k6/relabel/mod.ts";
import type { RunMetricsFactory } from "../../../src/k6/run_metrics/run_metrics.ts";

test("the defaults are those of the original extension", () => {
  const { url, flushPeriodMs, mapping, keepTags, keepNameTag, keepUrlTag, staleMarkers, prefix } = resolveOptions();
  const resolved = {
    url,
    flushPeriodMs,
    mapping: mapping.name,
    keepTags,
    keepNameTag,
    keepUrlTag,
    staleMarkers,
    prefix,
  };
  assert.deepEqual(resolved, {
    url: "http://localhost:9090/api/v1/write",
    flushPeriodMs: 1000,
    mapping: "prometheus",
    keepTags: true,
    keepNameTag: false,
    keepUrlTag: true,
    staleMarkers: false,
    prefix: "k6_",
  });
});

test("by default a trend is sent as the original's six stats and p(99)", () => {
  const trend = { name: "t", type: "trend", contains: "time" } as const;
  assert.deepEqual(
    resolveOptions().mapping.mapMetric(trend)?.outputs.map(({ name }) => name).sort(),
    ["k6_t_avg", "k6_t_max", "k6_t_med", "k6_t_min", "k6_t_p90", "k6_t_p95", "k6_t_p99"],
  );
});

const legacy = legacyMapping({ prefix: "k6_" });
const own: Mapping = { name: "own", mapMetric: () => undefined };

const wrong: readonly [RemoteWriteOutputOptions, RegExp][] = [
  [{ url: "ftp://user:pw@x" }, /option url: it is ftp:\/\/x\/, expected http/],
  [{ url: "nonsense" }, /option url: it is \(not a URL\), expected http/],
  [{ flushPeriodMs: 0 }, /option flushPeriodMs: it is 0, expected a number from 1/],
  [{ flushPeriodMs: NaN }, /option flushPeriodMs: it is NaN/],
  [{ shards: 1.5 }, /option shards: it is 1.5, expected a whole number from 1/],
  [
    { mapping: "prom" as "raw" },
    /option mapping: it is "prom", expected "prometheus", "raw" or an object/,
  ],
  [{ overflow: "drop" as "block" }, /option overflow: it is "drop", expected "drop-oldest" or "block"/],
  [{ trendStats: ["p(101)"] }, /p\(101\)/],
  [{ trendAs: "summary" as "stats" }, /option trendAs: it is "summary", expected "stats", "native" or "histogram"/],
  [{ trendWindow: "minute" as "run" }, /option trendWindow: it is "minute", expected "run" or "interval"/],
  [{ trendStats: ["p(95)", "p(95.0)"] }, /p\(95\) and p\(95.0\)/],
  [{ maxExactValues: 0 }, /option maxExactValues: it is 0, expected a whole number from 1/],
  [{ maxBuckets: 1.5 }, /option maxBuckets: it is 1.5, expected a whole number from 1/],
  [{ bucketFactor: 1 }, /option bucketFactor: it is 1, expected a number above 1/],
  [{ bucketFactor: { a: Infinity } }, /option bucketFactor.a: it is Infinity, expected a number above 1/],
  [{ bucketFactor: { a: NaN } }, /option bucketFactor.a: it is NaN/],
  [{ buckets: [] }, /option buckets: it is \[\], expected a list of upper bounds/],
  [{ buckets: { a: [1, 1] } }, /upper bound is 1 after 1, expected bounds that rise/],
  [{ buckets: { a: "1" as unknown as number[] } }, /option buckets.a: it is "1", expected a list/],
  [{ rateCounters: "false" as unknown as boolean }, /option rateCounters: it is "false", expected true or false/],
  [{ zeroSample: 1 as unknown as boolean }, /option zeroSample: it is 1, expected true or false/],
  [{ labels: { "my-tag": "a" } }, /option labels: it has the label "my-tag", expected names/],
  [{ labels: { __name__: "a" } }, /option labels: it has the label "__name__"/],
  [{ labels: "site=eu" as unknown as Tags }, /option labels: it is "site=eu", expected an object/],
  [{ labels: { a: 1 as unknown as string } }, /option labels.a: it is 1, expected a string/],
  [{ relabel: [] as unknown as Relabel }, /option relabel: it is \[\], expected a value of relabelRules/],
  [
    { thresholds: true as unknown as RunMetricsFactory },
    /option thresholds: it is true, expected a value of thresholds/,
  ],
  [{ runInfo: {} as unknown as RunMetricsFactory }, /option runInfo: it is \{\}, expected a value of runInfo/],
  [{ maxSeries: 0 }, /option maxSeries: it is 0, expected a whole number from 1/],
  [
    { windows: "event", maxRequestsPerFlush: 2 },
    /option maxRequestsPerFlush: it is 2, expected none if windows is "event"/,
  ],
  [{ maxSeries: Infinity }, /option maxSeries: it is Infinity, expected a whole number/],
  ...[0, -1, 1.5, NaN].map((maxRequestsPerFlush): [RemoteWriteOutputOptions, RegExp] => [
    { maxRequestsPerFlush },
    new RegExp(`option maxRequestsPerFlush: it is ${maxRequestsPerFlush}, expected a whole number from 1`),
  ]),
  [{ timeoutMs: 0 }, /option timeoutMs: it is 0/],
  [{ retryDeadlineMs: -1 }, /option retryDeadlineMs: it is -1/],
  [{ maxSamplesPerSend: 0 }, /option maxSamplesPerSend: it is 0/],
  [{ maxDecodedBytes: 1 }, /option maxDecodedBytes: it is 1, expected a whole number from 1024/],
  [{ maxBodyBytes: 1 }, /option maxBodyBytes: it is 1/],
  [{ maxQueueBytes: 1 }, /option maxQueueBytes: it is 1/],
  [{ capacity: 0 }, /option capacity: it is 0/],
  [{ heartbeatMs: -1 }, /option heartbeatMs: it is -1/],
  [{ closeTimeoutMs: NaN }, /option closeTimeoutMs: it is NaN/],
  [{ mapping: "raw", trendAs: "native" }, /option trendAs: it is "native", expected none with the mapping "raw"/],
  [
    { mapping: legacy, trendStats: ["avg"] },
    /option trendStats: it is \["avg"\], .* none with the mapping "legacy"/,
  ],
  [{ mapping: legacy, trendWindow: "interval" }, /option trendWindow: .* the mapping "legacy"/],
  [{ mapping: legacy, buckets: [1, 2] }, /option buckets: it is \[1,2\], .* the mapping "legacy"/],
  [{ mapping: "raw", maxExactValues: 5 }, /option maxExactValues: it is 5, .* the mapping "raw"/],
  [{ mapping: legacy, rateCounters: true }, /option rateCounters: it is true, .* the mapping "legacy"/],
  [{ mapping: "raw", zeroSample: true }, /option zeroSample: it is true, .* the mapping "raw"/],
  [{ mapping: own, bucketFactor: 2 }, /option bucketFactor: it is 2, expected none with the mapping "own"/],
  [{ trendAs: "native", trendWindow: "interval" }, /option trendWindow: .* expected none if trendAs is "native"/],
  [{ trendAs: "histogram", trendStats: ["avg"] }, /option trendStats: .* none if trendAs is "histogram"/],
  [{ trendAs: "histogram", maxBuckets: 10 }, /option maxBuckets: it is 10, .* trendAs is "histogram"/],
  [{ trendAs: "native", maxExactValues: 10 }, /option maxExactValues: it is 10, .* trendAs is "native"/],
  [{ bucketFactor: 2 }, /option bucketFactor: it is 2, expected none if trendAs is "stats"/],
  [{ buckets: { a: [1] } }, /option buckets: it is \{"a":\[1\]\}, .* trendAs is "stats"/],
  [
    { windows: "event", heartbeatMs: 60_000 },
    /option heartbeatMs: it is 60000, expected none if windows is "event"/,
  ],
  [{ checkpoint: { onWindow: () => {} } }, /option windows: it is "wall", expected "event" together with a checkpoint/],
  [
    { checkpoint: {} as CheckpointOptions, windows: "event" },
    /option checkpoint.onWindow: it is undefined, expected a function/,
  ],
  [{ headers: "Authorization: pw" as unknown as Tags }, /option headers: it is not an object of strings/],
  [
    { headers: { authorization: { scheme: "pw" } } as unknown as Tags },
    /option headers: it is not an object of strings/,
  ],
  [
    { headers: new Headers({ authorization: "pw" }) as unknown as Tags },
    /option headers: it is not an object of strings/,
  ],
  [{ prefix: 5 as unknown as string }, /option prefix: it is 5, expected a string/],
  [{ onWarning: "log" as unknown as () => void }, /option onWarning: it is "log", expected a function/],
  [{ now: 5 as unknown as () => number }, /option now: it is 5, expected a function/],
  [
    { mapping: "legacy" as "raw" },
    /option mapping: it is "legacy", expected .*an object with mapMetric\(\), such as legacyMapping\(\{...\}\)$/,
  ],
  [{ mapping: null as unknown as "raw" }, /option mapping: it is null, expected "prometheus", "raw"/],
  [{ mapping: { name: "own" } as Mapping }, /option mapping: it is \{"name":"own"\}, expected .* with mapMetric\(\)/],
  [{ trendStats: "avg" as unknown as [] }, /option trendStats: it is "avg", expected a list/],
  [{ user: "ann", bearerToken: "pw" }, /options contain user and bearerToken, expected only one/],
  [{ url: "http://ann:pw@x.test", user: "ann" }, /the user info of the URL and user/],
  [{ user: "a", password: "pw", headers: { Authorization: "Bearer pw" } }, /user and the header Authorization/],
];
for (const [options, message] of wrong) {
  test(`the options ${JSON.stringify(options)} are an error that names what is wrong`, () => {
    assert.throws(() => new RemoteWriteOutput(options), (error) => {
      assert.ok(isRemoteWriteError(error, "configuration"));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /pw/);
      return true;
    });
  });
}

const harmless: readonly RemoteWriteOutputOptions[] = [
  { mapping: "raw", trendAs: "stats", trendWindow: "run", rateCounters: false, zeroSample: false, heartbeatMs: 60_000 },
  { mapping: legacy, zeroSample: true, trendAs: "stats" },
  { mapping: own, zeroSample: true },
  // As in k6.
  { trendAs: "native", trendStats: ["avg"], trendWindow: "run", bucketFactor: 2, maxBuckets: 10 },
  { trendAs: "histogram", buckets: [1] },
  { windows: "event", heartbeatMs: 0 },
  { windows: "event", checkpoint: { onWindow: () => {} } },
  { keepTags: false, keepNameTag: false, keepUrlTag: true },
];
for (const options of harmless) {
  test(`the options ${JSON.stringify(options)} do not contradict each other`, () => {
    assert.doesNotThrow(() => new RemoteWriteOutput(options));
  });
}

test("buckets are one list for all metrics, or one list for each metric", () => {
  const trend = (name: string) => ({ name, type: "trend", contains: "time" }) as const;
  const les = (options: RemoteWriteOutputOptions, name: string): (string | undefined)[] =>
    resolveOptions({ ...options, trendAs: "histogram" }).mapping.mapMetric(trend(name))!.outputs
      .map(({ labels }) => labels?.le).filter((le) => le !== undefined);
  const defaults = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "+Inf"];
  assert.deepEqual(les({}, "a"), defaults);
  assert.deepEqual(les({ buckets: [1, 2] }, "a"), ["1", "2", "+Inf"]);
  assert.deepEqual(les({ buckets: { a: [1, 2] } }, "a"), ["1", "2", "+Inf"]);
  assert.deepEqual(les({ buckets: { a: [1, 2] } }, "b"), defaults);
});

test("the names that auto generates come from the given clock and random numbers", () => {
  const source = { now: () => Date.UTC(2026, 10, 22, 11, 19, 55, 564), random: () => 0.5 };
  const { labels } = resolveOptions({ ...source, labels: { a: "b" }, instance: "auto", testid: "auto" });
  assert.deepEqual(labels, { a: "b", instance: "gggggggg", testid: "20261122-111955-gggggggg" });
  const named = resolveOptions({ labels: { instance: "x", testid: "y" }, instance: "here", testid: "run 1" });
  assert.deepEqual(named.labels, { instance: "here", testid: "run 1" });
  const ids = Array.from({ length: 1000 }, () => resolveOptions({ instance: "auto" }).labels.instance);
  assert.equal(new Set(ids).size, 1000);
});
