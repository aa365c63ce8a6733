import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BucketCounts, ExponentialBuckets } from "../../../src/k6/sinks/exponential_buckets.ts";
import { bucketCentre, bucketIndex } from "../../../src/k6/sinks/exponential_scale.ts";
import { slowRuns } from "../../support/runs.ts";

const magnitude = fc.oneof(
  fc.double({ min: 0.0001, max: 60_000, noNaN: true }),
  fc.double({ min: 5e-324, max: Number.MAX_VALUE, noNaN: true }),
  fc.constant(Infinity),
);
const magnitudes = fc.array(magnitude, { maxLength: 60 });

function bucketsOf(values: readonly number[], schema: number): ExponentialBuckets {
  const buckets = new ExponentialBuckets(schema);
  for (const value of values) buckets.add(value);
  return buckets;
}

/** Returns the index and the count of each bucket of the spans, including zeros. */
function decode({ spans, counts }: BucketCounts): [index: number, count: number][] {
  let index = 0;
  let at = 0;
  return spans.flatMap(({ offset, length }) => {
    index += offset;
    return Array.from({ length }, (): [number, number] => [index++, counts[at++] ?? NaN]);
  });
}

test("spans contain each magnitude in its bucket", () => {
  fc.assert(
    fc.property(magnitudes, fc.integer({ min: -4, max: 8 }), (values, schema) => {
      const expected = new Map<number, number>();
      for (const value of values) {
        const index = bucketIndex(value, schema);
        expected.set(index, (expected.get(index) ?? 0) + 1);
      }
      const populated = bucketsOf(values, schema).populated();
      const sorted = [...expected].sort(([a], [b]) => a - b);
      assert.deepEqual(decode(populated).filter(([, count]) => count > 0), sorted);
      assert.equal(populated.counts.length, populated.spans.reduce((sum, { length }) => sum + length, 0));
    }),
    { seed: 5, numRuns: slowRuns(300) },
  );
});

test("one or two empty buckets are sent as zeros, three begin a new span", () => {
  const at = (...indexes: number[]): BucketCounts => bucketsOf(indexes.map((index) => 2 ** index), 0).populated();
  assert.deepEqual(at(), { spans: [], counts: [] });
  assert.deepEqual(at(-5), { spans: [{ offset: -5, length: 1 }], counts: [1] });
  assert.deepEqual(at(3, 5, 3), { spans: [{ offset: 3, length: 3 }], counts: [2, 0, 1] });
  assert.deepEqual(at(-1, 2), { spans: [{ offset: -1, length: 4 }], counts: [1, 0, 0, 1] });
  assert.deepEqual(at(6, 2), { spans: [{ offset: 2, length: 1 }, { offset: 3, length: 1 }], counts: [1, 1] });
});

test("coarsened buckets are equal to buckets that counted in the coarser schema from the start", () => {
  fc.assert(
    fc.property(magnitudes, fc.integer({ min: -3, max: 8 }), fc.nat(11), (values, schema, steps) => {
      const coarsest = Math.max(-4, schema - steps);
      const half = Math.floor(values.length / 2);
      const buckets = bucketsOf(values.slice(0, half), schema);
      while (buckets.schema > coarsest) buckets.coarsen();
      for (const value of values.slice(half)) buckets.add(value);
      assert.equal(buckets.schema, coarsest);
      assert.deepEqual(buckets.populated(), bucketsOf(values, coarsest).populated());
    }),
    { seed: 6, numRuns: slowRuns(300) },
  );
});

test("a rank finds the centre of its bucket, from below and from above", () => {
  fc.assert(
    fc.property(magnitudes, (values) => {
      const buckets = bucketsOf(values, 7);
      const sorted = [...values].sort((a, b) => a - b);
      sorted.forEach((value, rank) => {
        const centre = bucketCentre(bucketIndex(value, 7), 7);
        assert.equal(buckets.centreAt(rank), centre);
        assert.equal(buckets.centreAt(rank - values.length), centre);
      });
    }),
    { seed: 7, numRuns: slowRuns(300) },
  );
});

test("the number of buckets grows with the range of magnitudes, not with their number", () => {
  const buckets = new ExponentialBuckets(7);
  // Fills every bucket of ten doublings.
  const add = (rounds: number): void => {
    for (let i = 0; i < 1280 * rounds; i++) buckets.add(2 ** ((i % 1280) / 128 + 0.001));
  };
  add(1);
  const { spans } = buckets.populated();
  assert.deepEqual(spans, [{ offset: 1, length: 1280 }]);
  add(99);
  assert.deepEqual(buckets.populated(), { spans, counts: Array(1280).fill(100) });
});
