import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { liveBytes } from "../../support/garbage.ts";
import { MemoryEstimate } from "../../../src/k6/output/memory_estimate.ts";
import { resolveOptions } from "../../../src/k6/output/resolve_options.ts";
import { SeriesFactory } from "../../../src/k6/series/series_factory.ts";
import { SeriesStore } from "../../../src/k6/series/series_store.ts";
import { type EncodedSeries, isSameSeries } from "../../../src/protocol/encoded_series.ts";

/** Makes series with one value each. Returns the estimate, the warnings and the store. */
function makeSeries(count: number, trendAs: "stats" | "native" | "histogram"): {
  memory: MemoryEstimate;
  warnings: string[];
  store: SeriesStore<EncodedSeries>;
} {
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  const resolved = resolveOptions({ url: "http://127.0.0.1:9/", trendAs, onWarning });
  const factory = new SeriesFactory({ ...resolved, runMetrics: new Set() });
  const memory = new MemoryEstimate({ series: () => store.series(), onWarning });
  const store = new SeriesStore<EncodedSeries>({
    open: (metric, tags) => factory.open(metric, tags),

    isSame: isSameSeries,
    onCreated: (series) => memory.add(series),
    maxSeries: Infinity,
    onRefused: (reason) => assert.fail(reason),
  });
  const metric = { name: "http_req_duration", type: "trend", contains: "time" } as const;
  for (let index = 0; index < count; index++) {
    const tags = { method: "GET", status: "200", scenario: "default", url: `http://test.k6.io/item/${index}` };
    store.add({ metric, time: 1e12, value: index, tags });
  }
  return { memory, warnings, store };
}

const isNode = process.versions.bun === undefined && !("Deno" in globalThis);
const skip = isNode ? false : "the estimate is for Node, which needs the most memory";

test(
  "the estimate is within a factor of two of the memory on Node, and a trend with one value takes less than 1 kB",
  {
    skip,
  },
  async () => {
    // Kept, so that nothing is freed between two measurements.
    const kept = [];
    for (const [trendAs, most] of [["stats", 1000], ["native", 1800], ["histogram", 12_000]] as const) {
      const measured: number[] = [];
      let estimated = 0;
      // The median of three, because something else in this process may free its memory at the same time.
      for (let round = 0; round < 3; round++) {
        const before = await liveBytes();
        const { memory, store } = makeSeries(5_000, trendAs);
        measured.push(await liveBytes() - before);
        kept.push(store);
        assert.equal(store.size, 5_000);
        estimated = memory.bytes;
      }
      const bytes = measured.sort((a, b) => a - b)[1] ?? NaN;
      assert.ok(bytes / 5_000 < most, `${trendAs}: ${bytes / 5_000} bytes per series`);
      const ratio = estimated / bytes;
      assert.ok(ratio > 0.5 && ratio < 2, `${trendAs}: ${estimated} estimated, ${measured} used`);
    }
  },
);

test("many series give one warning, which names the label with the most values and what helps", () => {
  const { warnings, memory, store } = makeSeries(0, "histogram");
  const common = makeSeries(1, "histogram").store.series()[Symbol.iterator]().next().value;
  assert.ok(common !== undefined);
  assert.equal(store.size, 0);
  for (let index = 0; index < 200_000; index++) memory.add({ ...common, hash: 0 });
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    /^The \d+ series so far take about 1\.0 GB of memory\. Drop a label with relabel or keepUrlTag, or limit .* maxSeries\.$/,
  );
});
