/** The windows of recorded samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Metric, RemoteWriteOutput, type Sample } from "../../../mod.ts";
import { EventWindows } from "../../../src/k6/output/event_windows.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";

const metric: Metric = { name: "c", type: "counter", contains: "default" };
const hour = 3_600_000;

/** Returns one sample per second. */
function run(start: number, seconds: number, tags: Sample["tags"]): Sample[] {
  return Array.from({ length: seconds }, (_, index) => ({ metric, time: start + 1000 * index, value: 1, tags }));
}

/** Sends samples, and returns the times of each series that arrived. */
async function times(samples: readonly Sample[]): Promise<Record<string, number[]>> {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ windows: "event", fetch: receiver.fetch, onWarning: () => {} });
  output.add(samples);
  const report = await output.close();
  assert.equal(report.delivered, report.samples);
  return Object.fromEntries(
    [...receiver.samples].map(([name, arrived]) => [name, arrived.map((each) => each.timestamp)]),
  );
}

test("windows begin at multiples of their length; samples that are slightly late belong to the current window", () => {
  const windows = new EventWindows(1000);
  const ends = [5300, 5999, 4000, 3000, 6000, 5999, 4000, 9500, 9000].map((time) => windows.endsBefore(time));
  assert.deepEqual(ends, [true, false, false, false, true, false, false, true, false]);
});

test("a window ends before a sample that is too early to be late, and a later window begins at the same multiple", () => {
  const windows = new EventWindows(1000);
  const ends = [5300, 2999, 2500, 5000, 2_000_000, 5100, 5900, 6000].map((time) => windows.endsBefore(time));
  assert.deepEqual(ends, [true, true, false, true, true, true, false, true]);
});

test("a window with 100,000 samples ends early", () => {
  const windows = new EventWindows(1000);
  const ends = Array.from({ length: 200_001 }, () => windows.endsBefore(5000));
  assert.deepEqual(ends.flatMap((end, index) => end ? [index] : []), [0, 100_000, 200_000]);
});

test("NaN does not end a window", () => {
  const windows = new EventWindows(1000);
  windows.endsBefore(5000);
  assert.deepEqual([windows.endsBefore(NaN), windows.endsBefore(5001)], [false, false]);
  // The series store rejects the sample; later samples get their usual windows.
  windows.endsBefore(Infinity);
  assert.deepEqual([windows.endsBefore(5002), windows.endsBefore(5003)], [true, false]);
});

test("a second file of an earlier run keeps its resolution (on one runtime)", async () => {
  const later = run(4 * hour, 600, { run: "a" });
  const earlier = run(3 * hour, 600, { run: "b" });
  assert.deepEqual(await times([...later, ...earlier]), {
    'k6_c_total{run="a"}': later.map(({ time }) => time),
    'k6_c_total{run="b"}': earlier.map(({ time }) => time),
  });
});

test("a stray sample far in the future does not affect the others", async () => {
  const samples = run(4 * hour, 600, {});
  const stray: Sample = { metric, time: Date.UTC(2099, 0, 1), value: 1, tags: { stray: "yes" } };
  assert.deepEqual(await times([...samples.slice(0, 100), stray, ...samples.slice(100)]), {
    "k6_c_total": samples.map(({ time }) => time),
  });
});
