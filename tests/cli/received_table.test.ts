import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceivedTable } from "../../src/cli/received_table.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";

function up(job: string, ...values: number[]): TimeSeries {
  return {
    labels: [{ name: "job", value: job }, { name: "__name__", value: "up" }],
    samples: values.map((value, index) => ({ value, timestamp: index })),
  };
}

function named(name: string): TimeSeries {
  return { labels: [{ name: "__name__", value: name }], samples: [{ value: 1, timestamp: 1 }] };
}

test("a row sums up the series of a name, whatever the order of their labels, and shows their last values", () => {
  const table = new ReceivedTable();
  table.add([up("a", 1, 2), up("b", 7)]);
  table.add([{ ...up("a", 3), labels: [...up("a").labels].reverse() }]);
  table.add([{ ...up("a"), samples: [{ value: 0, timestamp: 9, stale: true }] }]);
  assert.match(table.format(), /^up +2 +5 +3 to 7\n\n1 metric name, 2 series, 5 samples\n$/m);
});

test("the statistics of a trend share one row", () => {
  const table = new ReceivedTable();
  table.add(["d_min", "d_p95", "vus", "vus_max"].map(named));
  assert.deepEqual(table.format().match(/^[dv]\S+/gm), ["d_*", "vus", "vus_max"]);
});

test("beyond the limits, samples are only counted, and the table says so", () => {
  const names = new ReceivedTable({ maxNames: 2 });
  for (let index = 0; index < 5; index++) names.add([named(`m${index}`)]);
  assert.match(names.format(), /^2 metric names, 2 series, 5 samples; 3 samples of further names are not shown$/m);
  const series = new ReceivedTable({ maxSeries: 2 });
  for (let index = 0; index < 5; index++) series.add([up(`${index}`, index)]);
  series.add([up("0", 9)]);
  assert.match(series.format(), /^up +2 +6 +1 to 9$/m);
  assert.match(series.format(), /^1 metric name, 2 series, 6 samples; further series are not counted$/m);
});

test("a very long name is truncated", () => {
  const table = new ReceivedTable();
  table.add([named("m".repeat(100_000))]);
  assert.ok(table.format().length < 2000);
});

test("the table says if nothing arrived", () => assert.equal(new ReceivedTable().format(), "Nothing arrived.\n"));
