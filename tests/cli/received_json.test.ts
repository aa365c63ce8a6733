import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceivedJson } from "../../src/cli/received_json.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";

const labels = [{ name: "__name__", value: "up" }, { name: "job", value: 'a"b' }];
const histogram = {
  timestamp: 3n,
  count: 1,
  sum: NaN,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 1,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
};

function linesOf(timeSeries: readonly TimeSeries[], json = new ReceivedJson()): unknown[] {
  const text = [...json.format({ timeSeries, metadata: new Map() })].join("");
  assert.ok(text === "" || text.endsWith("\n"));
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

test("each sample, histogram and exemplar is a line with the labels of its series", () => {
  const shown = { __name__: "up", job: 'a"b' };
  const exemplar = { labels: [{ name: "trace_id", value: "t" }], value: 1, timestamp: 1 };
  assert.deepEqual(
    linesOf([
      { labels, samples: [{ value: 1, timestamp: 1 }, { value: 0, timestamp: 2, stale: true }], exemplars: [exemplar] },
      { labels, histograms: [histogram] },
    ]),
    [
      { labels: shown, timestamp: 1, value: 1 },
      { labels: shown, timestamp: 2, value: "stale" },
      { labels: shown, exemplar: { labels: { trace_id: "t" }, value: 1, timestamp: 1 } },
      { labels: shown, histogram: { ...histogram, timestamp: 3, sum: "NaN" } },
    ],
  );
});

test("long labels that many samples repeat are formatted in chunks, one at a time", () => {
  const length = 100_000;
  const series: TimeSeries = {
    labels: [...labels, { name: "long", value: "x".repeat(length) }],
    // All lines together have a gigabyte.
    samples: Array.from({ length: 10_000 }, (_, index) => ({ value: index, timestamp: index })),
  };
  let chunks = 0;
  for (const chunk of new ReceivedJson().format({ timeSeries: [series], metadata: new Map() })) {
    assert.ok(chunk.length < 2 * length && chunk.endsWith("\n"));
    if (++chunks === 100) break;
  }
  assert.equal(chunks, 100);
});

test("the metadata of a family is printed once, without a help text that is too long", () => {
  const json = new ReceivedJson();
  const series = (help: string): TimeSeries => ({ labels, metadata: { type: "gauge", help } });
  assert.deepEqual(linesOf([series("Up."), series("Up.")], json), [
    { family: "up", metadata: { type: "gauge", help: "Up." } },
  ]);
  const long = series("x".repeat(1001));
  assert.deepEqual(linesOf([long, long], json), [{ family: "up", metadata: { type: "gauge" } }]);
  assert.deepEqual(linesOf([long], json), []);
});
