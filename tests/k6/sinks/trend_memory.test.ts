// Runs on one runtime: the values are in typed arrays, whose size is the same on each runtime.
// Compares differences and ratios within one run with wide limits, so that the load of the machine does not matter.
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { TrendSink } from "../../../src/k6/sinks/trend_sink.ts";
import { parseTrendStats } from "../../../src/k6/sinks/trend_stats.ts";

const stats = parseTrendStats(["min", "max", "avg", "med", "p(90)", "p(95)", "p(99)"]);

/** Returns the megabytes of objects and of typed arrays. */
function megabytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

test("ten million values of 200 series take less than 100 MB, and more values increase neither memory nor flush time", () => {
  const before = megabytes();
  const sinks = Array.from(
    { length: 200 },
    () => new TrendSink(stats, { scale: 1, maxExactValues: 10_000, window: "run" }),
  );
  let seed = 7;
  const add = (count: number): void => {
    for (let number = 0; number < count; number++) {
      seed = (seed * 48_271) % 2_147_483_647;
      // Like response times: most are short, some are long.
      sinks[number % sinks.length]?.add(20 * (1 - seed / 2_147_483_647) ** -0.7);
    }
  };
  let emitted = 0;
  const flushMs = (): number => {
    let least = Infinity;
    for (let attempt = 0; attempt < 20; attempt++) {
      add(10 * sinks.length);
      const started = performance.now();
      for (const sink of sinks) sink.collect(() => emitted++);
      least = Math.min(least, performance.now() - started);
    }
    return least;
  };
  add(3_000_000);
  // Each series now has more values than it keeps.
  const [early, earlyMs] = [megabytes(), flushMs()];
  add(7_000_000);
  const [late, lateMs] = [megabytes(), flushMs()];
  assert.equal(emitted, 2 * 20 * sinks.length * stats.length);
  // Measured: 35 MB on Deno and Node, 70 MB on Bun. All values would be 80 MB.
  assert.ok(late - before < 100, `${Math.round(late - before)} MB`);
  // Measured: 3 MB at most. All values would be 56 MB.
  assert.ok(late - early < 30, `from ${Math.round(early)} to ${Math.round(late)} MB`);
  // Measured: nearly the same.
  assert.ok(lateMs < 3 * earlyMs, `from ${earlyMs.toFixed(2)} to ${lateMs.toFixed(2)} ms`);
});
