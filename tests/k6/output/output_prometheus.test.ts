// Runs on one runtime: what Prometheus stores depends on the requests only.
/** The effect of options, queried from a real Prometheus with PromQL. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Metric, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import { relabelRules } from "../../../src/k6/relabel/mod.ts";
import { runInfo } from "../../../src/k6/run_metrics/run_info.ts";
import { thresholds } from "../../../src/k6/run_metrics/thresholds.ts";
import { noPrometheus, type Prometheus, startPrometheus } from "../../support/prometheus.ts";

const duration: Metric = { name: "http_req_duration", type: "trend", contains: "time" };
const requests: Metric = { name: "http_reqs", type: "counter", contains: "default" };

let prometheus: Prometheus;
/** A time that Prometheus accepts. Each test has its own prefix. */
const now = Date.now() - 120_000;

before(async () => {
  if (!noPrometheus) prometheus = await startPrometheus();
});
after(async () => await prometheus?.close());

function startOutput(prefix: string, options: RemoteWriteOutputOptions): RemoteWriteOutput {
  return new RemoteWriteOutput({ url: prometheus.writeUrl, prefix, ...options });
}

async function valueOf(expression: string, timeMs: number): Promise<number> {
  const series = await prometheus.query(expression, timeMs);
  assert.equal(series.length, 1, `${expression} at ${timeMs}: ${JSON.stringify(series)}`);
  return Number(series[0]!.value[1]);
}

/** Returns values like response times, mostly short and some long. They are the same each time. */
function durations(count: number): number[] {
  let seed = 7;
  return Array.from({ length: count }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return 20 * (1 - seed / 2_147_483_647) ** -0.7;
  });
}

test(
  "percentiles of stored native histograms are within a bucket of the exact ones",
  { skip: noPrometheus },
  async () => {
    const output = startOutput("native_", { trendAs: "native", bucketFactor: 1.1 });
    const values = durations(5000);
    values.forEach((value, index) => {
      output.add({
        metric: duration,
        time: now + Math.floor(index / 100),
        value,
        tags: { half: index % 2 ? "a" : "b" },
      });
    });
    const report = await output.close();
    assert.deepEqual([report.delivered, report.samples], [2, 2]);
    const sorted = values.toSorted((a, b) => a - b);
    for (const quantile of [0.1, 0.5, 0.9, 0.95, 0.99]) {
      const exact = sorted[Math.ceil(quantile * sorted.length) - 1]! / 1000;
      const stored = await valueOf(
        `histogram_quantile(${quantile}, sum(native_http_req_duration_seconds))`,
        now + 1000,
      );
      assert.ok(
        stored / exact < 1.0906 && exact / stored < 1.0906,
        `p(${100 * quantile}): ${stored}, exactly ${exact}`,
      );
    }
    assert.equal(await valueOf("histogram_count(sum(native_http_req_duration_seconds))", now + 1000), 5000);
  },
);

test(
  "percentiles of stored classic histograms are in the bucket of the exact ones",
  { skip: noPrometheus },
  async () => {
    const output = startOutput("classic_", { trendAs: "histogram" });
    const values = durations(2000);
    values.forEach((value, index) =>
      output.add({ metric: duration, time: now + Math.floor(index / 100), value, tags: {} })
    );
    await output.close();
    const sorted = values.toSorted((a, b) => a - b);
    const bounds = [0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
    for (const quantile of [0.5, 0.9, 0.99]) {
      const exact = sorted[Math.ceil(quantile * sorted.length) - 1]! / 1000;
      const upper = bounds.findIndex((bound) => exact <= bound);
      const stored = await valueOf(
        `histogram_quantile(${quantile}, classic_http_req_duration_seconds_bucket)`,
        now + 1000,
      );
      assert.ok(stored >= bounds[upper - 1]! && stored <= bounds[upper]!, `${quantile}: ${stored}, exactly ${exact}`);
    }
    assert.equal(await valueOf("classic_http_req_duration_seconds_count", now + 1000), 2000);
  },
);

for (const trendAs of ["stats", "native", "histogram"] as const) {
  test(`after the staleness markers, k6's series disappear at once (${trendAs})`, { skip: noPrometheus }, async () => {
    const prefix = `stale_${trendAs}_`;
    const output = startOutput(prefix, { trendAs, staleMarkers: true, runInfo: runInfo() });
    output.add([
      { metric: duration, time: now, value: 12, tags: { a: "b" } },
      { metric: requests, time: now, value: 1, tags: { a: "b" } },
    ]);
    const report = await output.close();
    assert.equal(report.delivered, report.samples);
    const all = `{__name__=~"${prefix}.*"}`;
    // Each series has a marker, except k6_run_info and k6_run_ended.
    assert.equal((await prometheus.query(all, now)).length, (report.samples + 2) / 2);
    const left = await prometheus.query(all, now + 1);
    assert.deepEqual(left.map(({ metric }) => metric.__name__).sort(), [`${prefix}run_ended`, `${prefix}run_info`]);
  });
}

test("with the zero sample, increase() sees the first value of a series", { skip: noPrometheus }, async () => {
  for (const zeroSample of [false, true]) {
    const prefix = `zero_${zeroSample}_`;
    const output = startOutput(prefix, { zeroSample, trendAs: "native" });
    for (const [time, value] of [[now, 10], [now + 5000, 0]] as const) {
      output.add({ metric: requests, time, value, tags: {} });
      output.add({ metric: duration, time, value, tags: {} });
      const report = await output.flush();
      assert.equal(report.delivered, zeroSample && time === now ? 4 : 2);
    }
    await output.close();
    assert.equal(await valueOf(`increase(${prefix}http_reqs_total[10s])`, now + 5000), zeroSample ? 10 : 0);
    const histograms = await prometheus.query(`histogram_count(${prefix}http_req_duration_seconds)`, now - 1);
    assert.deepEqual(histograms.map(({ value }) => Number(value[1])), zeroSample ? [0] : []);
  }
});

test("two senders with instance auto have separate series", { skip: noPrometheus }, async () => {
  for (let sender = 0; sender < 2; sender++) {
    const output = startOutput("senders_", { instance: "auto" });
    output.add({ metric: requests, time: now, value: 3, tags: {} });
    const report = await output.close();
    assert.equal(report.delivered, 1);
  }
  assert.equal(await valueOf("count(senders_http_reqs_total)", now), 2);
  assert.equal(await valueOf("sum(senders_http_reqs_total)", now), 6);
});

test("thresholds, verdicts, counters of rates, relabelled series and a generated testid can be queried", {
  skip: noPrometheus,
}, async () => {
  const checks: Metric = { name: "checks", type: "rate", contains: "default", thresholds: ["rate>0.9"] };
  const output = startOutput("all_", {
    thresholds: thresholds({
      "http_req_duration{status:200}": [{ threshold: "p(95)<300", abortOnFail: true }, "max>200"],
    }),
    testid: "auto",
    trendStats: ["max"],
    relabel: relabelRules([
      { source_labels: ["url"], regex: "/item/.*", target_label: "url", replacement: "/item" },
      { source_labels: ["__name__"], regex: "all_http_reqs", target_label: "__name__", replacement: "all_requests" },
    ]),
  });
  for (let index = 0; index < 10; index++) {
    const time = now + index * 1000;
    const tags = { url: `/item/${index}`, status: index < 8 ? "200" : "500" };
    output.add([
      { metric: requests, time, value: 1, tags },
      { metric: duration, time, value: index < 8 ? 250 : 9000, tags },
      { metric: checks, time, value: index % 5 === 0 ? 0 : 1, tags: {} },
    ]);
    await output.flush();
  }
  const report = await output.close();
  assert.equal(report.delivered, report.samples);
  const at = now + 9000;
  const testids = await prometheus.query('count by (testid) ({__name__=~"all_.*"})', at);
  assert.deepEqual(testids.map(({ metric: { testid = "" } }) => /^\d{8}-\d{6}-[0-9a-z]{8}$/.test(testid)), [true]);
  assert.equal(await valueOf('all_requests_total{url="/item",status="200"}', at), 8);
  assert.equal(await valueOf('all_requests_total{url="/item",status="500"}', at), 2);
  assert.deepEqual(await prometheus.query("all_http_reqs_total", at), []);
  assert.equal(await valueOf("all_checks_passes_total", at), 8);
  assert.equal(await valueOf("all_checks_samples_total", at), 10);
  assert.equal(await valueOf("all_checks_rate", at), 0.8);
  assert.equal(await valueOf('all_threshold{metric="checks",expression="rate>0.9"}', at), 0.9);
  assert.equal(await valueOf('all_threshold{metric="http_req_duration{status:200}",expression="p(95)<300"}', at), 0.3);
  const verdicts = await prometheus.query("all_threshold_passed", at);
  assert.deepEqual(verdicts.map(({ metric, value }) => [metric.metric, metric.expression, value[1]]).sort(), [
    ["checks", "rate>0.9", "0"],
    ["http_req_duration{status:200}", "max>200", "1"],
    ["http_req_duration{status:200}", "p(95)<300", "1"],
  ]);
});
