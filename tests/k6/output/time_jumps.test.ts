/** Recorded samples whose times are far ahead of the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions, type Sample } from "../../../mod.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";

const metric: Metric = { name: "c", type: "counter", contains: "default" };
const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const year9999 = Date.UTC(9999, 0, 1);

const at = (...times: readonly number[]): Sample[] => times.map((time) => ({ metric, time, value: 1, tags: {} }));

/** Returns samples one second apart. */
const run = (from: number, count: number): Sample[] =>
  at(...Array.from({ length: count }, (_, index) => from + 1000 * index));

/** Sends samples and returns the times that arrived, the number of refused samples and the warnings. */
async function send(
  samples: readonly Sample[],
  options: Partial<RemoteWriteOutputOptions> = {},
): Promise<{ times: number[]; refused: number; warnings: string[] }> {
  const receiver = strictReceiver();
  const warnings: string[] = [];
  const output = new RemoteWriteOutput({
    windows: "event",
    fetch: receiver.fetch,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  for (const sample of samples) output.add(sample);
  const report = await output.close();
  assert.equal(report.delivered, report.samples);
  const times = [...receiver.samples.values()].flat().map(({ timestamp }) => timestamp);
  return { times, refused: output.stats.samplesRefused.timeJump, warnings };
}

const timesOf = (samples: readonly Sample[]): number[] => samples.map(({ time }) => time);

test("one sample of the year 9999 does not move the later ones of its series, wherever it is", async () => {
  const samples = run(start, 60);
  for (const place of [0, 1, 10, 30, 59, 60]) {
    const { times, refused, warnings } = await send(samples.toSpliced(place, 0, ...at(year9999)));
    assert.deepEqual(times, timesOf(samples), `place ${place}`);
    assert.equal(refused, 1);
    assert.deepEqual(warnings, [
      "Rejected a sample of c: its time is 9999-01-01T00:00:00.000Z, more than 24 h from the samples around it " +
      "(maxTimeJumpMs). Further samples are only counted.",
    ]);
  }
});

test("wrong times among the first samples lose no good ones, whether they are far too old or far in the future", async () => {
  const samples = run(start, 60);
  for (const place of [0, 1, 16]) {
    for (const wrong of [[0], [year9999], [0, 1, 2, year9999]]) {
      const { times, refused } = await send(samples.toSpliced(place, 0, ...at(...wrong)));
      assert.deepEqual(times, timesOf(samples), `place ${place}, ${wrong}`);
      assert.equal(refused, wrong.length);
    }
  }
  // Fewer samples than are held.
  const short = await send([...at(0), ...samples.slice(0, 3)]);
  assert.deepEqual([short.times, short.refused], [timesOf(samples.slice(0, 3)), 1]);
  // The earlier one of two.
  assert.deepEqual((await send(at(start, start + 9 * day))).times, [start]);
});

test("several wrong times, also within the first samples of a second run, are refused; both runs are kept", async () => {
  const [first, second] = [run(start, 40), run(start + 3 * day, 40)];
  const samples = [...first, ...second];
  const stray = samples.toSpliced(43, 0, ...at(year9999, year9999 + 5)).toSpliced(
    20,
    0,
    ...at(year9999, start + 2 * day),
  );
  const { times, refused } = await send(stray);
  assert.deepEqual(times, timesOf(samples));
  assert.equal(refused, 4);
});

test("runs are kept in any order, a short one at the end, too", async () => {
  const runs = [run(start, 30), run(start + 3 * day, 5)];
  assert.deepEqual((await send(runs.flat())).times, timesOf(runs.flat()));
  const backwards = [run(start + 3 * day, 30), run(start, 5)].flat();
  assert.equal((await send(backwards)).refused, 0);
  // A few samples alone, and a day at most from one to the next.
  assert.deepEqual((await send(at(start, start + day, start + 2 * day))).times, [start, start + day, start + 2 * day]);
});

test("an explicit flush sends what was held, and maxTimeJumpMs 0 accepts every time", async () => {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ windows: "event", fetch: receiver.fetch });
  output.add(at(start));
  assert.equal((await output.flush()).delivered, 1);
  output.add(at(start + 1000));
  assert.equal((await output.close()).delivered, 2);
  const { times, refused } = await send(at(start, year9999), { maxTimeJumpMs: 0 });
  assert.deepEqual([times, refused], [[start, year9999], 0]);
});

test("a time that is not a number is refused as such", async () => {
  const { times } = await send([...at(start), ...at(NaN), ...at(start + 1000)]);
  assert.deepEqual(times, [start, start + 1000]);
});
