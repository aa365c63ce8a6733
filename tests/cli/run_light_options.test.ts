import assert from "node:assert/strict";
import { test } from "node:test";
import { lightOutputOptions, lightStart } from "../../src/cli/light_options.ts";

const url = "http://127.0.0.1:1/secret";
const output = ["--out", "experimental-prometheus-rw"];
const always = { K6_PROMETHEUS_RW_SERVER_URL: url, K6_PROMETHEUS_RW_STALE_MARKERS: "false" };
const older = { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true" };

const starts: readonly (readonly [
  what: string,
  options: Parameters<typeof lightStart>[1]["options"],
  start: Partial<Parameters<typeof lightStart>[0]>,
  args: readonly string[],
  env: Record<string, string>,
])[] = [
  ["no option: k6's defaults hold", { staleMarkers: true }, {}, [...output, "s.js"], {}],
  ["the push interval", { flushPeriodMs: 1500 }, {}, [...output, "s.js"], { K6_PROMETHEUS_RW_PUSH_INTERVAL: "1500ms" }],
  [
    "the statistics of trends",
    { trendStats: ["p(99.9)", "max"], trendAs: "stats" },
    {},
    [...output, "s.js"],
    { K6_PROMETHEUS_RW_TREND_STATS: "p(99.9),max" },
  ],
  [
    "native histograms, by both of k6's names",
    { trendAs: "native" },
    { env: { K6_FEATURES: "a, b" } },
    [...output, "s.js"],
    { ...older, K6_FEATURES: "a,b,native-histograms" },
  ],
  [
    "native histograms that k6 has already",
    { trendAs: "native" },
    { env: { K6_FEATURES: "native-histograms" } },
    [...output, "s.js"],
    { K6_FEATURES: "native-histograms" },
  ],
  [
    "native histograms where an argument names features, because k6 ignores the variables then",
    { trendAs: "native" },
    { args: ["--features", "a", "s.js"] },
    [...output, "--features", "native-histograms", "--features", "a", "s.js"],
    {},
  ],
];
for (const [what, options, start, args, env] of starts) {
  test(`k6 gets ${what}`, () => {
    const started = lightStart({ args: ["s.js"], env: {}, ...start }, { url, options });
    assert.deepEqual([started.args, started.env], [args, { ...always, ...env }]);
  });
}

test("the output does not get the options that k6 carries out", () => {
  const { trendStats, trendAs, flushPeriodMs, ...rest } = lightOutputOptions({
    ...{
      trendStats: ["max"],
      trendAs: "native",
      flushPeriodMs: 5,
      keepNameTag: false,
      staleMarkers: true,
      labels: { a: "b" },
    },
  });
  assert.deepEqual([trendStats, trendAs, flushPeriodMs], [undefined, undefined, undefined]);
  assert.deepEqual(rest, { keepNameTag: true, staleMarkers: true, labels: { a: "b" } });
});
