/**
 * A provider of OpenTelemetry's SDK with the official exporter for Prometheus and another one, and instruments of all kinds.
 */
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";

const resource = {
  "service.name": "shop",
  "service.namespace": "web",
  "service.instance.id": "one",
  "process.pid": 12,
  "host.tags": ["a", "b"],
};

/** A provider with two readers: the official exporter for Prometheus, and ours. */
export function provide(exporter: PushMetricExporter): { provider: MeterProvider; official: PrometheusExporter } {
  const official = new PrometheusExporter({ preventServerStart: true });
  const reader = new PeriodicExportingMetricReader({ exporter });
  const view = { instrumentName: "exp.*", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } } as const;
  const provider = new MeterProvider({
    resource: resourceFromAttributes(resource),
    readers: [official, reader],
    views: [view],
  });
  return { provider, official };
}

/** The labels of the scope of the tests. */
export const scope = { otel_scope_name: "http-library", otel_scope_version: "1.2.3" };

/** Makes instruments of all kinds, and records values with them. */
export function instrument(meter: Meter): void {
  const requests = meter.createCounter("http.server.requests", { description: "Requests.", unit: "{request}" });
  requests.add(3, { "http.route": "/a", "http.response.status_code": 200, ok: true, tags: ["x", "y"] });
  requests.add(0.5, { "http.route": 'quote " backslash \\ line\nbreak', empty: "", none: undefined });
  meter.createCounter("jobs_total").add(1);
  meter.createUpDownCounter("queue.depth").add(-4, { queue: "größe" });
  meter.createGauge("room-temperature", { unit: "Cel" }).record(-21.5);
  meter.createGauge("odd/values").record(Infinity, { which: "infinite" });
  const duration = meter.createHistogram("http.server.request.duration", {
    unit: "s",
    advice: { explicitBucketBoundaries: [0.005, 0.1, 1, 2.5, 1e7] },
  });
  for (const value of [0.001, 0.005, 0.2, 2, 99, 1e9]) duration.record(value, { "http.route": "/a" });
  meter.createHistogram("size_bytes", { unit: "By" }).record(1234);
  meter.createObservableCounter("cpu.time", { unit: "s" }).addCallback((result) => {
    result.observe(7.25, { "cpu.mode": "user" });
    result.observe(1, { "cpu.mode": "system", job: "nightly", instance: "x" });
  });
  meter.createObservableGauge("process.uptime_seconds", { unit: "s" }).addCallback((result) => result.observe(60));
  meter.createObservableUpDownCounter("pool.size", { unit: "1" }).addCallback((result) => result.observe(9));
}

/** The suffixes of units, which the specification demands and the official exporter leaves out. */
const withUnits: Readonly<Record<string, string>> = {
  room_temperature: "room_temperature_celsius",
  http_server_request_duration: "http_server_request_duration_seconds",
  cpu_time_total: "cpu_time_seconds_total",
};

/** Returns the name of a series of the official exporter with the suffix of its unit. */
export function nameWithUnit(name: string): string {
  const [, family = "", suffix = ""] = /^(.*?)(_bucket|_sum|_count)?$/.exec(name) ?? [];
  return `${withUnits[family] ?? family}${suffix}`;
}
