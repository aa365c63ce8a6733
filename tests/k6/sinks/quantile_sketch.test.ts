import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ExactValues, quantileOf } from "../../../src/k6/sinks/ordered_values.ts";
import { QuantileSketch } from "../../../src/k6/sinks/quantile_sketch.ts";
import { slowRuns } from "../../support/runs.ts";

/** Asserts the error bound for common quantiles and for others. */
function assertQuantiles(values: readonly number[], others: readonly number[]): void {
  const exact = new ExactValues(values.length);
  const sketch = new QuantileSketch();
  for (const value of values) {
    exact.add(value);
    sketch.add(value);
  }
  assert.equal(sketch.count, values.length);
  for (const quantile of [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1, ...others]) {
    const expected = quantileOf(exact, quantile);
    const estimate = quantileOf(sketch, quantile);
    const error = Math.abs(estimate - expected);
    assert.ok(error <= 0.005 * Math.abs(expected), `quantile ${quantile} is ${estimate}, exactly ${expected}`);
  }
}

/** Returns a generator of uniform numbers from 0 to 1. (The bits of fast-check's doubles are uniform, not their values.) */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

const distributions: Readonly<Record<string, (random: () => number) => number>> = {
  uniform: (random) => 500 * random(),
  lognormal: (random) => Math.exp(4 + 1.5 * Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())),
  bimodal: (random) => random() < 0.7 ? 10 + random() : 5000 + 100 * random(),
  constant: () => 123.456,
  negative: (random) => -1e3 * random(),
  "around zero": (random) => Math.sign(Math.floor(3 * random()) - 1) * random(),
  integers: (random) => Math.floor(12 * random()) - 6,
  huge: (random) => Number.MAX_VALUE / 2 * random(),
  tiny: (random) => 2 ** -900 * random(),
  "many magnitudes": (random) => 10 ** (600 * random() - 300),
};

for (const [name, draw] of Object.entries(distributions)) {
  test(`every quantile is within 0.5 %: ${name}`, () => {
    const quantiles = fc.array(fc.nat(1000), { maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 3000 }), quantiles, (seed, count, permille) => {
        const random = uniform(seed);
        assertQuantiles(Array.from({ length: count }, () => draw(random)), permille.map((value) => value / 1000));
      }),
      { seed: 8, numRuns: slowRuns(30) },
    );
  });
}

test("every quantile is within 0.5 %: any normal numbers", () => {
  // The difference of larger numbers overflows, also with exact values.
  const value = fc.double({ min: -8e307, max: 8e307, noNaN: true });
  const normal = value.filter((value) => value === 0 || Math.abs(value) >= 2 ** -1022);
  fc.assert(
    fc.property(fc.array(normal, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, quantile) => {
      assertQuantiles(values, [quantile]);
    }),
    { seed: 9, numRuns: slowRuns(500) },
  );
});

test("the extremes, the values next to zero and a constant are exact", () => {
  const sketch = new QuantileSketch();
  const values = [-70.1, -5.5, -0.3, 0, 0, 0.7, 12.3, 99.9];
  for (const value of values) sketch.add(value);
  for (const rank of [0, 2, 3, 4, 5, 7]) assert.equal(sketch.at(rank), values[rank]);
  assert.notEqual(sketch.at(6), 12.3);

  const constant = new QuantileSketch();
  for (let i = 0; i < 1000; i++) constant.add(0.1234567);
  for (const quantile of [0, 0.3, 0.5, 0.999, 1]) assert.equal(quantileOf(constant, quantile), 0.1234567);
});

test("without values, every quantile is 0, as in k6", () => {
  assert.equal(quantileOf(new QuantileSketch(), 0.9), 0);
  assert.equal(quantileOf(new ExactValues(10), 0.9), 0);
});
