import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../../src/k6/metric.ts";
import { runInfo } from "../../../src/k6/run_metrics/run_info.ts";

const users: Metric = { name: "vus", type: "gauge", contains: "default" };
const context = { onWarning: () => assert.fail() };

test("a sample of the run has the latest time and the testid of the first sample", () => {
  const metrics = runInfo({ branch: "main" })(context);
  assert.deepEqual(metrics.take(), []);
  for (const [testid, time] of [["a", 5], ["b", 9], ["c", 7], ["d", NaN]] as const) {
    metrics.add({ metric: users, value: 1, time, tags: { testid } });
  }
  const [metric] = metrics.metrics;
  assert.deepEqual(metrics.take(), [{ metric, time: 9, value: 1, tags: { branch: "main", testid: "a" } }]);
  assert.deepEqual(metrics.take(), []);
});

test("the end of a run with samples is a series of its own", () => {
  const metrics = runInfo({ branch: "main" })(context);
  assert.deepEqual(metrics.verdicts(), []);
  metrics.add({ metric: users, value: 1, time: 9, tags: { testid: "a" } });
  metrics.take();
  const [, metric] = metrics.metrics;
  assert.equal(metric?.name, "run_ended");
  assert.deepEqual(metrics.verdicts(), [{ metric, time: 9, value: 1, tags: { branch: "main", testid: "a" } }]);
});

test("two outputs with the same value do not share their state", () => {
  const create = runInfo();
  const [first, second] = [create(context), create(context)];
  first.add({ metric: users, value: 1, time: 1, tags: {} });
  assert.deepEqual([first.take().length, second.take().length], [1, 0]);
});

test("labels that cannot be sent are an error that names them", () => {
  assert.throws(() => runInfo({ "a b": "" }), {
    name: "ConfigurationError",
    message: /option runInfo: it has the label "a b"/,
  });
  assert.throws(() => runInfo({ a: 1 as unknown as string }), /option runInfo\.a: it is 1, expected a string/);
  assert.throws(
    () => runInfo(true as unknown as Record<string, string>),
    /option runInfo: it is true, expected an object/,
  );
});
