import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveStore } from "../../../src/cli/live/live_store.ts";
import { Catalog } from "../../../src/cli/page/catalog.ts";
import { describeFamily, seriesOf } from "../../../src/cli/page/family_chart.ts";

/** Returns what a card says about the only family of series with these values, one for each flush of 5 s. */
function describe(series: Readonly<Record<string, readonly number[]>>, startMs?: number): string {
  const store = new LiveStore({ retentionMs: 1e9, maxBytes: 1e9 }, () => 0);
  store.add(
    Object.entries(series).map(([key, values]) => {
      const [name = "", url = ""] = key.split(" ");
      return {
        labels: [{ name: "__name__", value: name }, { name: "url", value: url }],
        samples: values.map((value, index) => ({ timestamp: 5000 * (index + 1), value })),
      };
    }),
  );
  const catalog = new Catalog(store);
  catalog.refresh();
  const [family, ...others] = catalog.families();
  assert.ok(family !== undefined && others.length === 0);
  const all = seriesOf(family, catalog);
  const { firstMs, lastMs } = all;
  return describeFamily(all, { firstMs, lastMs, startMs, zeroAfterMs: firstMs }).replaceAll("\u00a0", " ");
}

for (
  const { what, series, startMs, expected } of [
    {
      what: "a counter is its rate over the whole run",
      series: { "k6_orders_total a": [30, 40], "k6_orders_total b": [10, 10] },
      startMs: 0,
      expected: "5/s on average",
    },
    {
      what: "a counter whose start is not known is its rate between the points",
      series: { k6_orders_total: [1000, 1030] },
      expected: "6/s on average",
    },
    {
      what: "statistics is the last one, which is that of the whole run",
      series: { k6_size_max: [9, 9], k6_size_p95: [5, 7] },
      expected: "p95 7",
    },
    {
      what: "statistics of several series is a bound",
      series: { "k6_size_max a": [9], "k6_size_p95 a": [5], "k6_size_max b": [9], "k6_size_p95 b": [8] },
      expected: "p95 ≤ 8",
    },
    { what: "a gauge is its last value", series: { k6_stock: [9, 3] }, expected: "last 3" },
    {
      what: "several gauges is the highest of their last values",
      series: { "k6_stock a": [9, 3], "k6_stock b": [9, 4] },
      expected: "last, highest 4",
    },
  ] satisfies readonly {
    readonly what: string;
    readonly series: Readonly<Record<string, readonly number[]>>;
    readonly startMs?: number;
    readonly expected: string;
  }[]
) {
  test(`the number of ${what}`, () => assert.equal(describe(series, startMs), expected));
}
