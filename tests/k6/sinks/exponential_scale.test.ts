import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { bucketCentre, bucketIndex, schemaForFactor } from "../../../src/k6/sinks/exponential_scale.ts";
import { slowRuns } from "../../support/runs.ts";

const schemas = Array.from({ length: 13 }, (_, i) => i - 4);
const bits = new DataView(new ArrayBuffer(8));

/** Returns the number that is a number of representable numbers further. */
function neighbour(value: number, steps: number): number {
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) + BigInt(steps));
  return bits.getFloat64(0);
}

/** Returns a rounded number that is not a negative zero. */
function roundedUp(value: number): number {
  return Math.ceil(value) + 0;
}

/** Returns the largest number from 1 to 2 in a bucket, found by bisection. */
function upperBound(index: number, schema: number): number {
  let [low, high] = [1, 2];
  while (neighbour(low, 1) < high) {
    const middle = low + (high - low) / 2;
    if (bucketIndex(middle, schema) <= index) low = middle;
    else high = middle;
  }
  return low;
}

const finestBounds = Array.from({ length: 256 }, (_, index) => upperBound(index, 8));

test("schema 4 has twice the bounds that Prometheus publishes", () => {
  const published = [
    [0.5, 0.5221368912137069, 0.5452538663326288, 0.5693943173783458],
    [0.5946035575013605, 0.620928906036742, 0.6484197773255048, 0.6771277734684463],
    [0.7071067811865475, 0.7384130729697496, 0.7711054127039704, 0.805245165974627],
    [0.8408964152537144, 0.8781260801866495, 0.9170040432046711, 0.9576032806985735],
  ].flat();
  assert.deepEqual(published.map((_, index) => upperBound(index, 4) / 2), published);
});

test("schema 8 has twice the bounds that Prometheus publishes, bit for bit", () => {
  // The hash is that of the 256 published numbers as big-endian float64.
  const bytes = new DataView(new ArrayBuffer(256 * 8));
  finestBounds.forEach((bound, index) => bytes.setFloat64(8 * index, bound / 2));
  assert.equal(
    createHash("sha256").update(new Uint8Array(bytes.buffer)).digest("hex"),
    "c3134bc85a1ec022724b61ce9b4e297dfe80e18b393ac2b3d36408137154762c",
  );
});

test("a bound is a power of 2^(1/256), with an error of at most four units in the last place", () => {
  // Computes 2^(1/256) in fixed point with eight square roots.
  const one = 1n << 300n;
  let root = 2n * one;
  for (let i = 0; i < 8; i++) root = integerSquareRoot(root * one);
  let power = one;
  for (const [index, bound] of finestBounds.entries()) {
    const ideal = Number(power >> 247n) / 2 ** 53;
    assert.ok(Math.abs(bound - ideal) <= 4 * 2 ** -52, `bound ${index} is ${bound}, ideally ${ideal}`);
    power = (power * root) / one;
  }
});

function integerSquareRoot(square: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(square.toString(2).length / 2));
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

test("a bound is the last value of its bucket, in every schema and at every size", () => {
  for (const doublings of [-1022, -1000, -33, -32, -31, -17, -16, -15, -1, 0, 1, 15, 16, 17, 500, 1023]) {
    for (const [at, mantissa] of finestBounds.entries()) {
      const bound = mantissa * 2 ** doublings;
      const finest = doublings * 256 + at;
      for (const schema of schemas) {
        const width = 2 ** (8 - schema);
        assert.equal(bucketIndex(bound, schema), roundedUp(finest / width), `${bound} in schema ${schema}`);
        assert.equal(bucketIndex(neighbour(bound, 1), schema), roundedUp((finest + 1) / width));
      }
    }
  }
});

test("the index is the logarithm, rounded up, if the logarithm is precise enough to decide", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 5e-324, max: Number.MAX_VALUE, noNaN: true }),
      fc.constantFrom(...schemas),
      (value, schema) => {
        const exact = Math.log2(value) * 2 ** schema;
        fc.pre(Math.abs(exact - Math.round(exact)) > 1e-9);
        assert.equal(bucketIndex(value, schema), roundedUp(exact));
      },
    ),
    { seed: 3, numRuns: slowRuns(5000) },
  );
});

test("the index of powers of two, of the smallest and the largest number, and of infinity", () => {
  for (const schema of schemas) {
    const at = (doublings: number): number => roundedUp(doublings * 2 ** schema);
    for (let doublings = -1074; doublings < 1024; doublings++) {
      assert.equal(bucketIndex(2 ** doublings, schema), at(doublings));
    }
    assert.equal(bucketIndex(Number.MAX_VALUE, schema), at(1024));
    assert.equal(bucketIndex(Infinity, schema), at(1024) + 1);
  }
});

test("a bucket's centre is in the bucket, with the same ratio to both bounds", () => {
  for (const schema of schemas) {
    for (const value of [3e-300, 0.001, 0.999, 1, 1.001, 1234, 5e299]) {
      const index = bucketIndex(value, schema);
      const centre = bucketCentre(index, schema);
      assert.equal(bucketIndex(centre, schema), index, `${value} in schema ${schema}`);
      const growth = 2 ** (1 / 2 ** schema);
      assert.ok(Math.abs(centre / value - 1) <= (growth - 1) / 2, `${centre} for ${value} in schema ${schema}`);
    }
  }
  assert.ok(Math.abs(bucketCentre(1, 0) - Math.SQRT2) < 1e-15);
  assert.ok(Math.abs(bucketCentre(-4, -1) - 2 ** -9) < 1e-17);
  assert.ok(Math.abs(bucketCentre(1024 * 128, 7) / Number.MAX_VALUE - 1) < 0.0028);
  assert.equal(bucketCentre(-1074 * 128, 7), 5e-324);
});

test("the schema is the coarsest one whose factor is not above the requested factor", () => {
  const factors: [number, number][] = [
    [1.1, 3],
    [1.0001, 8],
    [1.0028, 8],
    [1.0055, 7],
    [1.05, 4],
    [1.2, 2],
    [1.5, 1],
    [2, 0],
    [3.99, 0],
    [4, -1],
    [16, -2],
    [256, -3],
    [65536, -4],
    [1e9, -4],
  ];
  for (const [factor, schema] of factors) assert.equal(schemaForFactor(factor), schema, String(factor));
});
