import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "../../../src/k6/sample.ts";
import { k6Metrics } from "../../../src/k6/read/k6_metrics.ts";
import { createMetrics } from "../../../src/k6/measure/mod.ts";
import { CapturedSamples } from "../../support/captured_samples.ts";

const now = () => 1700000000123;

test("each type of metric adds samples of its type with the time of the call", () => {
  const output = new CapturedSamples();
  const metrics = createMetrics(output, { now });
  metrics.counter("orders").add(2);
  metrics.gauge("cache_size", { contains: "data" }).add(4096);
  metrics.rate("login_ok").add(true);
  metrics.trend("waiting", { contains: "time" }).add(1.5);
  const time = 1700000000123;
  const expected: Sample[] = [
    { metric: { name: "orders", type: "counter", contains: "default" }, value: 2, time, tags: {} },
    { metric: { name: "cache_size", type: "gauge", contains: "data" }, value: 4096, time, tags: {} },
    { metric: { name: "login_ok", type: "rate", contains: "default" }, value: 1, time, tags: {} },
    { metric: { name: "waiting", type: "trend", contains: "time" }, value: 1.5, time, tags: {} },
  ];
  assert.deepEqual(output.samples, expected);
});

test("a rate accepts booleans and numbers and emits 0 or 1", () => {
  const output = new CapturedSamples();
  const rate = createMetrics(output).rate("ok_rate");
  for (const value of [true, false, 1, 0, 5, -1, -0]) assert.equal(rate.add(value), true);
  assert.deepEqual(output.values("ok_rate"), [1, 0, 1, 0, 1, 1, 0]);
});

test("a counter accepts negative values, as in k6", () => {
  const output = new CapturedSamples();
  createMetrics(output).counter("balance").add(-3);
  assert.deepEqual(output.values("balance"), [-3]);
});

test("values that are not finite numbers are refused, and counted over all forms of the metric", () => {
  const output = new CapturedSamples();
  const trend = createMetrics(output).trend("wait");
  const bound = trend.with({ page: "home" });
  for (const value of [NaN, Infinity, -Infinity]) assert.equal(trend.add(value), false);
  // JavaScript callers may pass these.
  for (const value of [undefined, null, "", "5", {}, 5n] as unknown as number[]) assert.equal(bound.add(value), false);
  assert.equal(trend.add(1), true);
  assert.equal(trend.refused, 9);
  assert.equal(bound.refused, 9);
  assert.deepEqual(output.values("wait"), [1]);
});

test("the tags of the call take precedence over those of with(), and these over those of all metrics", () => {
  const output = new CapturedSamples();
  const { counter } = createMetrics(output, { tags: { scenario: "buy", page: "none" } });
  const orders = counter("orders");
  orders.add(1);
  orders.with({ page: "home", sku: "a" }).add(1);
  orders.with({ page: "home", sku: "a" }).with({ sku: "b" }).add(1, { sku: "c", vip: "yes" });
  assert.deepEqual(output.samples.map(({ tags }) => tags), [
    { scenario: "buy", page: "none" },
    { scenario: "buy", page: "home", sku: "a" },
    { scenario: "buy", page: "home", sku: "c", vip: "yes" },
  ]);
});

test("the metric that with() returns uses the same frozen tags each time", () => {
  const output = new CapturedSamples();
  const tags = { page: "home" };
  const bound = createMetrics(output).counter("orders").with(tags);
  tags.page = "changed";
  bound.add(1);
  bound.add(2);
  assert.equal(output.samples[0]?.tags, output.samples[1]?.tags);
  assert.ok(Object.isFrozen(output.samples[0]?.tags));
  assert.deepEqual(output.samples[0]?.tags, { page: "home" });
});

test("frozen tags are used as they are, others are copied, because their owner may change them", () => {
  const output = new CapturedSamples();
  const orders = createMetrics(output).counter("orders");
  const frozen = Object.freeze({ page: "home" });
  const open = { page: "home" };
  orders.add(1, frozen);
  orders.add(1, open);
  open.page = "basket";
  assert.equal(output.samples[0]?.tags, frozen);
  assert.deepEqual(output.samples[1]?.tags, { page: "home" });
});

test("a given time is kept", () => {
  const output = new CapturedSamples();
  const orders = createMetrics(output, { now }).counter("orders");
  orders.add(1, { sku: "a" }, { time: 1600000000000 });
  orders.with({ sku: "a" }).add(1, undefined, { time: 0 });
  assert.deepEqual(output.samples.map(({ time }) => time), [1600000000000, 0]);
});

test("the same definition twice is the same metric", () => {
  const output = new CapturedSamples();
  const { trend } = createMetrics(output);
  const first = trend("wait", { isTime: true });
  assert.equal(trend("wait", { contains: "time" }), first);
  first.add(1);
  trend("wait", { isTime: true, contains: "time" }).add(2);
  assert.equal(output.samples[0]?.metric, output.samples[1]?.metric);
});

test("the same name with another type or unit is an error that names both", () => {
  const { counter, gauge, trend } = createMetrics(new CapturedSamples());
  counter("orders");
  trend("wait", { contains: "time" });
  assert.throws(() => gauge("orders"), {
    name: "TypeError",
    message: "Cannot define the metric orders: it is a gauge of default values here and a counter of default values " +
      "elsewhere, expected the same",
  });
  assert.throws(() => trend("wait"), {
    name: "TypeError",
    message: /trend of default values here and a trend of time/,
  });
});

test("a built-in metric can be used, but not redefined", () => {
  const output = new CapturedSamples();
  const { counter, trend } = createMetrics(output);
  trend("http_req_duration", { isTime: true }).add(5);
  assert.equal(output.samples[0]?.metric, k6Metrics.http_req_duration);
  assert.throws(() => counter("http_req_duration"), { name: "TypeError", message: /a trend of time values elsewhere/ });
});

test("names follow k6's rule", () => {
  const { counter } = createMetrics(new CapturedSamples());
  for (const name of ["ab", "_a", "A1_b", "a".repeat(129)]) assert.equal(counter(name).name, name);
  for (const name of ["", "a", "1a", "a-b", "a.b", "a b", "ä_b", "ab\n", "a".repeat(130), "constructor()"]) {
    assert.throws(
      () => counter(name),
      { name: "TypeError", message: /its name is .*, expected 2 to 129 ASCII/s },
      name,
    );
  }
});

test("isTime and contains must not contradict each other", () => {
  const { trend } = createMetrics(new CapturedSamples());
  assert.throws(() => trend("wait", { isTime: true, contains: "data" }), {
    name: "TypeError",
    message: "Cannot define the metric wait: isTime is true and contains is data, expected one of them",
  });
  assert.throws(() => trend("wait", { isTime: false, contains: "time" }), TypeError);
  assert.equal(trend("wait", { isTime: false, contains: "data" }).name, "wait");
});
