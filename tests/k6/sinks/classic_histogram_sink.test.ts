import assert from "node:assert/strict";
import { test } from "node:test";
import { checkBuckets, ClassicHistogramSink, formatLe } from "../../../src/k6/sinks/classic_histogram_sink.ts";
import { ConfigurationError } from "../../../src/model/errors.ts";

function collect(sink: ClassicHistogramSink): number[] {
  const values: number[] = [];
  sink.collect((output, value) => {
    values[output] = Number(value);
  });
  return values;
}

test("a bucket counts all values up to and including its bound; then come +Inf, sum and count", () => {
  const sink = new ClassicHistogramSink([-1, 0.5, 2], { scale: 1 });
  assert.deepEqual(collect(sink), [0, 0, 0, 0, 0, 0]);
  for (const value of [-3, -1, 0, 0.5, 0.6, 2, 2.1, 100]) sink.add(value);
  assert.deepEqual(collect(sink), [2, 4, 6, 8, 101.2, 8]);
  sink.add(1);
  assert.deepEqual(collect(sink), [2, 4, 7, 9, 102.2, 9]);
});

test("values are scaled before they are compared", () => {
  const sink = new ClassicHistogramSink([0.005, 0.009, 1], { scale: 1 / 1000 });
  // 9 * (1 / 1000) is slightly more than 0.009; 9 / 1000 is not.
  for (const value of [5, 9, 1000, 1001]) sink.add(value);
  assert.deepEqual(collect(sink), [1, 2, 3, 4, 0.005 + 0.009 + 1 + 1.001, 4]);
});

test("NaN and infinities count as in Prometheus's clients", () => {
  const sink = new ClassicHistogramSink([1], { scale: 1 });
  for (const value of [Infinity, -Infinity]) sink.add(value);
  assert.deepEqual(collect(sink), [1, 2, NaN, 2]);
  const other = new ClassicHistogramSink([1], { scale: 1 });
  for (const value of [NaN, 0]) other.add(value);
  assert.deepEqual(collect(other), [1, 2, NaN, 2]);
});

test("bounds that are not finite or do not rise are an error", () => {
  assert.deepEqual(checkBuckets([0.005, 1, 10]), [0.005, 1, 10]);
  for (const bounds of [[1, 1], [2, 1], [NaN], [1, Infinity], [-Infinity, 0]]) {
    assert.throws(() => checkBuckets(bounds), ConfigurationError, String(bounds));
  }
});

test("le has the form of Go's %g", () => {
  const forms: [number, string][] = [
    [0.005, "0.005"],
    [0.0001, "0.0001"],
    [0.00012345, "0.00012345"],
    [0.00009, "9e-05"],
    [1e-10, "1e-10"],
    [0, "0"],
    [1, "1"],
    [2.5, "2.5"],
    [10, "10"],
    [-7.25, "-7.25"],
    [100000, "100000"],
    [123456.7, "123456.7"],
    [1000000, "1e+06"],
    [2500000, "2.5e+06"],
    [123456789, "1.23456789e+08"],
    [1e21, "1e+21"],
    [1.5e300, "1.5e+300"],
    [Infinity, "+Inf"],
  ];
  for (const [bound, le] of forms) assert.equal(formatLe(bound), le);
});
