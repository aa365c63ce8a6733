import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../../../src/k6/output/resolve_options.ts";
import { k6Metrics } from "../../../src/k6/read/k6_metrics.ts";
import { legacyMapping } from "../../../src/k6/mapping/legacy.ts";
import type { Mapping } from "../../../src/k6/mapping/mapping.ts";
import { rawMapping } from "../../../src/k6/mapping/raw.ts";
import type { Metric } from "../../../src/k6/metric.ts";
import {
  metricNamed,
  mixedMetrics,
  otherMapping,
  type StoredMetric,
  storedMetrics,
} from "../../../src/cli/verdict/stored_metrics.ts";

const options = { prefix: "k6_", known: {}, native: new Set<string>() };

function typesOf(metrics: readonly StoredMetric[]): Record<string, string> {
  return Object.fromEntries(
    metrics.map((metric) => [metric.name, metric.type === "trend" ? metric.form : metric.type]),
  );
}

test("names tell the metrics of this module and of k6's own output", () => {
  const names = [
    "k6_http_reqs_total",
    ...["k6_checks_rate", "k6_checks_passes_total", "k6_checks_samples_total", "k6_http_req_failed_rate"],
    // vus_max is a gauge, not the maximum of a trend.
    ...["k6_vus", "k6_vus_max", "k6_queue_max"],
    // k6's own output sends only p(99) by default.
    ...["k6_http_req_duration_p99", "k6_wait_min", "k6_wait_max", "k6_wait_p999", "k6_wait_p9_5"],
    ...["k6_group_duration_seconds_bucket", "k6_group_duration_seconds_sum", "k6_group_duration_seconds_count"],
    ...["k6_page_bytes_bucket", "k6_page_bytes_sum", "k6_page_bytes_count"],
    ...["k6_run_info", "k6_run_ended", "k6_threshold", "k6_threshold_passed", "k6_remote_write_bytes_total", "up"],
  ];
  const metrics = storedMetrics(names, options);
  assert.deepEqual(typesOf(metrics), {
    checks: "rate",
    group_duration: "classic",
    http_req_duration: "stats",
    http_req_failed: "rate",
    http_reqs: "counter",
    page: "classic",
    queue_max: "gauge",
    vus: "gauge",
    vus_max: "gauge",
    wait: "stats",
  });
  const unitOf = (name: string): string | undefined => metrics.find((metric) => metric.name === name)?.contains;
  assert.deepEqual(["group_duration", "page", "http_req_duration"].map(unitOf), ["time", "data", "time"]);
  assert.deepEqual(metrics.find(({ name }) => name === "http_req_failed"), {
    name: "http_req_failed",
    type: "rate",
    contains: "default",
    ratio: "k6_http_req_failed_rate",
    passes: undefined,
    samples: undefined,
  });
});

test("native histograms have the names of gauges, so they are told apart by their values", () => {
  const names = ["k6_http_req_duration_seconds", "k6_items", "k6_temperature"];
  const metrics = storedMetrics(names, { ...options, native: new Set(["http_req_duration_seconds", "items"]) });
  assert.deepEqual(typesOf(metrics), { http_req_duration: "native", items: "native", temperature: "gauge" });
});

test("the unit of a trend of the script is known only if the user gives it", () => {
  const names = ["k6_wait_avg", "k6_wait_p95"];
  const [unknown] = storedMetrics(names, options);
  assert.equal(unknown?.type === "trend" && unknown.form === "stats" && unknown.isUnitKnown, false);
  const [known] = storedMetrics(names, {
    ...options,
    known: { wait: { name: "wait", type: "trend", contains: "time" } },
  });
  assert.equal(known?.contains, "time");
  assert.equal(known?.type === "trend" && known.form === "stats" && known.isUnitKnown, true);
});

test("a metric is found by the name that the script uses", () => {
  const names = ["k6_my_metric_total", "k6_lag_seconds_bucket", "k6_2xx_total"];
  const metrics = storedMetrics(names, options);
  const find = (name: string): StoredMetric | undefined => metricNamed(name, { metrics, prefix: "k6_" });
  assert.equal(find("my metric")?.type, "counter");
  assert.equal(find("2xx")?.name, "2xx");
  assert.equal(find("lag")?.contains, "time");
  // The script's own name may end in a unit; then k6's values have no unit.
  assert.deepEqual([find("lag_seconds")?.name, find("lag_seconds")?.contains], ["lag_seconds", "default"]);
  assert.equal(find("nothing"), undefined);
});

test("another prefix, and none", () => {
  assert.deepEqual(typesOf(storedMetrics(["load_http_reqs_total", "k6_x_total"], { ...options, prefix: "load_" })), {
    http_reqs: "counter",
  });
  assert.deepEqual(typesOf(storedMetrics(["http_reqs_total"], { ...options, prefix: "" })), { http_reqs: "counter" });
});

test("a metric that was sent in several forms is named", () => {
  const names = ["k6_wait_avg", "k6_wait_p95", "k6_wait_seconds_bucket", "k6_http_reqs_total"];
  assert.deepEqual(mixedMetrics(storedMetrics(names, options)), ["wait"]);
  assert.deepEqual(mixedMetrics(storedMetrics(names.slice(1), options)), ["wait"]);
  assert.deepEqual(mixedMetrics(storedMetrics(names.slice(2), options)), []);
});

test("a run in the mapping raw or legacy is recognised by the names of k6's metrics, one of the default mapping is not", () => {
  const samplesOf = Object.values(k6Metrics);
  const stored = (mapping: Mapping, isNative = false): StoredMetric[] => {
    const outputs = samplesOf.flatMap((metric) => mapping.mapMetric(metric)?.outputs ?? []);
    const native = outputs.filter(({ metadata }) => isNative && metadata.type === "histogram");
    return storedMetrics(outputs.map(({ name }) => name), {
      prefix: "k6_",
      known: {},
      native: new Set(native.map(({ name }) => name.slice("k6_".length))),
    });
  };
  assert.equal(otherMapping(stored(rawMapping({ prefix: "k6_" })), {})?.mapping, "raw");
  assert.equal(otherMapping(stored(legacyMapping({ prefix: "k6_" })), {})?.mapping, "legacy");
  for (const trendAs of ["stats", "native", "histogram"] as const) {
    const { mapping } = resolveOptions({ trendAs });
    assert.equal(otherMapping(stored(mapping, trendAs === "native"), {}), undefined, trendAs);
  }
  const gauges = storedMetrics(["k6_mine"], { prefix: "k6_", known: {}, native: new Set() });
  assert.equal(otherMapping(gauges, {}), undefined);
  const mine: Metric = { name: "mine", type: "counter", contains: "default" };
  assert.deepEqual(otherMapping(gauges, { mine }), { mapping: "legacy", names: ["mine"] });
});
