import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../../src/k6/metric.ts";
import type { Sample, Tags } from "../../../src/k6/sample.ts";
import type { RunMetrics } from "../../../src/k6/run_metrics/run_metrics.ts";
import { thresholds } from "../../../src/k6/run_metrics/thresholds.ts";

const duration: Metric = {
  name: "http_req_duration",
  type: "trend",
  contains: "time",
  thresholds: ["p(95)<500", "avg<60"],
};
const checks: Metric = { name: "checks", type: "rate", contains: "default", thresholds: ["rate>0.9", "rate<0.9"] };
const requests: Metric = {
  name: "http_reqs",
  type: "counter",
  contains: "default",
  thresholds: ["count==4", "rate>=2"],
};
const users: Metric = { name: "vus", type: "gauge", contains: "default", thresholds: ["value<5"] };

function newThresholds(
  groups?: Parameters<typeof thresholds>[0],
): { readonly metrics: RunMetrics; readonly warnings: string[] } {
  const warnings: string[] = [];
  return { metrics: thresholds(groups)({ onWarning: (message) => warnings.push(message) }), warnings };
}

function addAll(metrics: RunMetrics, metric: Metric, values: readonly number[], tags: Tags = {}): void {
  values.forEach((value, index) => metrics.add({ metric, value, time: 1000 + 500 * index, tags }));
}

function values(samples: readonly Sample[]): Record<string, number> {
  return Object.fromEntries(samples.map(({ tags, value }) => [`${tags.metric} ${tags.expression}`, value]));
}

test("the bounds of a metric are sent if it has new samples, at the time of the latest one, in seconds", () => {
  const { metrics } = newThresholds();
  assert.deepEqual(metrics.take(), []);
  addAll(metrics, duration, [10, 20, 30]);
  assert.deepEqual(metrics.take(), [
    {
      metric: { name: "threshold", type: "gauge", contains: "default" },
      time: 2000,
      value: 0.5,
      tags: { metric: "http_req_duration", expression: "p(95)<500" },
    },
    {
      metric: { name: "threshold", type: "gauge", contains: "default" },
      time: 2000,
      value: 0.06,
      tags: { metric: "http_req_duration", expression: "avg<60" },
    },
  ]);
  assert.deepEqual(metrics.take(), []);
});

test("the verdicts cover all series of a metric, for every metric type", () => {
  const { metrics } = newThresholds();
  addAll(metrics, duration, [10, 20, 30, 1000], { url: "a" });
  addAll(metrics, duration, Array.from({ length: 96 }, () => 30), { url: "b" });
  addAll(metrics, checks, [1, 1, 1, 0]);
  addAll(metrics, requests, [1, 1, 1, 1]);
  addAll(metrics, users, [7, 3]);
  assert.deepEqual(values(metrics.verdicts()), {
    "http_req_duration p(95)<500": 1,
    "http_req_duration avg<60": 1,
    "checks rate>0.9": 0,
    "checks rate<0.9": 1,
    "http_reqs count==4": 1,
    // 4 requests in the 47.5 s between the first and the last of all samples.
    "http_reqs rate>=2": 0,
    "vus value<5": 1,
  });
});

test("given thresholds are added to those of the metric, and tags select a part of its samples", () => {
  const { metrics } = newThresholds({
    http_req_duration: ["max<100", "avg<60"],
    "http_req_duration{status:500}": ["max<100"],
    http_reqs: ["rate>1.9"],
  });
  addAll(metrics, duration, [10, 20], { status: "200" });
  addAll(metrics, { ...duration }, [200], { status: "500" });
  addAll(metrics, requests, [1, 1, 1]);
  assert.deepEqual(values(metrics.verdicts()), {
    "http_req_duration p(95)<500": 1,
    "http_req_duration avg<60": 0,
    "http_req_duration max<100": 0,
    "http_req_duration{status:500} max<100": 0,
    "http_reqs count==4": 0,
    "http_reqs rate>=2": 1,
    "http_reqs rate>1.9": 1,
  });
});

test("a threshold that the metric's type does not allow or that cannot be read is not sent, with a warning", () => {
  const { metrics, warnings } = newThresholds({ vus: ["rate>1"] });
  addAll(metrics, { ...users, thresholds: ["p(95)<1", "nonsense", "value>0"] }, [1]);
  assert.deepEqual(values(metrics.verdicts()), { "vus value>0": 1 });
  assert.equal(warnings.length, 3);
  for (const text of ["p(95)<1", "nonsense", "rate>1"]) {
    assert.equal(warnings.filter((warning) => warning.includes(text)).length, 1);
  }
});

test("thresholds of a later definition of a metric are added, and cover all of its samples", () => {
  const { metrics, warnings } = newThresholds();
  addAll(metrics, { ...duration, thresholds: ["avg<60"] }, [10, 20, 30, 200]);
  metrics.take();
  addAll(metrics, { ...duration, thresholds: ["med<35", "max>100", "avg<60", "rate<1"] }, [40]);
  assert.deepEqual(values(metrics.take()), {
    "http_req_duration avg<60": 0.06,
    "http_req_duration med<35": 0.035,
    "http_req_duration max>100": 0.1,
  });
  assert.deepEqual(values(metrics.verdicts()), {
    "http_req_duration avg<60": 0,
    "http_req_duration med<35": 1,
    "http_req_duration max>100": 1,
  });
  assert.equal(warnings.length, 1);
});

test("thresholds may be objects with k6's further settings", () => {
  const { metrics } = newThresholds({
    http_reqs: [{ threshold: "count<2", abortOnFail: true, delayAbortEval: "10s" }, "count<3"],
  });
  addAll(metrics, { ...requests, thresholds: [] }, [2]);
  assert.deepEqual(values(metrics.verdicts()), { "http_reqs count<2": 0, "http_reqs count<3": 1 });
});

test("the name of a metric may contain the characters of a selector", () => {
  const { metrics } = newThresholds();
  addAll(metrics, { ...users, name: "a{b" }, [1]);
  addAll(metrics, { ...users, name: " " }, [1]);
  assert.deepEqual(values(metrics.verdicts()), { "a{b value<5": 1, "  value<5": 1 });
});

test("a metric without samples has no verdict, and values that are not finite do not count", () => {
  const { metrics } = newThresholds({ never: ["count<1"] });
  metrics.add({ metric: users, value: NaN, time: 1, tags: {} });
  metrics.add({ metric: users, value: 1, time: Infinity, tags: {} });
  assert.deepEqual(metrics.verdicts(), []);
});

test("arguments that are not in k6's form are an error that names them", () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ http_reqs: ["p95<1"] }, /threshold: it is "p95<1", expected/],
    [{ a: [{}] }, /threshold: it is \{\}, expected/],
    [{ "a{b}": ["p(95)<1"] }, /metric is "a\{b\}", expected a name/],
    [true, /thresholds: they are true, expected an object/],
    [["p(95)<1"], /thresholds: they are \["p\(95\)<1"\], expected an object/],
  ];
  for (const [groups, message] of wrong) {
    assert.throws(() => thresholds(groups as Record<string, string[]>), { name: "ConfigurationError", message });
  }
});
