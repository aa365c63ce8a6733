import assert from "node:assert/strict";
import { test } from "node:test";
import { labelNameOf, metricNameOf, type NamedMetric, unitOf } from "../../src/bridges/otel_names.ts";

/** Names by the specification. Those of units are the same in Prometheus's receiver of OTLP. */
const names: readonly (readonly [name: string, unit: string, kind: NamedMetric["kind"], expected: string])[] = [
  ["http.server.requests", "{request}", "counter", "http_server_requests_total"],
  ["http.server.duration", "s", "other", "http_server_duration_seconds"],
  ["jobs_total", "", "counter", "jobs_total"],
  ["cpu.seconds.total", "s", "counter", "cpu_seconds_total"],
  ["cpu.total", "s", "counter", "cpu_seconds_total"],
  ["response_time_seconds", "s", "gauge", "response_time_seconds"],
  ["delay_milliseconds", "s", "gauge", "delay_milliseconds_seconds"],
  ["seconds", "s", "gauge", "seconds"],
  ["cpu_usage", "1", "gauge", "cpu_usage_ratio"],
  ["cpu_usage_ratio", "1", "gauge", "cpu_usage_ratio"],
  ["items", "1", "counter", "items_total"],
  ["pool.size", "1", "other", "pool_size"],
  ["requests", "1/s", "gauge", "requests_per_second"],
  ["requests", "{request}/s", "gauge", "requests_per_second"],
  ["throughput", "By/s", "gauge", "throughput_bytes_per_second"],
  ["speed", "m/s", "gauge", "speed_meters_per_second"],
  ["payload", "By/{operation}", "gauge", "payload_bytes"],
  ["custom_metric", "constructor", "gauge", "custom_metric_constructor"],
  ["custom_metric", "By/toString", "gauge", "custom_metric_bytes_per_toString"],
  ["custom_metric", "custom_unit", "gauge", "custom_metric_custom_unit"],
  ["custom_metric", "unit with@special/chars", "gauge", "custom_metric_unit_with_special_per_chars"],
  ["metric.with/special--chars", "", "gauge", "metric_with_special_chars"],
  ["2xx", "", "gauge", "_2xx"],
];

test("the names of metrics get the suffixes of unit and type", () => {
  for (const [name, unit, kind, expected] of names) {
    assert.equal(metricNameOf({ name, unit, kind }, "UnderscoreEscapingWithSuffixes"), expected);
  }
});

test("units are Prometheus's words", () => {
  const units = "d h min s ms us ns By KiBy MiBy GiBy TiBy kBy MBy GBy TBy m V A J W g Cel Hz %".split(" ");
  const words =
    ("days hours minutes seconds milliseconds microseconds nanoseconds bytes kibibytes mebibytes gibibytes " +
      "tebibytes kilobytes megabytes gigabytes terabytes meters volts amperes joules watts grams celsius hertz percent")
      .split(" ");
  assert.deepEqual(units.map(unitOf), words);
  assert.deepEqual(["1/min", "1/h", "1/d", "1/w", "1/mo", "1/y"].map(unitOf), [
    ...["per_minute", "per_hour", "per_day", "per_week", "per_month", "per_year"],
  ]);
  assert.deepEqual(["", "1", "{packet}", "{packet}/{second}"].map(unitOf), ["", "", "", ""]);
});

test("each translation strategy of the specification has its form", () => {
  const metric = { name: "http.server.requests", unit: "By", kind: "counter" } as const;
  for (
    const [strategy, name, label] of [
      ["UnderscoreEscapingWithSuffixes", "http_server_requests_bytes_total", "service_name"],
      ["UnderscoreEscapingWithoutSuffixes", "http_server_requests", "service_name"],
      ["NoUTF8EscapingWithSuffixes", "http.server.requests_bytes_total", "service.name"],
      ["NoTranslation", "http.server.requests", "service.name"],
    ] as const
  ) {
    assert.equal(metricNameOf(metric, strategy), name);
    assert.equal(labelNameOf("service.name", strategy), label);
  }
  assert.equal(labelNameOf("0.key--x", "UnderscoreEscapingWithSuffixes"), "key_0_key_x");
});
