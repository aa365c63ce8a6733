import assert from "node:assert/strict";
import { test } from "node:test";
import { soak } from "../support/soak.ts";

// scripts/soak.ts runs longer.
test("in three minutes, one of them without a receiver, the queue grows and shrinks, and nothing is lost", async () => {
  const minutes: [pending: number, down: boolean][] = [];
  const { report, samplesIn, maxPending } = await soak({
    minutes: 3,
    samples: 60_000,
    onMinute: (_, { pending, down }) => minutes.push([pending, down]),
  });
  // 30 URLs; a trend has seven series, a rate three, two counters and a gauge one each; there is one flush per second.
  const series = 30 * (7 + 3 + 3);
  assert.equal(samplesIn, 60_000);
  assert.equal(report.delivered, report.samples);
  assert.ok(report.samples >= 175 * series && report.samples <= 181 * series, `${report.samples / series} flushes`);
  assert.deepEqual(minutes.map(([, down]) => down), [false, true, false]);
  assert.ok((minutes[1]?.[0] ?? 0) >= 58 * series, "the samples of the minute without a receiver wait");
  assert.deepEqual([minutes[0]?.[0], minutes[2]?.[0]], [0, 0]);
  assert.ok(maxPending <= 62 * series, String(maxPending / series));
});
