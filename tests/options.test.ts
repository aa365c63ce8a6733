import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../src/errors.ts";
import type { RemoteWriteOutputOptions } from "../src/options.ts";
import { resolveOptions } from "../src/resolve_options.ts";

test("the defaults are the original's", () => {
  const {
    url,
    flushPeriodMs,
    mapping,
    keepTags,
    keepNameTag,
    keepUrlTag,
    staleMarkers,
    insecureSkipTlsVerify,
    prefix,
  } = resolveOptions();
  assert.deepEqual(
    {
      url,
      flushPeriodMs,
      mapping: mapping.name,
      keepTags,
      keepNameTag,
      keepUrlTag,
      staleMarkers,
      insecureSkipTlsVerify,
      prefix,
    },
    {
      url: "http://localhost:9090/api/v1/write",
      flushPeriodMs: 1000,
      mapping: "prometheus",
      keepTags: true,
      keepNameTag: false,
      keepUrlTag: true,
      staleMarkers: false,
      insecureSkipTlsVerify: false,
      prefix: "k6_",
    },
  );
});

test("by default a trend is sent as the original's six stats and p(99)", () => {
  const trend = { name: "t", type: "trend", contains: "time" } as const;
  assert.deepEqual(
    resolveOptions().mapping.mapMetric(trend)?.outputs.map(({ name }) => name).sort(),
    ["k6_t_avg", "k6_t_max", "k6_t_med", "k6_t_min", "k6_t_p90", "k6_t_p95", "k6_t_p99"],
  );
});

const wrong: readonly [RemoteWriteOutputOptions, RegExp][] = [
  [{ url: "ftp://user:pw@x" }, /option url: it is "ftp:\/\/\.\.\.", expected http/],
  [{ url: "nonsense" }, /option url: it is not a URL/],
  [{ flushPeriodMs: 0 }, /option flushPeriodMs: it is 0, expected a number from 1/],
  [{ flushPeriodMs: NaN }, /option flushPeriodMs: it is NaN/],
  [{ shards: 1.5 }, /option shards: it is 1.5, expected a whole number from 1/],
  [{ mapping: "prom" as "raw" }, /option mapping: it is "prom", expected "prometheus", "raw", "legacy" or an object/],
  [{ overflow: "drop" as "block" }, /option overflow: it is "drop", expected "drop-oldest" or "block"/],
  [{ trendStats: ["p(101)"] }, /p\(101\)/],
  [{ caCertFile: "ca.pem" }, /option caCertFile: it is "ca.pem", expected a `fetch`/],
  [{ insecureSkipTlsVerify: true }, /option insecureSkipTlsVerify: it is true, expected a `fetch`/],
];
for (const [options, message] of wrong) {
  test(`the options ${JSON.stringify(options)} are an error that names what is wrong`, () => {
    assert.throws(() => resolveOptions(options), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /pw/);
      return true;
    });
  });
}

test("0 and false survive as what they are", () => {
  const { closeTimeoutMs, bisect, retryDeadlineMs } = resolveOptions({
    closeTimeoutMs: 0,
    bisect: false,
    retryDeadlineMs: 0,
  });
  assert.deepEqual([closeTimeoutMs, bisect, retryDeadlineMs], [0, false, 0]);
});
