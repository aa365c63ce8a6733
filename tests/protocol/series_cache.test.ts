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

test("the help texts of all series together are limited, and later series are remembered again", () => {
  const cache = new SeriesCache();
  const list = Array.from({ length: 100 }, (_, index) => {
    const labels = labelsOf(index);
    const metadata = { type: "gauge", help: `${index}`.padEnd(300_000), unit: "" } as const;
    const series = cache.encoded(labels, metadata, () => encodeSeries(labels, metadata));
    return { labels, metadata, series };
  });
  const isKnown = ({ labels, metadata, series }: typeof list[number]): boolean =>
    cache.encoded(labels, metadata, () => encodeSeries(labels, metadata)) === series;
  const known = list.reverse().findIndex((each) => !isKnown(each));
  assert.ok(known > 0 && known * 300_000 <= 4_000_000, `${known} series`);
});
