// Detects large slow-downs. Compares ratios within one run with wide limits, so that the load of the machine does not matter.
// `npm run bench` measures precisely.
import assert from "node:assert/strict";
import { test } from "node:test";
import { replay } from "../../scripts/bench/replay.ts";
import { FlushLine } from "../../scripts/bench/flush_line.ts";
import { encodeWithMessages, plainSeries, replayPlainly } from "../../scripts/bench/peers.ts";
import { counterSamples, jsonLines, startTime } from "../../scripts/bench/workload.ts";

/** Returns the shortest time of several runs, in milliseconds. */
async function best(work: () => unknown, tries: number): Promise<number> {
  let least = Infinity;
  for (let number = 0; number < tries; number++) {
    const started = performance.now();
    await work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

/**
 * Asserts a ratio of two times. It tries several times, because on a busy machine an engine needs longer to optimize this code,
 * while the code that it is compared with is mostly part of the engine.
 */
async function atLeast(factor: number, slow: () => Promise<number>, fast: () => Promise<number>): Promise<void> {
  let [leastSlow, leastFast, ratio] = [Infinity, Infinity, 0];
  for (let attempt = 0; attempt < 20 && ratio < factor; attempt++) {
    leastSlow = Math.min(leastSlow, await slow());
    leastFast = Math.min(leastFast, await fast());
    ratio = leastSlow / leastFast;
  }
  assert.ok(ratio >= factor, `it is ${ratio.toFixed(2)} times as fast, expected at least ${factor.toFixed(2)} times`);
}

function flushed(series: number): FlushLine {
  const line = new FlushLine();
  for (const sample of counterSamples(series)) line.store.add(sample);
  return line;
}

for (const version of ["1.0", "2.0"] as const) {
  test(`a flush in ${version} is at least 3 times as fast as building messages`, async () => {
    const line = flushed(1000);
    const plain = plainSeries(1000);
    const samples = counterSamples(1000);
    let time = startTime;
    let least = Infinity;
    const flush = (): void => {
      time += 1000;
      for (const sample of samples) line.store.add({ ...sample, time });
      const started = performance.now();
      line.flush(version);
      least = Math.min(least, performance.now() - started);
    };
    // Measured: 10 to 20 times.
    await atLeast(3, () => best(() => encodeWithMessages(plain), 10), async () => {
      await best(flush, 100);
      return least;
    });
  });
}

test("the flush time per series does not grow with the number of series", async () => {
  const encode = (line: FlushLine): () => void => {
    const batch = line.collect();
    return () => {
      for (const _request of line.encode(batch, "1.0"));
    };
  };
  const few = encode(flushed(1000));
  const many = encode(flushed(10_000));
  const perSeries = async (work: () => void, series: number): Promise<number> => await best(work, 30) / series;
  // Measured: nearly the same.
  await atLeast(1 / 3, () => perSeries(few, 1000), () => perSeries(many, 10_000));
});

test("k6's JSON is read at least twice as fast as by split, JSON.parse and a key of sorted tags", async () => {
  const bytes = jsonLines(8 * 1024 * 1024);
  const text = new TextDecoder().decode(bytes);
  const lines = replayPlainly(text);
  assert.equal(await replay(new Blob([bytes]).stream()), lines);
  // Measured: 4 to 10 times.
  await atLeast(2, () => best(() => replayPlainly(text), 2), () => best(() => replay(new Blob([bytes]).stream()), 4));
});
