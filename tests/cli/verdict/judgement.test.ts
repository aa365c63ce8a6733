import assert from "node:assert/strict";
import { test } from "node:test";
import {
  judgeGate,
  type Judgement,
  judgeSentThresholds,
  judgeThresholds,
  type MetricSource,
  parseGate,
} from "../../../src/cli/verdict/judgement.ts";
import { MetricReading, type StoredValues } from "../../../src/cli/verdict/metric_reading.ts";
import type { Threshold } from "../../../src/k6/metric.ts";
import { parseThresholdGroups } from "../../../src/k6/run_metrics/thresholds.ts";

/** A run whose metrics have these values; a key with `|` has the tags after it. */
function runOf(values: Readonly<Record<string, StoredValues>>): MetricSource {
  return {
    readNamed: (name, tags = []) => {
      const contains = name.endsWith("duration") ? "time" : "default";
      const found = values[[name, ...tags.map(([tag, value]) => `${tag}=${value}`)].join("|")];
      return Promise.resolve(found && new MetricReading({ name, contains }, found));
    },
  };
}

function durations(seconds: number, count = 100): StoredValues {
  const buckets = [{ low: seconds / 1.1, high: seconds, count }];
  return { type: "trend", histogram: { form: "native", count, sum: count * seconds, buckets } };
}

async function judge(
  groups: Readonly<Record<string, readonly Threshold[]>>,
  values: Readonly<Record<string, StoredValues>>,
): Promise<readonly Judgement[]> {
  return await judgeThresholds(parseThresholdGroups(groups), runOf(values));
}

test("a threshold is passed or crossed, with its value in k6's units", async () => {
  const [passed, crossed] = await judge({ http_req_duration: ["max<500", "max<300"] }, {
    http_req_duration: durations(0.4),
  });
  assert.deepEqual([passed?.state, passed?.value, passed?.detail], ["passed", 400, "max=400ms"]);
  assert.equal(crossed?.state, "crossed");
});

test("a bound within the error of an estimate is reported with the bounds", async () => {
  const [close] = await judge({ http_req_duration: ["p(95)<390"] }, { http_req_duration: durations(0.4) });
  assert.equal(close?.state, "crossed");
  assert.match(close?.detail ?? "", /^p\(95\)=398\.\d+ms, but the true value lies between 363\.63ms and 400ms$/);
});

test("a missing metric, missing tags and a value that the type does not have are not answered", async () => {
  const groups = {
    nothing: ["count>0"],
    "http_reqs{status:500}": ["count<1"],
    http_reqs: ["p(95)<1", "count<1"],
  };
  const judged = await judge(groups, { http_reqs: { type: "counter", count: 3, seconds: 1 } });
  assert.deepEqual(judged.map(({ state, detail }) => [state, detail]), [
    ["unanswered", "the run has no series of nothing"],
    ["unanswered", "the run has no series of http_reqs with status=500"],
    ["unanswered", "a metric of the type counter has no such value"],
    ["crossed", "count=3"],
  ]);
});

test("the tag name, which is no label by default, is missing with advice if url has the value", async () => {
  const one: StoredValues = { type: "counter", count: 3, seconds: 1 };
  const groups = { "http_reqs{name:checkout,status:200}": ["count>0"] };
  const detailOf = async (selector: string): Promise<string | undefined> => {
    const [judged] = await judge(groups, { http_reqs: one, [selector]: one });
    return judged?.detail;
  };
  const missing = "the run has no series of http_reqs with name=checkout, status=200";
  assert.equal(
    await detailOf("http_reqs|url=checkout|status=200"),
    `${missing}; the label name was not sent, but url has the same value: use {url:checkout,status:200}, or send with ` +
      "--keep-name-tag",
  );
  assert.equal(await detailOf("http_reqs|url=other|status=200"), missing);
});

test("tags select samples, also those with several colons", async () => {
  const values: Record<string, StoredValues> = {
    "http_reqs|group=::home|status=200": { type: "counter", count: 2, seconds: 1 },
  };
  const [judged] = await judge({ "http_reqs{group:::home,status:200}": ["count==2"] }, values);
  assert.equal(judged?.state, "passed");
});

test("thresholds that the run sent are judged anew; one that cannot be read is not answered", async () => {
  const sent = [
    { metric: "checks", expression: "rate>0.9" },
    { metric: "a{b", expression: "count>1" },
  ];
  const judged = await judgeSentThresholds(sent, runOf({ checks: { type: "rate", passes: 95, samples: 100 } }));
  assert.deepEqual(judged.map(({ state, detail }) => [state, detail.slice(0, 20)]), [
    ["passed", "rate=95.00%"],
    ["unanswered", "Cannot read threshol"],
  ]);
});

const before = { http_req_duration: durations(0.4), http_reqs: { type: "counter", count: 100, seconds: 10 } } as const;
const gates = [
  ["http_req_duration max > +10%", 0.43, "passed"],
  ["http_req_duration max > +10%", 0.45, "crossed"],
  ["http_req_duration max > +10%", 0.2, "passed"],
  ["http_req_duration max > 10", 0.42, "crossed"],
  ["http_req_duration max>=+25 ", 0.42, "passed"],
  ["http_req_duration max < -20%", 0.3, "crossed"],
  ["http_reqs rate < -5%", 0.4, "crossed"],
  ["nothing rate < -5%", 0.4, "unanswered"],
] as const;
for (const [text, seconds, state] of gates) {
  test(`the gate "${text}" at a maximum of ${seconds} s is ${state}`, async () => {
    const now = {
      http_req_duration: durations(seconds),
      http_reqs: { type: "counter", count: 90, seconds: 10 },
    } as const;
    const judged = await judgeGate(parseGate(text, "--fail-if"), { current: runOf(now), baseline: runOf(before) });
    assert.equal(judged.state, state, judged.detail);
  });
}

test("a gate on tags may contain spaces and comparisons", () => {
  const { selector, condition } = parseGate(
    "http_req_duration{group:::home page, name:a > b} p(97.5) >= +1.5%",
    "--fail-if",
  );
  assert.deepEqual(selector.tags, [["group", "::home page"], ["name", "a > b"]]);
  assert.deepEqual([condition.aggregation, condition.bound], [{ quantile: 0.975 }, 0.015]);
});

for (const text of ["p(95) > 10%", "http_req_duration > 10%", "http_req_duration p(95) > ten", "a p(101) > 1", ""]) {
  test(`the gate "${text}" is rejected`, () => {
    assert.throws(
      () => parseGate(text, "--fail-if"),
      /Cannot read --fail-if: it is ".*", expected METRIC VALUE > CHANGE/,
    );
  });
}
