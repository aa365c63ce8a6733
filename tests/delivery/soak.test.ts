// Runs on one runtime: the clock and the receiver are simulated, so nothing in it belongs to a runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Behaviour, mimir, prometheus, thanos, victoriaMetrics } from "../support/scripted_receiver.ts";
import { assertAddsUp, counts, live, seriesName, startRun } from "../support/scripted_run.ts";
import { slowCases } from "../support/runs.ts";

const seriesCount = 60;
const seconds = 600;

/** Every twentieth series is bad. */
const bad: Behaviour["bad"] = ({ labels }) =>
  labels.some(({ name, value }) => name === "n" && Number(value) % 20 === 7);
const isBad = (n: number): boolean => n % 20 === 7;

const receivers: readonly (readonly [title: string, protocol: "auto" | "1.0" | "2.0", Behaviour])[] = [
  ["Prometheus, 1.0", "1.0", { ...prometheus, bad }],
  ["Prometheus, 2.0", "2.0", { ...prometheus, bad }],
  ["Mimir, auto", "auto", { ...mimir, bad }],
  ["Thanos, auto", "auto", { ...thanos, bad }],
  ["VictoriaMetrics, auto", "auto", victoriaMetrics],
];

for (const [title, protocol, behaviour] of slowCases(receivers)) {
  test(`in ten minutes with an outage, wrong credentials, a slow time and bad series, no total is lost (${title})`, async () => {
    const run = startRun({ behaviour: { ...behaviour, latencyMs: 20 }, output: { protocol, capacity: 3000 } });
    const { clock, receiver, output } = run;
    await live(run, seconds, (second) => {
      if (second === 60) receiver.meet({ kind: "answer", status: 503, body: "restarting" }, 45_000);
      if (second === 200) receiver.meet({ kind: "answer", status: 401, body: "no" }, 40_000);
      if (second === 350) receiver.behave({ latencyMs: 3000 });
      if (second === 420) receiver.behave({ latencyMs: 20 });
      if (second === 500) receiver.meet({ kind: "reset", stored: true }, 2000);
      output.add(counts(seriesCount, clock.now()));
      assert.ok(output.stats.samplesPending <= 3000 + 2 * seriesCount);
    });
    const report = await clock.settle(output.close());
    assertAddsUp(report);
    assert.equal(report.samples + report.merged, seconds * seriesCount, "a sample is not accounted for");
    for (let n = 0; n < seriesCount; n++) {
      const isRefused = behaviour.bad !== undefined && isBad(n);
      assert.equal(receiver.totals.get(seriesName(n)), isRefused ? undefined : seconds, seriesName(n));
    }
    assert.deepEqual([report.failed, report.dropped, report.deferred], [0, 0, 0]);
    assert.deepEqual(receiver.violations, []);
    assert.equal(clock.timers, 0, "a timer is left");
  });
}
