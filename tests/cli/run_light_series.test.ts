import assert from "node:assert/strict";
import { test } from "node:test";
import { LightSeries, type LightSeriesOptions } from "../../src/cli/light_series.ts";
import { RemoteWriteOutput } from "../../src/k6/output/remote_write_output.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";
import { createReceiver } from "../../src/receive/create_receiver.ts";
import { strictRules } from "../../src/receive/rules/strict_rules.ts";

const time = 1_795_346_390_278;

/** Returns a series as k6 sends it: `labels` are its names and values in turn. */
function series(labels: readonly string[], value: number, timestamp = time): TimeSeries {
  const pairs = labels.flatMap((name, at) => at % 2 === 0 ? [{ name, value: labels[at + 1] ?? "" }] : []);
  return { labels: pairs, samples: [{ value, timestamp }] };
}

/** Sends writes of k6, and returns each sample as a string: what a strict receiver got, and the warnings. */
async function send(
  writes: readonly (readonly TimeSeries[])[],
  options: Partial<LightSeriesOptions> = {},
): Promise<{ readonly sent: string[]; readonly warnings: string[] }> {
  const warnings: string[] = [];
  const sent: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const light = new LightSeries({ prefix: "k6_", keepNameTag: false, labels: {}, warn, ...options });
  const receive = createReceiver({
    strict: strictRules(),
    onWrite: ({ timeSeries }) => {
      for (const { labels, samples = [], histograms = [] } of timeSeries) {
        const [name = "", ...tags] = labels.toSorted((a, b) =>
          Number(b.name === "__name__") - Number(a.name === "__name__")
        )
          .map(({ name, value }) => name === "__name__" ? value : `${name}=${value}`);
        for (const { value } of samples) sent.push(`${name}{${tags.join(",")}} ${value}`);
        for (const { count, sum } of histograms) sent.push(`${name}{${tags.join(",")}} ${count}/${sum}`);
      }
    },
  });
  const output = new RemoteWriteOutput({
    mapping: light.mapping,
    prefix: options.prefix,
    labels: options.labels,
    keepNameTag: true,
    onWarning: warn,
    now: () => time + 60_000,
    fetch: (url, init) => receive(new Request(url, init)),
  });
  for (const write of writes) {
    output.add(light.samplesOf(write));
    await output.flush();
  }
  const report = await output.close();
  assert.equal(report.delivered, report.samples, JSON.stringify(report));
  return { sent: sent.sort(), warnings };
}

const faults: readonly (readonly [what: string, labels: readonly string[], sent: string])[] = [
  // Observed: a counter c and a trend t with {"__name__": "evil"}, the statistics p(99) and max.
  [
    "a counter with the tag __name__",
    ["__name__", "evil", "__name__", "k6_c_total"],
    "k6_c_total{tag__name__=evil}",
  ],
  [
    "a trend with the tag __name__, to which k6 appends the statistic",
    ["__name__", "evil_p99", "__name__", "k6_t"],
    "k6_t_p99{tag__name__=evil}",
  ],
  [
    "a rate with a tag __name__ that ends like a statistic",
    ["__name__", "my_max", "__name__", "k6_checks_rate"],
    "k6_checks_rate{tag__name__=my_max}",
  ],
  ["names that are not valid", ["a.b", "1", "__name__", "k6_c_total", "my-tag", "2"], "k6_c_total{a_b=1,my_tag=2}"],
  ["a tag that sorts before __name__", ["A", "1", "__name__", "k6_t_p99"], "k6_t_p99{A=1}"],
];
for (const [what, labels, sent] of faults) {
  test(`a fault of k6's output is repaired: ${what}`, async () => {
    assert.deepEqual((await send([[series(labels, 3)]])).sent, [`${sent} 3`]);
  });
}

test("two tags with the same valid form do not make two series equal", async () => {
  const { sent } = await send([[
    series(["__name__", "k6_c_total", "a_b", "1"], 3),
    series(["__name__", "k6_c_total", "a.b", "1"], 4),
  ]]);
  assert.deepEqual(sent, ["k6_c_total{a_b=1} 3", "k6_c_total{a_b_2=1} 4"]);
});

const url = "http://shop/";
const names: readonly (readonly [what: string, labels: readonly (readonly string[])[], sent: readonly string[]])[] = [
  ["is dropped where url repeats it", [["name", url, "url", url]], [`url=${url}`]],
  ["is kept without url", [["name", "home"]], ["name=home"]],
  ["is kept where url has another value", [["name", "home", "url", url]], [`name=home,url=${url}`]],
  [
    "is kept where a series without it exists",
    [["url", url], ["name", url, "url", url]],
    [`url=${url}`, `name=${url},url=${url}`],
  ],
];
for (const [what, labels, sent] of names) {
  test(`with keepNameTag false, the label name ${what}`, async () => {
    const write = labels.map((each, value) => series(["__name__", "k6_c_total", ...each], value));
    const expected = sent.map((tags, value) => `k6_c_total{${tags}} ${value}`).sort();
    assert.deepEqual((await send([write])).sent, expected);
  });
}

test("with keepNameTag true, all labels of k6 are kept; the prefix and the external labels are those of the options", async () => {
  const write = [
    series(["__name__", "k6_c_total", "name", url, "url", url, "site", "us"], 1),
    series(["__name__", "k6_vus"], 2),
  ];
  const { sent } = await send([write], { keepNameTag: true, prefix: "load_", labels: { site: "eu" } });
  assert.deepEqual(sent, [`load_c_total{name=${url},site=us,url=${url}} 1`, "load_vus{site=eu} 2"]);
});

test("values that k6's JSON cannot express arrive: infinite and NaN", async () => {
  const write = [series(["__name__", "k6_t_max"], Infinity), series(["__name__", "k6_t_p99"], NaN)];
  assert.deepEqual((await send([write])).sent, ["k6_t_max{} Infinity", "k6_t_p99{} NaN"]);
});

test("a native histogram arrives as it is; the staleness markers of k6 are ignored, because the output makes its own", async () => {
  const histogram = {
    ...{ count: 3, sum: 4.5, schema: 3, zeroThreshold: 1e-39, zeroCount: 0 },
    ...{ positiveSpans: [{ offset: 1, length: 2 }], positiveCounts: [1, 2], negativeSpans: [], negativeCounts: [] },
  };
  const labels = [{ name: "__name__", value: "k6_t_seconds" }];
  const { sent } = await send([
    [{ labels, histograms: [{ ...histogram, timestamp: time }] }],
    // Observed: k6 marks a histogram with a float, and repeats the histogram.
    [{
      labels,
      samples: [{ value: NaN, timestamp: time + 5, stale: true }],
      histograms: [{ ...histogram, timestamp: time }],
    }],
  ]);
  assert.deepEqual(sent, ["k6_t_seconds{} 3/4.5"]);
});

test("two metrics with the same name and labels are reported once for each write", async () => {
  const write = [series(["__name__", "k6_t_max"], 1), series(["__name__", "k6_t_max"], 2)];
  const { sent, warnings } = await send([write]);
  assert.deepEqual(sent, ["k6_t_max{} 2"]);
  assert.match(
    warnings.join("\n"),
    /^k6 sends two metrics with the same name and labels, k6_t_max: only one of them is visible/,
  );
});

test("k6 divides the counts of time trends by 1000, which is undone; other counts and gauges stay as they are", async () => {
  // Observed with 12 values each: a built-in trend, trends of the script with and without times, and a gauge with such a name.
  const values: Record<string, number> = { http_req_waiting: 2, mine: 0.012, plain: 12, queue: 0.012 };
  const write = Object.entries(values).flatMap(([metric, count]) => [
    series(["__name__", `k6_${metric}_count`], count),
    ...metric === "queue" ? [] : [series(["__name__", `k6_${metric}_p99`], 0.5)],
  ]);
  const { sent } = await send([write, write], { trendStats: ["p(99)", "count"] });
  assert.deepEqual(sent.filter((line) => line.includes("_count")).filter((_, at) => at % 2 === 0), [
    "k6_http_req_waiting_count{} 2000",
    "k6_mine_count{} 12",
    "k6_plain_count{} 12",
    "k6_queue_count{} 0.012",
  ]);
});
