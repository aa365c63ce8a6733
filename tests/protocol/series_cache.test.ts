import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metadata } from "../../src/model/time_series.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { utf8Names } from "../../src/protocol/read_series.ts";
import { SeriesCache } from "../../src/protocol/series_cache.ts";

const labelsOf = (index: number) => Object.freeze([Object.freeze({ name: "__name__", value: `metric_${index}` })]);

test("labels that cannot change are checked once, and encoded once with the same metadata", () => {
  const cache = new SeriesCache();
  const given = labelsOf(1);
  const { labels } = cache.checkLabels(given, utf8Names);
  assert.equal(cache.checkLabels(given, utf8Names).labels, labels);
  const encoded = (metadata?: Metadata) => cache.encoded(labels, metadata, () => encodeSeries(labels, metadata));
  const help = { type: "gauge", help: "A metric.", unit: "" } as const;
  assert.equal(encoded(), encoded());
  assert.equal(encoded(help), encoded({ ...help }));
  assert.notEqual(encoded(help), encoded({ ...help, help: "Another text." }));
});

test("the help texts of all series together are limited; a full memory keeps its series for a while, and then takes others", () => {
  const cache = new SeriesCache();
  const list = Array.from({ length: 48 }, (_, index) => ({
    labels: labelsOf(index),
    metadata: { type: "gauge", help: `${index}`.padEnd(300_000), unit: "" } as const,
  }));
  /** Encodes a series, and reports whether it was remembered. */
  const isKnown = ({ labels, metadata }: typeof list[number]): boolean => {
    let known = true;
    cache.encoded(labels, metadata, () => {
      known = false;
      return encodeSeries(labels, metadata);
    });
    return known;
  };
  for (const each of list.slice(0, 20)) assert.equal(isKnown(each), false);
  const known = list.slice(0, 20).filter(isKnown);
  assert.ok(known.length > 0 && known.length * 300_000 <= 4_000_000, `${known.length} series`);
  // They do not make way at once.
  assert.deepEqual(list.slice(20, 40).filter(isKnown), []);
  assert.deepEqual(known.filter(isKnown), known);
  const others = list.slice(40);
  for (let round = 0; round < 20; round++) others.forEach(isKnown);
  assert.deepEqual(others.filter(isKnown), others);
  assert.deepEqual(known.filter(isKnown), []);
});
